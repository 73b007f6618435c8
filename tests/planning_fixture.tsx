/** The planning pages with documents of every kind, for the tests of all pages. */
import { Buffer } from "node:buffer";
import type { VNode } from "preact";
import { builtInTemplates } from "../agents/planning/templates.ts";
import { GuidePage } from "../views/guide.tsx";
import { DocumentDraftsPage } from "../views/document_drafts.tsx";
import type { PlanningAsk, PlanningDocument, Run } from "../server/records.ts";
import { LostAsksPage } from "../views/lost_asks.tsx";
import { AskPage, type AskPageProps, type ShownHunk } from "../views/ask.tsx";
import { AsksPage } from "../views/asks.tsx";
import { DocumentPage, type DocumentPageProps } from "../views/document.tsx";
import { DocumentEditPage } from "../views/document_edit.tsx";
import { DocumentIdeasPage } from "../views/document_ideas.tsx";
import { DocumentVersionsPage } from "../views/document_versions.tsx";
import { renderDocument } from "../views/document_markdown.ts";
import { NewDocumentPage } from "../views/document_new.tsx";
import { PlanningExportPage } from "../views/planning_export.tsx";
import { PlanningPage, PlanningProjectsPage } from "../views/planning.tsx";
import type { Shell } from "../views/shell.ts";
import { PNG } from "./images.ts";
import { ago, run } from "./pages_fixture.ts";

export const planningDocument = (changes: Partial<PlanningDocument> = {}): PlanningDocument => ({
  number: 1,
  id: "document_saving",
  projectId: "prj_game",
  path: "specs/saving.md",
  title: "Saving and loading",
  type: "spec",
  status: "review",
  owner: "Ana",
  target: "1.2",
  problem: "",
  bytes: 900,
  stamp: "1",
  version: "0123456789abcdef",
  indexedAt: ago(3),
  ...changes,
});

const project = {
  id: "prj_game",
  name: "Space game",
  baseBranch: "main",
  saves: "commit",
} as const;

const text = `# Saving and loading

Games are saved **often**. See [[map]] and #ticket-7.

## What must hold

- [ ] A crash loses nothing
- [ ] Named: #ticket-8
- [x] Old saves load
  - also those of [1.0](https://example.org/1.0)

| Slot | Bytes | What it is for | Ideas and tickets | State |
|------|------:|----------------|-------------------|-------|
| auto | 4096  | Crashes        | #ticket-9         | open  |

\`\`\`ts
save("${"segment/".repeat(20)}");
\`\`\`

### ${"Averylongheading".repeat(6)}

> Nobody reads a save twice.

![The map](images/map.png)

\`\`\`mermaid
graph TD
  A --> B
\`\`\`

\`\`\`mermaid
pie title ${"Averylongtitle".repeat(8)}
\`\`\`
`;

const PICTURE = `data:image/png;base64,${Buffer.from(PNG).toString("base64")}`;

const { html, headings } = renderDocument(text, {
  links: {
    resolve: () => "/tickets/tkt_save",
    document: (name) => name === "map" ? "/documents/document_map" : null,
    image: () => PICTURE,
  },
  diagram: (source) =>
    source.startsWith("pie") ? { problem: "Invalid mermaid header" } : { src: PICTURE },
  statusOf: () => ({ of: "ticket", is: "in_progress" }),
});

const long = planningDocument({
  id: "document_long",
  path: `${"folder/".repeat(6)}${"averylongname".repeat(6)}.md`,
  title: "Averylongtitle".repeat(8),
  status: "implementing",
  owner: "someone.with.a.long.name@example.org",
  target: "the milestone after the next one",
  problem: 'status "maybe" is none of draft, review, approved, implementing, done',
});

const ask: PlanningAsk = {
  id: "ask_1",
  projectId: "prj_game",
  path: "specs/saving.md",
  ask: "update",
  words: `It changed: ${"src/save/".repeat(20)}`,
  section: "What must hold",
  commits: ["0123456789012345678901234567890123456789"],
  agent: "writer",
  answersOf: "ask_0",
  baseText: text,
  askedBy: "owner",
  askedAt: ago(9),
};

const askRun = (changes: Partial<Run> = {}): Run =>
  run({
    id: "run_ask",
    agent: "writer",
    purpose: "plan",
    ticketId: null,
    subtaskId: null,
    askId: "ask_1",
    status: "succeeded",
    ...changes,
  });

const documentAsks: DocumentPageProps["asks"] = {
  documentId: "document_saving",
  rows: [
    { ask, run: askRun(), pieces: 2, questions: 0 },
    { ask: { ...ask, id: "ask_2", ask: "review" }, run: askRun(), pieces: 0, questions: 0 },
  ],
  more: true,
  sections: ["What must hold", "Averylongheading".repeat(6)],
  agents: [{ name: "analyst", maxCostMicroUsd: 2_000_000 }],
  form: {
    ask: "draft",
    words: "",
    section: "",
    agent: "",
    message: "Cannot ask an agent: Write a few lines on what it is to say",
    errors: [{ field: "words", message: "Write a few lines on what it is to say" }],
  },
};

const hunk = (changes: Partial<ShownHunk>): ShownHunk => ({
  number: 1,
  start: 2,
  removed: ["Games are saved **often**."],
  added: [`Games are saved ${"very/".repeat(30)} often.`],
  reason: "As `src/save.ts` does",
  status: "pending",
  decidedBy: null,
  decidedAt: null,
  diff: `@@ -1,3 +1,3 @@\n # Saving\n \n-Games are saved.\n+Games are ${"saved/".repeat(30)}\n`,
  unfit: null,
  ...changes,
});

const askPage = (shell: Shell): AskPageProps => ({
  shell,
  live: { path: "/live/ask/ask_1", after: 1 },
  ask,
  document: { id: "document_saving", title: "Saving and loading" },
  adopt: null,
  run: askRun(),
  delay: null,
  result: {
    summary: "Saves are **folders** now.",
    findings: [{
      kind: "contradiction",
      severity: "major",
      section: "Slots",
      path: `src/${"save/".repeat(20)}slots.ts`,
      line: 12,
      text: "It says three; the code has five.",
    }],
    questions: ["May a guest save?"],
  },
  questions: [{
    id: "q1",
    askId: "ask_1",
    number: 1,
    text: "How many slots?",
    why: "Nobody says it",
    options: ["3", "5"],
    status: "pending",
    answer: "",
    askedBy: "analyst",
    createdAt: ago(8),
    decidedAt: null,
  }],
  refused: null,
  suggestion: {
    suggestion: {
      id: "suggestion_1",
      askId: "ask_1",
      runId: "run_ask",
      reason: "It was behind",
      status: "open",
      createdAt: ago(3),
      decidedAt: null,
    },
    hunks: [
      hunk({}),
      hunk({ number: 2, unfit: "changed", removed: [] }),
      hunk({ number: 3, status: "rejected", decidedBy: "owner", decidedAt: ago(1) }),
    ],
  },
  answeredBy: null,
});

const versions = [
  {
    id: "0123456789012345678901234567890123456789",
    by: "Ana",
    at: ago(30),
    subject: `docs(planning): update ${"specs/".repeat(20)}saving.md`,
    path: "specs/saving.md",
    removed: false,
  },
  { id: "save_1", by: "owner", at: ago(60), subject: null, path: null, removed: false },
  {
    ...{ id: "0".repeat(40), by: "Ana", at: ago(90), subject: "Remove it", removed: true },
    path: `notes/${"wide".repeat(40)}.md`,
  },
];

const known = { ideaId: "idea_slots", number: 4, title: "Slots", status: "ready" } as const;
const offered = {
  ...{ description: "- more of it", section: "Requirements", done: null },
  references: [{ kind: "ticket" as const, number: 7 }],
};
const offeredRows = [
  { ...offered, key: "0:reqs:slots", title: "Slots", made: known, like: null },
  { ...offered, key: "0:reqs:load", title: "Old saves `load`", made: null, like: null },
  {
    ...{ ...offered, key: "0:reqs:kill", title: "kill".repeat(40), done: true, made: null },
    like: { idea: known, why: "reworded" as const },
  },
];

export const planningPages: Record<string, (shell: Shell) => VNode> = {
  "/asks/ask_1": (shell) => <AskPage {...askPage(shell)} />,
  "/asks/failed": (shell) => (
    <AskPage
      {...askPage(shell)}
      document={null}
      adopt={{ path: "", message: null, errors: [] }}
      run={askRun({ status: "failed", failure: "stuck", error: "It went in circles" })}
      result={null}
      questions={[]}
      suggestion={null}
    />
  ),
  "/asks/gone": (shell) => (
    <AskPage
      {...askPage(shell)}
      document={null}
      adopt={{
        path: `specs/${"saves".repeat(30)}`,
        message: "Cannot move what was asked: There is no such document",
        errors: [{ field: "path", message: "There is no such document" }],
      }}
    />
  ),
  "/planning/lost-asks": (shell) => (
    <LostAsksPage
      shell={shell}
      project={project}
      groups={[{ path: `specs/${"saving".repeat(30)}.md`, rows: documentAsks.rows }]}
      more
    />
  ),
  "/asks/working": (shell) => (
    <AskPage
      {...askPage(shell)}
      run={askRun({ status: "running" })}
      result={null}
      questions={[]}
      suggestion={null}
    />
  ),
  "/documents/document_saving/asks": (shell) => (
    <AsksPage
      shell={shell}
      document={{ id: "document_saving", title: "Saving and loading" }}
      rows={documentAsks.rows}
      moreHref="/documents/document_saving/asks?cursor=x"
      lostHref="/planning/lost-asks?project=project_1"
    />
  ),
  "/planning": (shell) => (
    <PlanningPage
      shell={shell}
      project={project}
      folder=""
      rows={[
        {
          kind: "folder",
          path: "specs",
          count: 2,
          rows: [{ kind: "document", document: planningDocument() }, {
            kind: "document",
            document: long,
          }],
        },
        { kind: "folder", path: "notes", count: 400, rows: null },
        {
          kind: "document",
          document: planningDocument({
            id: "document_map",
            path: "map.md",
            title: "Map",
            type: "roadmap",
            status: "approved",
            owner: "",
            target: "",
          }),
        },
      ]}
      count={402}
      moreHref="/planning?after=map.md"
      q=""
      hits={null}
      reading
      drafts={{ all: 3, lost: 1 }}
      hasGone
      leftOut={{ paths: ["what?.md", `${"a-long-name-".repeat(20)}?/`], hasMore: false, depth: 7 }}
      live={null}
      stale={new Set(["document_map"])}
      problem='Cannot use the documents: "/home/ana/code/space-game/planning" is a symbolic link'
    />
  ),
  "/planning/found": (shell) => (
    <PlanningPage
      shell={shell}
      project={project}
      folder=""
      rows={[]}
      count={402}
      moreHref={null}
      q="save"
      stale={new Set(["document_saving"])}
      hits={[{
        document: planningDocument(),
        excerpt: "…so that a \u0002save\u0003 is never lost…",
      }]}
      problem={null}
      reading={false}
      drafts={{ all: 0, lost: 0 }}
      hasGone
      leftOut={{ paths: [], hasMore: false, depth: 7 }}
      live={null}
    />
  ),
  "/planning/drafts": (shell) => (
    <DocumentDraftsPage
      shell={shell}
      project={project}
      placed={[{
        path: long.path,
        form: "form_1",
        title: long.title,
        documentId: "document_long",
        updatedAt: ago(5),
      }]}
      lost={[{
        path: long.path,
        form: "",
        text: `${text}${"wide/".repeat(60)}`,
        updatedAt: ago(2),
      }]}
      gone={[
        { id: "document_gone", path: "specs/gone.md", goneAt: ago(8) },
        { id: "document_gone_long", path: long.path, goneAt: ago(800) },
      ]}
      problem={null}
      refused={{
        draft: long.path,
        form: undefined,
        path: "../x",
        message: 'Cannot use the path "../x": ".." is no name of a file here',
        errors: [{ field: "path", message: '".." is no name of a file here' }],
      }}
    />
  ),
  "/planning/projects": (shell) => (
    <PlanningProjectsPage
      shell={shell}
      projects={[{ id: "prj_game", name: "Space game", count: 3, stale: 1 }]}
    />
  ),
  "/planning/new": (shell) => (
    <NewDocumentPage
      shell={shell}
      project={project}
      templates={builtInTemplates()}
      form={{
        title: "Saving",
        template: "feature-spec",
        path: "../x",
        words: "Saves are folders.",
        message: 'Cannot use the path "../x": ".." is no name of a file here',
        errors: [{ field: "path", message: '".." is no name of a file here' }],
      }}
    />
  ),
  "/documents/document_saving": (shell) => (
    <DocumentPage
      shell={shell}
      live={null}
      project={project}
      document={planningDocument({ problem: "Its front matter has no lines" })}
      tree={{
        projectId: project.id,
        current: "document_saving",
        level: {
          folder: "",
          isWhole: false,
          folders: [{ path: "notes", count: 12, inside: null }, {
            path: "specs",
            count: 2,
            inside: {
              folder: "specs",
              folders: [],
              documents: [
                { id: "document_map", path: "specs/map.md", title: "Map".repeat(40) },
                { id: "document_saving", path: "specs/saving.md", title: "Saving" },
              ],
              isWhole: true,
            },
          }],
          documents: [{ id: "document_roadmap", path: "roadmap.md", title: "Roadmap 2026" }],
        },
      }}
      html={html}
      headings={headings}
      links={[{ words: "Map", href: "/documents/document_map" }, { words: "gone", href: null }]}
      draftAt={ago(2)}
      hasPdf
      asks={documentAsks}
      backLinks={[{ words: "Roadmap 2026", href: "/documents/document_map" }]}
      drift={{
        document: { id: "document_saving", projectId: "prj_game", version: "0123456789abcdef" },
        commits: [{
          ...{ commit: "0123456789012345678901234567890123456789", by: "Ana", at: ago(50) },
          ...{ subject: "feat: Save in segments", files: ["src/save.ts", "segment/".repeat(20)] },
        }],
        isFull: true,
        problem: "Cannot tell which documents are stale: git took too long",
        nowMs: shell.nowMs,
      }}
      ideas={[{ ideaId: "idea_slots", number: 4, title: "Slots".repeat(20), status: "refining" }]}
    />
  ),
  "/planning/export": (shell) => (
    <PlanningExportPage
      shell={shell}
      project={project}
      count={402}
      limitBytes={64 * 1024 * 1024}
      hasPdf={false}
    />
  ),
  "/planning/guide": (shell) => (
    <GuidePage
      shell={shell}
      project={project}
      file="CLAUDE.md"
      message="Cannot save CLAUDE.md: the file has changed since you looked"
      problem={null}
      preview={{
        parts: [
          { title: "Architecture", documents: [long, planningDocument()] },
          { title: "Current milestone", documents: [planningDocument({ id: "document_map" })] },
        ],
        diff: `--- a/CLAUDE.md\n+++ b/CLAUDE.md\n@@ -1,1 +1,2 @@\n Mine.\n+${
          "parts/".repeat(40)
        }\n`,
        chars: 12_345,
        seen: "0123456789abcdef",
        made: "fedcba9876543210",
      }}
    />
  ),
  "/planning/guide/none": (shell) => (
    <GuidePage
      shell={shell}
      project={{ ...project, saves: "files" }}
      file="AGENTS.md"
      message={null}
      problem="Cannot assemble it: no document about the architecture, conventions or a milestone is approved"
      preview={null}
    />
  ),
  "/documents/document_saving/edit": (shell) => (
    <DocumentEditPage
      shell={shell}
      project={project}
      document={planningDocument()}
      limits={{ bytes: 524_288, imageBytes: 8_388_608 }}
      form={{
        text,
        seen: "0123456789abcdef",
        crlf: false,
        typed: { form: "form_2", from: "" },
        message: "Cannot save specs/saving.md: it was changed after you opened it",
        errors: [],
      }}
      live={null}
      typed={{
        documentId: "document_saving",
        form: "form_2",
        otherAt: ago(4),
        draftAt: ago(1),
        goneFrom: null,
        problem: null,
        html,
        headings,
        nowMs: shell.nowMs,
      }}
      others={[{
        form: "form_3",
        text: `${text}other/${"wide/".repeat(60)}`,
        updatedAt: ago(4),
        diff: `--- a/x\n+++ b/x\n@@ -1,1 +1,2 @@\n # Saving\n+${"other/".repeat(30)}\n`,
      }]}
      meeting={{
        present: `${text}\nTheirs.\n`,
        changed: { by: "Ana", at: ago(2) },
        version: "fedcba9876543210",
        theirs: `--- a/x\n+++ b/x\n@@ -1,1 +1,2 @@\n # Saving\n+${"theirs/".repeat(30)}\n`,
        mine: "--- a/x\n+++ b/x\n@@ -1,1 +1,2 @@\n # Saving\n+mine\n",
        merged: { text: `${text}\n<<<<<<< yours\nmine\n=======\n`, conflicts: 1 },
        mergedIn: { form: "form_merged", from: "" },
      }}
    />
  ),
  "/documents/document_saving/ideas": (shell) => (
    <DocumentIdeasPage
      shell={shell}
      document={planningDocument()}
      rows={offeredRows}
      left={12}
      lines="4-9"
      sections={[
        { title: "Saving and loading", level: 1, lines: "1-40" },
        { title: "Averylongheading".repeat(6), level: 3, lines: "20-40" },
      ]}
      refused={{
        values: { key_2: "0:reqs:load", pick_2: "1", title_2: "" },
        message: "Cannot make ideas: Write a title",
        errors: [{ field: "title_2", message: "Write a title" }],
      }}
    />
  ),
  "/documents/document_saving/versions": (shell) => (
    <DocumentVersionsPage
      shell={shell}
      document={planningDocument()}
      versions={versions}
      shown={{
        version: versions[0]!,
        other: versions[1]!,
        text,
        diff: "--- a/x\n+++ b/x\n@@ -1,1 +1,2 @@\n # Saving\n+mine\n",
      }}
      statuses={[
        { seq: 9, from: "review", to: "approved", by: "Ana", at: ago(20) },
        { seq: 4, from: "draft", to: "review", by: "outside", at: ago(70) },
      ]}
    />
  ),
};
