/** The text of a pull request names who approved the work as it is, and is a person's otherwise. */
import { deepStrictEqual as deepEqual, match, strictEqual as equal } from "node:assert";
import { migrate, openDb } from "../server/db.ts";
import { migrations } from "../server/migrations/mod.ts";
import { withApprover } from "../server/services/pull_text.ts";
import { approveTicket, requestTicketChanges } from "../server/services/tickets.ts";
import { findActiveRun, moveRun } from "../server/store/runs.ts";
import { forgeKinds } from "../server/states.ts";
import { PullScene } from "./pull_scene.ts";

/** Approved by Ana, and opened. */
async function approved(kind: PullScene["fake"]["kind"] = "github"): Promise<PullScene> {
  const it = await PullScene.make(kind);
  it.set({ takesMerge: true });
  approve(it, "ana");
  await it.follow();
  return it;
}

const approve = (it: PullScene, actor: string) => approveTicket({ ...it.app, actor }, it.ticket.id);

const approversIn = ({ fake }: PullScene): string[] =>
  [...fake.state.pulls[0]!.body.matchAll(/^Approved-by: (.*?)\r?$/gm)].map(([, name]) => name!);

/** Sent back, worked on, and in review again. */
async function goRound(it: PullScene): Promise<void> {
  sendBack(it);
  it.app.tx((tx) => {
    const run = findActiveRun(tx.db, it.ticket.id)!;
    moveRun(tx, run.id, "running");
    moveRun(tx, run.id, "succeeded", { result: {} });
  });
  await it.it.scene.turn({ "louder.txt": "!\n" });
  it.it.scene.toReview();
}

const sendBack = (it: PullScene) => requestTicketChanges(it.app, it.ticket.id, "Louder");

for (const kind of forgeKinds) {
  Deno.test(`${kind}: newer work that another person approved names that person, and nothing else of the text is changed`, async () => {
    await using it = await approved(kind);
    const [pull] = it.fake.state.pulls;
    deepEqual(approversIn(it), ["ana"]);
    pull!.body = pull!.body.replace("\n\n", "\n\nSee the forum.\n\n");
    const before = pull!.body;
    await goRound(it);
    approve(it, "ben");
    await it.follow();
    equal(it.pull.pushed, it.ticket.headCommit);
    equal(pull!.body, before.replace("Approved-by: ana", "Approved-by: ben"));
    deepEqual(it.told.filter((type) => type === "pull_request_reworded").length, 1);
    const page = await (await it.it.scene.pages.get(`/tickets/${it.ticket.id}`)).text();
    match(page, /The text of pull request #7 on \w+ names ben as approver now/);
    const asked = it.fake.requests.length;
    await it.follow();
    const writes = it.fake.requests.slice(asked).filter(({ method }) => method !== "GET");
    equal(writes.length, 0);
  });
}

Deno.test("an approval that is over is named no more", async () => {
  await using it = await approved();
  sendBack(it);
  await it.follow();
  deepEqual(approversIn(it), []);
  match(it.fake.state.pulls[0]!.body, /^Gaffer-Ticket: 1$/m);
});

Deno.test("what a crash left unsaid of the text is said by the next look", async () => {
  await using it = await approved();
  await goRound(it);
  approve(it, "ben");
  // It is looked at, pushed to and looked at again; the text is sent, and the answer lost.
  it.fake.next.push("plain", "plain", "cut");
  await it.follow();
  deepEqual([it.pull.approver, approversIn(it)], ["ana", ["ben"]]);
  await it.follow();
  deepEqual([it.pull.approver, approversIn(it), it.pull.error], ["ben", ["ben"], ""]);
});

Deno.test("where the forge does not let its text be changed, the pull request is followed without, and says so", async () => {
  await using it = await approved();
  await goRound(it);
  approve(it, "ben");
  const refused = () => Response.json({ message: "Forbidden" }, { status: 403 });
  it.fake.next.push("plain", "plain", refused());
  await it.follow();
  equal(it.pull.stopped, false);
  match(it.pull.error, /^Cannot change the text of the pull request at GitHub: .*followed without/);
});

Deno.test("withApprover() changes its own line alone, keeps line ends, and leaves what a person took out", () => {
  const body = "Why\n\nApproved-by: ana\nGaffer-Ticket: 1";
  const to = (after: string, text = body, before = "ana") => withApprover(text, { before, after });
  equal(to("ben"), "Why\n\nApproved-by: ben\nGaffer-Ticket: 1");
  equal(to(""), "Why\n\nGaffer-Ticket: 1");
  equal(
    to("ben", body.replaceAll("\n", "\r\n")),
    "Why\r\n\r\nApproved-by: ben\r\nGaffer-Ticket: 1",
  );
  equal(to("ben", "Why\n\nGaffer-Ticket: 1", ""), "Why\n\nApproved-by: ben\nGaffer-Ticket: 1");
  for (const kept of ["Why\n\nGaffer-Ticket: 1", "My own words", ""]) equal(to("ben", kept), kept);
  equal(to("ben", "My own words", ""), "My own words");
  const both = "Approved-by: ana\nApproved-by: ben\nGaffer-Ticket: 1";
  equal(to("ben", both), "Approved-by: ben\nGaffer-Ticket: 1", "not twice");
  equal(to("b\nen: x"), "Why\n\nApproved-by: b en: x\nGaffer-Ticket: 1");
});

Deno.test("of pull requests from before, those that are open are taken to name who approved their ticket", () => {
  const now = "2026-01-02T03:04:05.678Z";
  const db = openDb(":memory:");
  migrate(
    db,
    now,
    migrations.slice(0, migrations.findIndex(({ name }) => name.startsWith("0042"))),
  );
  db.exec(`
    INSERT INTO projects (id, slug, name, path, base_branch, created_at, updated_at)
    VALUES ('p', 'p', 'P', '/p', 'main', '${now}', '${now}');
    INSERT INTO tickets (id, project_id, number, type, title, priority, approved_by, created_at, updated_at)
    VALUES ('t', 'p', 1, 'feature', 'T', 2, 'ana', '${now}', '${now}'),
      ('u', 'p', 2, 'feature', 'U', 2, '', '${now}', '${now}');
    INSERT INTO pull_requests (id, ticket_id, kind, repository, branch, status, commit_id, number, changed_at, asked_by,
      asked_at, ended_at)
    VALUES ('old', 't', 'github', 'r', 'b', 'closed', 'c', 1, '${now}', 'ana', '${now}', '${now}'),
      ('open', 't', 'github', 'r', 'b', 'open', 'c', 2, '${now}', 'ana', '${now}', NULL),
      ('other', 'u', 'github', 'r', 'b', 'open', 'c', 3, '${now}', 'ana', '${now}', NULL);
  `);
  migrate(db, now);
  const rows = db.prepare("SELECT id, approver FROM pull_requests ORDER BY id").all();
  deepEqual(rows.map(({ id, approver }) => `${id} ${approver}`), ["old ", "open ana", "other "]);
  db.close();
});
