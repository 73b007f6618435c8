/** Suggestions beside lines: read, applied as a commit through the worktree, refused when things changed. */
import {
  deepStrictEqual as deepEqual,
  match,
  ok,
  rejects,
  strictEqual as equal,
} from "node:assert";
import { join } from "node:path";
import { createHttp } from "../server/http.ts";
import { reviewsApi } from "../server/routes/reviews.tsx";
import {
  type Chosen,
  commitSuggestions,
  recordSuggestions,
} from "../server/services/suggestions.ts";
import { approveTicket } from "../server/services/tickets.ts";
import { listTicks } from "../server/store/review_marks.ts";
import { listFindings } from "../server/store/reviews.ts";
import { moveTicket } from "../server/store/tickets.ts";
import { suggestionIn, suggestionText } from "../server/suggestion.ts";
import { never } from "./git_support.ts";
import { noAssets } from "./http_support.ts";
import { numbered, ReviewScene, suggestion } from "./review_support.ts";

/** Ten lines changed from "old" to "new"; in review. */
async function inReview(text = numbered("new", 10)): Promise<ReviewScene> {
  const scene = await ReviewScene.make({ "a.txt": numbered("old", 10), "b.txt": "b\n" });
  await scene.turn({ "a.txt": text, "b.txt": "bb\n" });
  scene.toReview();
  return scene;
}

const chosen = (comments: { id: string }[], findings: { id: string }[] = []): Chosen => ({
  comments: comments.map(({ id }) => id),
  findings: findings.map(({ id }) => id),
});

const apply = async (scene: ReviewScene, what: Chosen) =>
  recordSuggestions(scene.app, await commitSuggestions(scene.app, scene.id, what, never));

const onBranch = (scene: ReviewScene, path: string) =>
  scene.repo.git("show", `${scene.branch}:${path}`).then((text) => `${text}\n`);

/** Nothing has happened: same commit, same state, nothing half in the worktree. */
async function untouched(scene: ReviewScene, head: string): Promise<void> {
  equal(await scene.repo.git("rev-parse", scene.branch), head);
  equal(scene.ticket.status, "review");
  equal(scene.ticket.headCommit, head);
}

Deno.test("suggestionIn() reads a fence, with the lines above and below that it takes in", () => {
  const at = { path: "a", line: 5 };
  deepEqual(suggestionIn({ ...at, body: suggestion("x\ny\n") }), {
    path: "a",
    first: 5,
    last: 5,
    lines: ["x", "y"],
  });
  deepEqual(suggestionIn({ ...at, body: suggestion("x\n", ":-2+1") }), {
    path: "a",
    first: 3,
    last: 6,
    lines: ["x"],
  });
  deepEqual(suggestionIn({ ...at, message: "m", suggestion: suggestion("") })?.lines, []);
  deepEqual(suggestionIn({ ...at, body: suggestionText(["```js", "a", "```"]) }), {
    path: "a",
    first: 3,
    last: 5,
    lines: ["```js", "a", "```"],
  });
  equal(suggestionIn({ ...at, body: suggestion("x\n"), side: "old" }), null);
  equal(suggestionIn({ path: "a", line: null, body: suggestion("x\n") }), null);
  equal(suggestionIn({ ...at, body: suggestion("x\n", ":-9+0") }), null, "before the first line");
  equal(suggestionIn({ ...at, body: "```ts\nx\n```" }), null);
  equal(suggestionIn({ ...at, body: "```suggestion\nnever ends" }), null);
});

Deno.test("a suggestion becomes one commit of the branch and the worktree, and the checks are due again", async () => {
  await using scene = await inReview();
  const head = scene.ticket.headCommit!;
  const wish = scene.comment("a.txt", 3, suggestion("three\nand a half\n"));
  const [above, on, below] = [1, 3, 9].map((line) => scene.comment("a.txt", line, `at ${line}`));
  const other = scene.comment("b.txt", 1, "elsewhere");
  const removed = scene.comment("a.txt", 3, "why not the old one?", "old");
  const ticket = await apply(scene, chosen([wish]));
  const text = numbered("new", 10).replace("new 3\n", "three\nand a half\n");
  equal(await onBranch(scene, "a.txt"), text);
  equal(await scene.repo.read("a.txt", scene.worktree), text);
  equal(await scene.repo.git("-C", scene.worktree, "status", "--porcelain"), "");
  equal(await scene.repo.git("rev-parse", `${scene.branch}^`), head);
  match(
    await scene.repo.git("log", "-1", "--format=%s", scene.branch),
    /^Ticket #1, a suggestion for a\.txt, applied by owner$/,
  );
  deepEqual([ticket.status, ticket.step, ticket.headCommit], [
    "in_progress",
    "build",
    await scene.repo.git("rev-parse", scene.branch),
  ]);
  ok(
    scene.app.jobs().some(({ kind, status }) =>
      kind === "advance_ticket" && status === "available"
    ),
  );
  // What else was said stays at its line, in other files and on removed lines, too; only what stood on the replaced
  // line is about the old commit.
  const now = new Map(scene.comments().map((comment) => [comment.id, comment]));
  deepEqual(
    [above!, on!, below!, other, removed].map(({ id }) => [
      now.get(id)?.line,
      now.get(id)?.commit === head,
    ]),
    [[1, false], [3, true], [10, false], [1, false], [3, false]],
  );
  deepEqual([now.get(wish.id)?.appliedCommit, now.get(wish.id)?.sent], [ticket.headCommit, true]);
});

Deno.test("several suggestions of several files become one commit; none is applied where one is refused", async () => {
  await using scene = await inReview();
  const head = scene.ticket.headCommit!;
  const last = scene.comment("a.txt", 10, suggestion("end\n"));
  const first = scene.comment("a.txt", 2, suggestion("", ":-1+0"));
  const finding = scene.finding("b.txt", 1, suggestion("bbb\n"));
  const clash = scene.comment("a.txt", 1, suggestion("one\n"));
  await rejects(apply(scene, chosen([last, first, clash])), /two suggestions change line 1/);
  await untouched(scene, head);
  await apply(scene, chosen([last, first], [finding]));
  equal(await onBranch(scene, "a.txt"), numbered("new", 10).slice(12).replace("new 10", "end"));
  equal(await onBranch(scene, "b.txt"), "bbb\n");
  equal(listFindings(scene.app.db, scene.id)[0]!.appliedCommit, scene.ticket.headCommit);
});

Deno.test("line ends stay as they are, and a last line without one is none the more", async () => {
  await using scene = await inReview("one\r\ntwo\r\nthree");
  await apply(scene, chosen([scene.comment("a.txt", 1, suggestion("1\n1b\n"))]));
  equal(await scene.repo.read("a.txt", scene.worktree), "1\r\n1b\r\ntwo\r\nthree");
  scene.toReview();
  await apply(scene, chosen([scene.comment("a.txt", 4, suggestion("3\n"))]));
  equal(await scene.repo.read("a.txt", scene.worktree), "1\r\n1b\r\ntwo\r\n3");
});

Deno.test("in a file with line ends of both kinds each place keeps its own", async () => {
  await using scene = await inReview("one\r\ntwo\nthree\r\n");
  const wishes = [
    scene.comment("a.txt", 1, suggestion("1\n")),
    scene.comment("a.txt", 2, suggestion("2\n2b\n")),
    scene.comment("a.txt", 3, suggestion("3\n")),
  ];
  await apply(scene, chosen(wishes));
  equal(await scene.repo.read("a.txt", scene.worktree), "1\r\n2\n2b\n3\r\n");
});

Deno.test("a mark of the byte order at the beginning of a file stays there", async () => {
  await using scene = await inReview("\ufeffone\ntwo\n");
  await apply(scene, chosen([scene.comment("a.txt", 2, suggestion("2\n"))]));
  const bytes = await Deno.readFile(join(scene.worktree, "a.txt"));
  deepEqual(bytes, new TextEncoder().encode("\ufeffone\n2\n"));
});

Deno.test("a suggestion is refused when its file has changed since, and only then", async () => {
  await using scene = await inReview();
  const [stale, fresh] = [
    scene.comment("a.txt", 3, suggestion("x\n")),
    scene.comment("b.txt", 1, suggestion("y\n")),
  ];
  const head = await scene.round({ "a.txt": numbered("newer", 10) });
  await rejects(apply(scene, chosen([stale])), /"a\.txt" changed since it was written/);
  await untouched(scene, head);
  await apply(scene, chosen([fresh]));
  equal(await onBranch(scene, "b.txt"), "y\n");
});

Deno.test("suggestions are refused for what is no suggestion, twice, out of review, and for others' tickets", async () => {
  await using scene = await inReview();
  const head = scene.ticket.headCommit!;
  const plain = scene.comment("a.txt", 1, "Why?");
  const old = scene.comment("a.txt", 1, suggestion("x\n"), "old");
  const far = scene.comment("a.txt", 99, suggestion("x\n"));
  const same = scene.comment("a.txt", 1, suggestion("new 1\n"));
  const good = scene.comment("a.txt", 2, suggestion("x\n"));
  for (
    const [wish, why] of [
      [plain, /the remark has none/],
      [old, /the remark has none/],
      [far, /has no line 99/],
      [same, /changes nothing/],
      [{ id: "comment_none" }, /no such remark/],
    ] as const
  ) {
    await rejects(apply(scene, chosen([wish])), why);
    await untouched(scene, head);
  }
  await rejects(apply(scene, chosen([])), /none is named/);
  approveTicket(scene.app, scene.id);
  await rejects(apply(scene, chosen([good])), /is in the merge queue/);
  scene.app.tx((tx) => moveTicket(tx, scene.id, "in_progress", { step: "develop" }));
  await rejects(apply(scene, chosen([good])), /is "in_progress"/);
  scene.toReview();
  await apply(scene, chosen([good]));
  scene.toReview();
  await rejects(apply(scene, chosen([good])), /it was applied already/);
});

Deno.test("what a person has changed in the worktree, or committed on the branch, is never overwritten", async () => {
  await using scene = await inReview();
  const head = scene.ticket.headCommit!;
  const wish = chosen([scene.comment("a.txt", 3, suggestion("x\n"))]);
  for (const path of ["a.txt", "c.txt"]) {
    await scene.repo.write(path, "mine\n", scene.worktree);
    await rejects(
      apply(scene, wish),
      new RegExp(`"${path}": it has changes that are not committed`),
    );
    equal(await scene.repo.read(path, scene.worktree), "mine\n");
    await untouched(scene, head);
    if (path === "a.txt") await scene.repo.git("-C", scene.worktree, "checkout", "-q", "--", path);
    else await Deno.remove(join(scene.worktree, path));
  }
  const tip = await scene.repo.commitOn(scene.branch, { "d.txt": "theirs\n" });
  await scene.repo.git("update-ref", `refs/heads/${scene.branch}`, tip);
  await rejects(apply(scene, wish), /the branch has other commits meanwhile/);
  equal(await scene.repo.git("rev-parse", scene.branch), tip);
});

Deno.test("a link is no file to suggest for, and binary files are left alone", async () => {
  await using scene = await ReviewScene.make({ "a.txt": "a\n" });
  await Deno.symlink("/etc/hostname", join(scene.worktree, "link"));
  await Deno.writeFile(join(scene.worktree, "image"), new Uint8Array([137, 0, 10, 255, 10]));
  await scene.turn({ "a.txt": "aa\n" });
  scene.toReview();
  const link = chosen([scene.comment("link", 1, suggestion("/etc/passwd\n"))]);
  await rejects(apply(scene, link), /"link": it is no file there/);
  const image = chosen([scene.comment("image", 1, suggestion("x\n"))]);
  await rejects(apply(scene, image), /"image" is not a text in UTF-8/);
});

Deno.test("after a crash between the commit and its record, applying again takes the commit over", async () => {
  await using scene = await inReview();
  const wish = chosen([scene.comment("a.txt", 3, suggestion("x\n"))]);
  const { commit } = await commitSuggestions(scene.app, scene.id, wish, never);
  const ticket = await apply(scene, wish);
  equal(ticket.headCommit, commit);
  equal(await scene.repo.git("rev-parse", scene.branch), commit);
});

Deno.test("after a crash before the commit, what stands in the worktree is taken for the suggestion", async () => {
  await using scene = await inReview();
  const wish = chosen([scene.comment("a.txt", 3, suggestion("x\n"))]);
  const text = numbered("new", 10).replace("new 3\n", "x\n");
  await scene.repo.write("a.txt", text, scene.worktree);
  await apply(scene, wish);
  equal(await onBranch(scene, "a.txt"), text);
});

Deno.test("two people who apply the same suggestion get one commit; the second is told", async () => {
  await using scene = await inReview();
  const wish = chosen([scene.comment("a.txt", 3, suggestion("x\n"))]);
  const both = await Promise.allSettled([apply(scene, wish), apply(scene, wish)]);
  deepEqual(both.map(({ status }) => status).sort(), ["fulfilled", "rejected"]);
  equal(await scene.repo.git("rev-parse", scene.branch), scene.ticket.headCommit);
});

Deno.test("the API ticks files, applies suggestions and gives lines of a file; refusals are problems", async () => {
  await using scene = await inReview();
  const http = createHttp(scene.app, {
    assets: noAssets,
    mountApi: reviewsApi,
    mountPages: () => {},
    renderError: ({ title }) => title,
  });
  const path = `/api/v1/tickets/${scene.id}`;
  const lines = async (query: string) => {
    const response = await http.request(`${path}/lines?${query}`);
    return [response.status, await response.json()] as const;
  };
  deepEqual(await lines("path=a.txt&from=3&to=4"), [200, {
    from: 3,
    lines: ["new 3", "new 4"],
    total: 10,
  }]);
  equal((await lines("path=a.txt"))[1].lines.length, 10);
  equal((await lines("path=none"))[0], 404);
  equal((await lines("path=../../etc/passwd"))[0], 404);
  equal((await lines("path=a.txt&from=0"))[0], 422);
  const wish = scene.comment("a.txt", 3, suggestion("x\n"));
  const post = (body: unknown, verb = "apply-suggestions") =>
    http.request(`${path}/${verb}`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify(body),
    });
  for (
    const [body, status, count] of [
      [{ path: "a.txt" }, 200, 1],
      [{ path: "README.md" }, 404, 1],
      [{ path: "a.txt", viewed: "yes" }, 422, 1],
      [{ path: "a.txt", viewed: false }, 200, 0],
    ] as const
  ) {
    const answer = await post(body, "viewed");
    equal(answer.status, status);
    await answer.body?.cancel();
    equal(listTicks(scene.app.db, "owner", scene.id).size, count);
  }
  const refused = await post({ comments: [] });
  equal(refused.status, 422);
  await refused.body?.cancel();
  const answer = await post({ comments: [wish.id] });
  equal(answer.status, 200);
  equal((await answer.json()).status, "in_progress");
  const again = await post({ comments: [wish.id] });
  equal(again.status, 409);
  await again.body?.cancel();
});

Deno.test("the page applies a suggestion by its button, and says there why it can't", async () => {
  await using scene = await inReview();
  const wish = scene.comment("a.txt", 3, suggestion("x\n"));
  match(await scene.page(), /data-key="p" aria-label="Apply suggestion to line 3"/);
  const post = () =>
    scene.pages.post(`/tickets/${scene.id}/apply-suggestions`, { comment: wish.id });
  const answer = await post();
  deepEqual([answer.status, answer.headers.get("location")], [303, `/tickets/${scene.id}`]);
  const refused = await post();
  deepEqual([refused.status, refused.headers.get("location")], [303, scene.href]);
  match(decodeURIComponent(refused.headers.get("set-cookie")!), /Cannot apply the suggestion/);
  match(await scene.page(), /Applied as [0-9a-f]{7}/);
});
