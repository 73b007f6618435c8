/** Each forge by its own API: what is asked, what comes back, and every way in which it can refuse. */
import {
  deepStrictEqual as deepEqual,
  match,
  ok,
  rejects,
  strictEqual as equal,
} from "node:assert";
import { ForgeError, restOf } from "../server/services/forges/client.ts";
import type { Forge } from "../server/services/forges/forge.ts";
import { openForge } from "../server/services/forges/open.ts";
import { type ForgeKind, forgeKinds } from "../server/states.ts";
import { type FakeForge, startFakeForge } from "./fake_forges/mod.ts";
import { never } from "./git_support.ts";

const BRANCH = "gaffer/1-greet";
const COMMIT = "c".repeat(40);
const NOW = Date.parse("2026-01-02T03:04:05.000Z");
const greeting = { branch: BRANCH, target: "main", title: "feat: Greet", body: "- Say it" };

interface Changes {
  token?: string;
  repository?: string;
  timeoutMs?: number;
  apiUrl?: string;
}

function openAt(fake: FakeForge, changes: Changes = {}): Forge {
  const settings = {
    kind: fake.kind,
    apiUrl: changes.apiUrl ?? fake.apiUrl,
    repository: changes.repository ?? fake.state.repository,
    remoteUrl: fake.remoteUrl,
    token: "$FORGE_TOKEN",
    takesMerge: false,
  };
  const { token = fake.state.token, timeoutMs } = changes;
  return openForge(settings, { nowMs: () => NOW, timeoutMs, variable: () => token }).forge;
}

const each = (sentence: string, test: (fake: FakeForge, kind: ForgeKind) => Promise<void>) => {
  for (const kind of forgeKinds) {
    Deno.test(`${kind}: ${sentence}`, async () => {
      await using fake = startFakeForge({ kind });
      await test(fake, kind);
    });
  }
};

const refused = (promise: Promise<unknown>, message: RegExp, wanted: Partial<ForgeError>) =>
  rejects(promise, (error: ForgeError) => {
    ok(error instanceof ForgeError, String(error));
    match(error.message, message);
    for (const [name, value] of Object.entries(wanted)) {
      equal(error[name as keyof ForgeError], value, `${name} of ${error.message}`);
    }
    return true;
  });

each("a pull request is opened, found by its branch, and looked at", async (fake) => {
  const forge = openAt(fake);
  equal(await forge.defaultBranch(never), "main");
  deepEqual(await forge.find(BRANCH, never), []);
  const opened = await forge.open(greeting, never);
  deepEqual({ ...opened, url: "" }, {
    number: 7,
    url: "",
    state: "open",
    branch: BRANCH,
    headCommit: COMMIT,
    mergeCommit: null,
    body: "- Say it",
  });
  match(opened!.url, /^https:\/\/\w+\.example\/ana\/greet\/.*\/?7$/);
  const { title, body, target } = fake.state.pulls[0]!;
  deepEqual([title, body, target], ["feat: Greet", "- Say it", "main"]);
  deepEqual(await forge.find(BRANCH, never), [opened]);
  deepEqual(await forge.find("gaffer/2-other", never), []);
  deepEqual(await forge.look(7, never), opened);
});

each("a second one of the same branch is not opened, and says that there is one", async (fake) => {
  const forge = openAt(fake);
  await forge.open(greeting, never);
  equal(await forge.open(greeting, never), null);
  equal(fake.state.pulls.length, 1);
});

each(
  "the open one of a branch comes before those that have ended, over all pages",
  async (fake) => {
    const forge = openAt(fake);
    for (let i = 0; i < 4; i++) {
      await forge.open(greeting, never);
      if (i > 0) fake.state.pulls.at(-1)!.state = "closed";
      else fake.state.pulls[0]!.state = "merged";
    }
    fake.state.pulls[0]!.state = "open";
    const found = await forge.find(BRANCH, never);
    deepEqual([found[0]!.number, found[0]!.state], [7, "open"]);
    ok(found.length >= 3);
  },
);

each("a merged one tells its commit, a closed one none", async (fake) => {
  const forge = openAt(fake);
  await forge.open(greeting, never);
  Object.assign(fake.state.pulls[0]!, { state: "merged", mergeCommit: "d".repeat(40) });
  const merged = await forge.look(7, never);
  deepEqual([merged.state, merged.mergeCommit], ["merged", "d".repeat(40)]);
  fake.state.pulls[0]!.state = "closed";
  const closed = await forge.look(7, never);
  deepEqual([closed.state, closed.mergeCommit], ["closed", null]);
});

each("a pull request is closed, and one that was merged stays so", async (fake, kind) => {
  const forge = openAt(fake);
  await forge.open(greeting, never);
  const closed = await forge.close(7, never);
  deepEqual([closed.number, closed.state, fake.state.pulls[0]!.state], [7, "closed", "closed"]);
  Object.assign(fake.state.pulls[0]!, { state: "merged", mergeCommit: "d".repeat(40) });
  // GitLab says how it is, the others refuse.
  if (kind === "gitlab") equal((await forge.close(7, never)).state, "merged");
  else await refused(forge.close(7, never), /^Cannot close the pull request/, { lasting: true });
  equal(fake.state.pulls[0]!.state, "merged");
  await refused(forge.close(99, never), /Cannot close the/, { status: 404 });
});

each("checks come with their states, over all pages", async (fake, kind) => {
  const forge = openAt(fake);
  deepEqual(await forge.checks(COMMIT, never), { items: [], cut: false });
  fake.state.checks = [
    { name: "build", state: "passed", commit: COMMIT },
    { name: "test", state: "failed", commit: COMMIT },
    { name: "lint", state: "running", commit: COMMIT },
    { name: "other", state: "passed", commit: "e".repeat(40) },
  ];
  const { items: checks, cut } = await forge.checks(COMMIT, never);
  equal(cut, false);
  deepEqual(checks.slice(0, 3).map(({ name, status, summary }) => [name, status, summary]), [
    ["build", "passed", "build passed"],
    ["test", "failed", "test failed"],
    ["lint", "running", "lint running"],
  ]);
  equal(checks.length, kind === "github" ? 4 : 3);
  match(checks[0]!.url, /^https:/);
});

each(
  "what was said comes with its lines and verdicts, each by an id of its own",
  async (fake, kind) => {
    const forge = openAt(fake);
    await forge.open(greeting, never);
    fake.state.remarks = [
      { id: 11, kind: "line", author: "ana", path: "a.txt", line: 3, body: "Why three?" },
      { id: 12, kind: "line", author: "ana", path: "b.txt", line: 1, side: "old", body: "Keep" },
      { id: 13, kind: "line", author: "ben", path: "a.txt", line: 1, body: "Third of its list" },
      { id: 14, kind: "review", author: "ben", body: "No", verdict: "changes_requested" },
      { id: 15, kind: "note", author: "bot", body: "Coverage 80 %" },
    ];
    const { remarks: all, whole, unread } = await forge.remarks(7, never);
    deepEqual([whole, unread], [["approved", "changes_requested"], []]);
    equal(new Set(all.map(({ forgeId }) => forgeId)).size, all.length);
    const remarks = all.slice(0, 5);
    const said = remarks.map((
      { author, path, line, side, body },
    ) => [author, path, line, side, body]);
    deepEqual(said, [
      ["ana", "a.txt", 3, "new", "Why three?"],
      ["ana", "b.txt", 1, "old", "Keep"],
      ["ben", "a.txt", 1, "new", "Third of its list"],
      ["ben", null, null, "new", "No"],
      ["bot", null, null, "new", "Coverage 80 %"],
    ]);
    // GitLab keeps verdicts apart from what is said.
    const verdict = kind === "gitlab" ? all[5]! : remarks[3]!;
    deepEqual([verdict.author, verdict.verdict, verdict.path], ["ben", "changes_requested", null]);
    equal(all.filter(({ verdict }) => verdict !== null).length, 1);
    deepEqual(remarks.map(({ at }) => at), Array(5).fill("2026-01-02T03:04:05.000Z"));
  },
);

each("each verdict counts once, and a second one of the same person anew", async (fake) => {
  const forge = openAt(fake);
  await forge.open(greeting, never);
  const review = { kind: "review", author: "ben", body: "" } as const;
  fake.state.remarks = [
    { ...review, id: 1, verdict: "changes_requested" },
    { ...review, id: 2, author: "ana", verdict: "approved" },
  ];
  const verdicts = async () =>
    (await forge.remarks(7, never)).remarks.map(({ author, verdict, forgeId }) => ({
      said: `${author}: ${verdict}`,
      forgeId,
    }));
  const before = await verdicts();
  deepEqual(before.map(({ said }) => said).sort(), ["ana: approved", "ben: changes_requested"]);
  deepEqual(await verdicts(), before);
  fake.state.remarks.push({ ...review, id: 3, verdict: "changes_requested" });
  const known = before.map(({ forgeId }) => forgeId);
  const more = (await verdicts()).filter(({ forgeId }) => !known.includes(forgeId));
  deepEqual(more.map(({ said }) => said), ["ben: changes_requested"]);
});

Deno.test("of a GitLab that lacks verdicts, or keeps them back, the rest is read, and the kinds that are unknown are told from none", async () => {
  await using fake = startFakeForge({ kind: "gitlab" });
  const forge = openAt(fake);
  await forge.open(greeting, never);
  fake.state.remarks = [{ id: 15, kind: "note", author: "bot", body: "Coverage 80 %" }];
  const none = () => Response.json({ error: "404 Not Found" }, { status: 404 });
  fake.next.push("plain", none(), none());
  const old = await forge.remarks(7, never);
  deepEqual(old.remarks.map(({ body }) => body), ["Coverage 80 %"]);
  deepEqual(old.whole, []);
  equal(old.unread.length, 2);
  match(old.unread[0]!, /^Cannot read who approved it at GitLab: its version or edition lacks/);
  fake.next.push("plain", Response.json({ message: "403 Forbidden" }, { status: 403 }));
  const kept = await forge.remarks(7, never);
  deepEqual(kept.whole, ["changes_requested"]);
  match(kept.unread.join(), /^Cannot read who approved it at GitLab: the token/);
  fake.next.push("plain", Response.json({}, { status: 502 }));
  await refused(forge.remarks(7, never), /^Cannot read who approved it/, { lasting: false });
});

each(
  "a list that is longer than is read is known as cut, and its verdicts as not whole",
  async (fake, kind) => {
    const forge = openAt(fake);
    await forge.open(greeting, never);
    fake.state.pageSize = 1;
    const many = Array.from({ length: 11 }, (_, index) => index + 1);
    fake.state.checks = many.map((id) => ({ name: `c${id}`, state: "passed", commit: COMMIT }));
    const { items, cut } = await forge.checks(COMMIT, never);
    deepEqual([items.length, cut], [kind === "github" ? 11 : 10, true]);
    fake.state.checks.length = 10;
    equal((await forge.checks(COMMIT, never)).cut, false, "exactly as many as are read");
    fake.state.remarks = many.map((id) => ({
      ...{ id, kind: "review", author: `p${id}`, body: "", verdict: "changes_requested" },
    }));
    const { whole, unread } = await forge.remarks(7, never);
    deepEqual(whole, kind === "gitlab" ? ["approved"] : []);
    match(unread.join(), /has more review(er)?s than are read/);
  },
);

each("a refused token is for a person to mend, and is not told", async (fake) => {
  const forge = openAt(fake, { token: "wrong-token-9876" });
  await refused(
    forge.open(greeting, never),
    /^Cannot open the (pull|merge) request at \w+: it refuses the token in \$FORGE_TOKEN.*Put a valid/,
    { lasting: true, status: 401 },
  );
  fake.next.push(Response.json({ message: "no wrong-token-9876 here" }, { status: 401 }));
  await refused(forge.look(7, never), /\("no \[token\] here"\)/, { status: 401 });
});

each("a repository or pull request that is not there says what to look at", async (fake) => {
  const elsewhere = openAt(fake, { repository: "ana/none" });
  await refused(
    elsewhere.find(BRANCH, never),
    /no such thing in "ana\/none" that the token in \$FORGE_TOKEN may see.*See the repository's name/,
    { lasting: true, status: 404 },
  );
  await refused(openAt(fake).look(99, never), /Cannot look at the/, { status: 404 });
});

each("a body that is not taken comes with the forge's own words", async (fake) => {
  fake.state.branches = () => null;
  await refused(openAt(fake).open(greeting, never), /Cannot open the/, { lasting: true });
  await refused(openAt(fake).open({ ...greeting, title: "" }, never), /title/i, { lasting: true });
});

each("a limit on requests is kept to, by whichever header tells it", async (fake) => {
  const forge = openAt(fake);
  fake.next.push(new Response("{}", { status: 429, headers: { "retry-after": "90" } }));
  await refused(forge.find(BRANCH, never), /takes no more requests for now/, {
    lasting: false,
    status: 429,
    afterMs: 90_000,
  });
  const reset = String(NOW / 1_000 + 600);
  fake.next.push(
    Response.json({ message: "API rate limit exceeded" }, {
      status: 403,
      headers: { "x-ratelimit-remaining": "0", "x-ratelimit-reset": reset },
    }),
  );
  await refused(forge.find(BRANCH, never), /rate limit/, { lasting: false, afterMs: 600_000 });
  const last = { "ratelimit-remaining": "0", "ratelimit-reset": reset };
  fake.next.push(Response.json({ default_branch: "main" }, { headers: last }));
  await forge.defaultBranch(never);
  equal(forge.restMs(), 600_000);
});

each("a right that the token lacks is named", async (fake) => {
  fake.next.push(Response.json({ message: "Resource not accessible" }, { status: 403 }));
  await refused(openAt(fake).find(BRANCH, never), /may not do that \("Resource not accessible"\)/, {
    lasting: true,
  });
});

each("a fault of the forge, and an answer that is none, are tried again", async (fake) => {
  const forge = openAt(fake);
  fake.next.push(new Response("<html>bad gateway</html>", { status: 502 }));
  await refused(forge.find(BRANCH, never), /a fault \(502\)/, { lasting: false, status: 502 });
  fake.next.push(new Response("<html>Log in to the café's network</html>"));
  await refused(forge.find(BRANCH, never), /none that this API gives/, { lasting: false });
  fake.next.push(Response.json([{ number: "seven" }]));
  await refused(forge.find(BRANCH, never), /none that this API gives \(0\./, { lasting: false });
});

each("a request that is led elsewhere is not followed there", async (fake) => {
  const headers = { location: "https://elsewhere.example/" };
  fake.next.push(new Response(null, { status: 301, headers }));
  await refused(openAt(fake).find(BRANCH, never), /moved or renamed. Set its new name/, {
    lasting: true,
  });
  equal(fake.requests.length, 1);
});

each("an answer that does not come ends in time, or when nobody waits any more", async (fake) => {
  fake.next.push("hang", "hang");
  await refused(openAt(fake, { timeoutMs: 20 }).find(BRANCH, never), /does not answer in time/, {
    lasting: false,
    status: null,
  });
  const stop = new AbortController();
  const waiting = openAt(fake).find(BRANCH, stop.signal);
  stop.abort(new Error("the server stops"));
  await rejects(waiting, /the server stops/);
});

Deno.test("a forge that is not there can't be reached, and is tried again", async () => {
  const fake = startFakeForge({ kind: "github" });
  await fake[Symbol.asyncDispose]();
  await refused(openAt(fake).find(BRANCH, never), /can't be reached at 127\.0\.0\.1:\d+/, {
    lasting: false,
  });
});

Deno.test("an answer beyond all measure is not read to its end", async () => {
  await using fake = startFakeForge({ kind: "github" });
  fake.next.push(new Response(new Uint8Array(9 * 1024 * 1024)));
  await refused(openAt(fake).find(BRANCH, never), /more than is read/, { lasting: false });
});

Deno.test("openForge() refuses a variable that Gaffer's environment lacks", async () => {
  await using fake = startFakeForge({ kind: "gitea" });
  await rejects(async () => await openAt(fake, { token: "" }).defaultBranch(never), {
    code: "invalid",
    message: /no variable FORGE_TOKEN. Set it to a token where Gaffer is started/,
  });
});

Deno.test("restOf() reads seconds, dates and resets, a day at most, and nothing of nonsense", () => {
  const rest = (headers: Record<string, string>) => restOf({ headers: new Headers(headers) }, NOW);
  equal(rest({}), 0);
  equal(rest({ "retry-after": "7" }), 7_000);
  equal(rest({ "retry-after": "Fri, 02 Jan 2026 03:05:05 GMT" }), 60_000);
  equal(rest({ "retry-after": "soon" }), 0);
  equal(rest({ "retry-after": "999999999" }), 86_400_000);
  equal(rest({ "x-ratelimit-remaining": "3", "x-ratelimit-reset": "99999999999" }), 0);
  equal(rest({ "x-ratelimit-remaining": "0", "x-ratelimit-reset": "1" }), 0);
});
