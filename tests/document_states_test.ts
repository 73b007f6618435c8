/** Documents show how what they name stands, and how far their sections are. */
import {
  deepStrictEqual as deepEqual,
  doesNotMatch,
  match,
  strictEqual as equal,
} from "node:assert";
import { renderDocument } from "../views/document_markdown.ts";
import type { ReferredStatus } from "../views/document_progress.tsx";
import { approveIdea, submitIdea } from "../server/services/ideas.ts";
import { moveIdea } from "../server/store/ideas.ts";
import { lastSeq } from "../server/store/events.ts";
import { moveTicket } from "../server/services/ticket_moves.ts";
import { followPage } from "./pages_support.ts";
import { planningBench } from "./planning_support.ts";

const states: Record<string, ReferredStatus> = {
  "idea 1": { of: "idea", is: "refining" },
  "idea 2": { of: "ticket", is: "done" },
  "idea 3": { of: "idea", is: "rejected" },
  "ticket 1": { of: "ticket", is: "done" },
};

function shown(text: string) {
  const { html, marks } = renderDocument(text, {
    links: {
      resolve: (kind, number) => states[`${kind} ${number}`] ? `/${kind}/${number}` : null,
      document: () => null,
      image: () => null,
    },
    statusOf: ({ kind, number }) => states[`${kind} ${number}`] ?? null,
  });
  const progress = [...html.matchAll(/<h\d id="section-([^"]*)">[^]*?<\/h\d>/g)].map((
    [heading, name],
  ) => [name, /(\d+ of \d+)<\/span>/.exec(heading)?.[1] ?? null]);
  return { html, marks, progress };
}

Deno.test("a section's heading shows how much of it is done, those within it included", () => {
  const { html, progress, marks } = shown(`# Roadmap

Said in prose: #ticket-1.

## Now

- [ ] to do
- [x] ticked
- [ ] its ticket is done: #ticket-1
- [x] ticked by a person, whatever #idea-1 says
- words alone
- [ ] called off #idea-3

### Deep

| What | Where |
|------|-------|
| a    | #idea-1 |
| b    | #idea-2 and #ticket-1 |
| c    | nowhere |

## States

| What | State |
|------|-------|
| d    | done  |
| e    | open  |
| f #ticket-1 | open |
|      |       |

- [x] after the table

## Words

Nothing to do, and nobody knows #idea-99.
`);
  deepEqual(progress, [
    ["roadmap", "7 of 10"],
    ["now", "4 of 6"],
    ["deep", "1 of 2"],
    ["states", "3 of 4"],
    ["words", null],
  ]);
  match(
    html,
    /#idea-1<\/a> <span id="state-idea-1-1" class="referred"><span class="badge tone-running">Refining/,
  );
  match(html, /id="state-ticket-1-3"/);
  doesNotMatch(html, /state-idea-99/);
  equal(marks.references.length, 8);
  // Code means nothing, and a document can't bring badges of its own.
  equal(shown('- `#idea-1` <span id="state-idea-1-1">\n').marks.references.length, 0);
});

Deno.test("a row or item that names several ideas or tickets shows how many of them are done", () => {
  const { html, marks } = shown(`| Milestone | Ideas and tickets | Also | State |
|---|---|---|---|
| Saves | #idea-1, #idea-2 | #ticket-1 and #idea-2 again | open |
| One | #idea-2 | | |
| None | #idea-98 #idea-99 | | |

- all done: #idea-2 and #ticket-1
  more of it
- [ ] called off #idea-3, and #idea-1
- one #idea-1 \`#idea-2\`

Prose: #idea-1 and #idea-2.
`);
  const at = (n: number) => new RegExp(`id="progress-part-${n}"[^>]*>(?:<[^>]*>)*(\\d of \\d)?`);
  deepEqual([1, 2, 3, 4, 5].map((n) => at(n).exec(html)?.[1]), [
    ...["2 of 3", undefined, "2 of 2", "0 of 1", undefined],
  ]);
  // The progress of a row stands in its last cell that names something.
  match(html, /again <span id="progress-part-1"/);
  match(html, /more of it <span id="progress-part-3"/);
  equal(marks.sections.length, 4);
  const many = shown("- #idea-1 #idea-2\n".repeat(300));
  equal(many.marks.sections.length, 200);
});

Deno.test("a document's page follows what it names, also an idea to its ticket", async () => {
  await using b = await planningBench({
    "planning/roadmap.md": "# Roadmap\n\n## Next\n\n- One #idea-1\n- Two #ticket-1\n",
  });
  await b.follow();
  const idea = submitIdea(b.app, { projectId: b.project.id, title: "One" });
  const at = `/documents/${b.idOf("roadmap.md")}`;
  const page = await (await b.pages.get(at)).text();
  match(page, /#idea-1<\/a> <span[^>]*><span class="badge tone-idle">Submitted/);
  match(page, /0 of 1/);
  match(page, new RegExp(`/live${at.replace("documents", "document")}`));
  await using told = await followPage(
    b.pages,
    /\/live\/document\/[^"]+/.exec(page)![0],
    lastSeq(b.app.db),
  );
  const ticket = b.app.tx((tx) => {
    moveIdea(tx, idea.id, "refining");
    moveIdea(tx, idea.id, "ready");
    return approveIdea({ ...b.app, inside: tx }, idea.id);
  });
  const [first] = [await told.next()];
  // The message has both places, and the ticket is the project's first.
  match(first, /hx-target="#state-idea-1-1"[^>]*><span[^>]*><span class="badge tone-idle">Queued/);
  match(first, /#progress-section-next/);
  b.app.tx((tx) => moveTicket(tx, ticket.id, "in_progress", { step: "develop" }));
  match(
    await told.next(),
    /"#state-idea-1-1"[^>]*><span[^>]*><span class="badge tone-running">In progress/,
  );
});

Deno.test("what stands in code names nothing, and counts for no progress", () => {
  const { progress } = shown(
    "# R\n\n- #idea-2 is done, not `#idea-1`\n- `#idea-1`\n\n| a |\n|---|\n| #idea-2 `#idea-1` |\n",
  );
  deepEqual(progress, [["r", "2 of 2"]]);
});

Deno.test("an idea's and a ticket's page lead back to the documents that name them, the ticket's also to those of its idea", async () => {
  await using b = await planningBench({
    "planning/roadmap.md": "# Road <b>map\n\n- One #idea-1\n",
    "planning/spec.md": "# Spec\n\n`#ticket-1` is code.\n",
    "planning/plan.md": "# Plan\n\n#ticket-1 comes first.\n",
  });
  await b.follow();
  const idea = submitIdea(b.app, { projectId: b.project.id, title: "One" });
  const ticket = b.app.tx((tx) => {
    moveIdea(tx, idea.id, "refining");
    moveIdea(tx, idea.id, "ready");
    return approveIdea({ ...b.app, inside: tx }, idea.id);
  });
  const leads = async (page: string) => {
    const html = await (await b.pages.get(page)).text();
    const row = /Named in<\/dt>(.*?)<\/dd>/s.exec(html)?.[1] ?? "";
    return [...row.matchAll(/href="\/documents\/([^"]*)"/g)].map(([, id]) => id);
  };
  deepEqual(await leads(`/ideas/${idea.id}`), [b.idOf("roadmap.md")]);
  deepEqual(await leads(`/tickets/${ticket.id}`), [b.idOf("plan.md"), b.idOf("roadmap.md")]);
  await b.repo.commit("No more", { "planning/roadmap.md": "# Road\n" });
  await b.follow();
  deepEqual(await leads(`/ideas/${idea.id}`), []);
});
