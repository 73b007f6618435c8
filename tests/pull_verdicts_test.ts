/** Verdicts on a forge: what is taken back there is shown as taken back, and one without a date without one. */
import {
  deepStrictEqual as deepEqual,
  doesNotMatch,
  match,
  strictEqual as equal,
} from "node:assert";
import { pullJson, pullSchema } from "../server/outputs/pull_requests.ts";
import { findActiveRun, moveRun } from "../server/store/runs.ts";
import { isWithForge } from "../server/store/pull_requests.ts";
import type { ForgeKind } from "../server/states.ts";
import type { FakeRemark } from "./fake_forges/mod.ts";
import { PullScene } from "./pull_scene.ts";

const KINDS: readonly ForgeKind[] = ["github", "gitlab", "gitea"];
const approval: FakeRemark = {
  id: 2,
  kind: "review",
  author: "ana",
  body: "",
  verdict: "approved",
};

/** Opened, with these said of it there. */
async function said(kind: ForgeKind, remarks: FakeRemark[]): Promise<PullScene> {
  const it = await PullScene.make(kind);
  await it.opened();
  it.fake.state.remarks = remarks;
  await it.follow();
  return it;
}

const standing = ({ remarks }: PullScene): string[] =>
  remarks.map(({ author, verdict, withdrawnAt }) =>
    `${author} ${verdict}${withdrawnAt === null ? "" : ", withdrawn"}`
  );

for (const kind of KINDS) {
  Deno.test(`${kind}: an approval that was withdrawn is shown so, told once, and stands again once it is given again`, async () => {
    await using it = await said(kind, [{ ...approval }]);
    deepEqual(standing(it), ["ana approved"]);
    match(await it.it.scene.page(), /ana: approved/);
    await it.follow();
    deepEqual(standing(it), ["ana approved"], "it stands for as long as it is there");

    it.fake.state.remarks[0]!.dismissed = true;
    it.app.advance(60_000);
    await it.follow();
    await it.follow();
    deepEqual(standing(it), ["ana approved, withdrawn"]);
    equal(it.told.filter((type) => type === "pull_request_withdrawn").length, 1);
    const review = await it.it.scene.page();
    match(review, /ana: approval withdrawn/);
    match(review, />Approval withdrawn</);
    doesNotMatch(review, /ana: approved|>Approved</);
    match(
      await (await it.it.scene.pages.get(`/tickets/${it.ticket.id}`)).text(),
      /The approval of ana was withdrawn on Git/,
    );

    it.fake.state.remarks.push({ ...approval, id: 5 });
    await it.follow();
    deepEqual(standing(it), ["ana approved, withdrawn", "ana approved"]);
    match(await it.it.scene.page(), /ana: approved/);
  });

  Deno.test(`${kind}: a wish for changes that was withdrawn holds up nobody any more`, async () => {
    // GitLab keeps words and verdicts apart.
    const body = kind === "gitlab" ? "" : "Louder";
    const wish: FakeRemark = { ...approval, body, verdict: "changes_requested" };
    await using it = await said(kind, [wish]);
    equal(isWithForge(it.app.db, it.ticket.id), false);
    wish.dismissed = true;
    await it.follow();
    deepEqual(standing(it), ["ana changes_requested, withdrawn"]);
    equal(isWithForge(it.app.db, it.ticket.id), true);
    match(await it.it.scene.page(), /ana: wish for changes withdrawn/);
    const ticket = await (await it.it.scene.pages.get(`/tickets/${it.ticket.id}`)).text();
    match(ticket, /1 remark there</);
    doesNotMatch(ticket, /not taken up/);
  });
}

Deno.test("an approval that was withdrawn does not outweigh the wish for changes before it", async () => {
  const wish: FakeRemark = { ...approval, verdict: "changes_requested" };
  const later: FakeRemark = { ...approval, id: 3 };
  await using it = await said("github", [wish, later]);
  equal(isWithForge(it.app.db, it.ticket.id), true);
  later.dismissed = true;
  await it.follow();
  equal(isWithForge(it.app.db, it.ticket.id), false);
  match(await it.it.scene.page(), /ana: wants changes/);
});

Deno.test("where what is said there can't be read, nothing is taken for withdrawn", async () => {
  await using it = await said("gitlab", [{ ...approval }]);
  const refused = () => Response.json({ message: "403 Forbidden" }, { status: 403 });
  // The pull request, its checks, and then what was said.
  it.fake.next.push("plain", "plain", refused());
  await it.follow();
  deepEqual(standing(it), ["ana approved"]);
  match(it.pull.error, /followed without/);
});

Deno.test("a GitLab that shows no approvals any more withdraws none: what is known stays, and the page says so for as long as it lasts", async () => {
  await using it = await said("gitlab", [{ ...approval }]);
  const none = Response.json({ error: "404 Not Found" }, { status: 404 });
  it.fake.state.remarks[0]!.dismissed = true;
  // The pull request, its checks, what was said, and then who approved it.
  it.fake.next.push("plain", "plain", "plain", none);
  await it.follow();
  deepEqual(standing(it), ["ana approved"]);
  match(it.pull.error, /^Cannot read who approved it at GitLab: [^.]*\. [^.]* followed without$/);
  doesNotMatch(it.told.join(), /withdrawn|stopped|waits/);
  await it.follow();
  deepEqual(standing(it), ["ana approved, withdrawn"], "now it is known");
  equal(it.pull.error, "");
});

for (const kind of KINDS) {
  Deno.test(`${kind}: what a list that is not read to its end leaves out is neither withdrawn nor passed`, async () => {
    await using it = await said(kind, [{ ...approval, verdict: "changes_requested" }]);
    const { state } = it.fake;
    const others = Array.from({ length: 11 }, (_, index) => index + 10);
    const commit = it.pull.pushed!;
    state.pageSize = 100;
    state.checks = [
      ...others.map((id) => ({ name: `c${id}`, state: "passed", commit }) as const),
      { name: "last", state: "failed", commit },
    ];
    await it.follow();
    const failed = () => it.checks.filter(({ status }) => status === "failed").length;
    equal(failed(), 1);

    state.pageSize = 1;
    state.remarks.unshift(...others.map((id) => ({ ...approval, id, author: `p${id}` })));
    await it.follow();
    equal(it.remarks.find(({ author }) => author === "ana")!.withdrawnAt, null);
    equal(failed(), 1);
    match(it.pull.error, /more checks of this commit than are read/);
    equal(isWithForge(it.app.db, it.ticket.id), false);

    state.pageSize = 100;
    state.remarks.pop();
    state.checks.pop();
    await it.follow();
    equal(it.remarks.find(({ author }) => author === "ana")!.withdrawnAt !== null, true);
    deepEqual([failed(), it.pull.error], [0, ""]);
  });
}

Deno.test("of more that was said, or checked, than is kept, verdicts and failures are", async () => {
  await using it = await PullScene.make("github");
  await it.opened();
  const { state } = it.fake;
  state.pageSize = 100;
  const many = (length: number) => Array.from({ length }, (_, index) => index + 10);
  state.remarks = [
    ...many(501).map((id) =>
      ({ id, kind: "line", author: "bot", path: "a.txt", line: 1, body: "Style" }) as const
    ),
    { ...approval, verdict: "changes_requested" },
  ];
  state.checks = many(250).map((id) => ({
    name: `c${id}`,
    state: id === 259 ? "failed" : "passed",
    commit: it.pull.pushed!,
  }));
  await it.follow();
  equal(it.remarks.length, 500);
  equal(it.remarks.filter(({ verdict }) => verdict === "changes_requested").length, 1);
  equal(it.checks.length, 200);
  equal(it.checks.some(({ status }) => status === "failed"), true);
});

Deno.test("a verdict of which the forge does not say when it was given is shown without a date", async () => {
  await using it = await said("gitlab", [{ ...approval, undated: true }]);
  equal(it.remarks[0]!.at, null);
  const review = await it.it.scene.page();
  match(review, /ana: approved/);
  doesNotMatch(review, /1970/);
  const { pull, checks, remarks } = it;
  const told = pullSchema().parse(pullJson({ pull, checks, remarks })).remarks[0]!;
  deepEqual([told.at, told.withdrawn_at], [null, null]);
});

Deno.test("a person's own approval is over with the work that it was for: a pull request of newer work does not name it", async () => {
  await using it = await PullScene.make();
  await it.it.rule({ onConflict: "resolve" });
  await it.it.repo.commit("Meanwhile", { "a.txt": "1\n2\nTHREE\n" });
  it.it.approve();
  await it.it.merge();
  equal(it.ticket.status, "in_progress", "the developer has the conflict");
  it.app.tx((tx) => {
    const run = findActiveRun(tx.db, it.ticket.id)!;
    moveRun(tx, run.id, "running");
    moveRun(tx, run.id, "succeeded", { result: {} });
  });
  await it.it.scene.turn({ "a.txt": "1\n2\nthree of both\n" });
  it.it.scene.toReview();
  await it.opened();
  doesNotMatch(it.fake.state.pulls[0]!.body, /Approved-by/);
});
