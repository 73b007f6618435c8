/** The planning pages with documents of every kind, for the tests of all pages. */
import type { VNode } from "preact";
import { builtInTemplates } from "../agents/planning/templates.ts";
import type { PlanningDocument } from "../server/records.ts";
import { DocumentPage } from "../views/document.tsx";
import { DocumentEditPage } from "../views/document_edit.tsx";
import { DocumentIdeasPage } from "../views/document_ideas.tsx";
import { DocumentVersionsPage } from "../views/document_versions.tsx";
import { renderDocument } from "../views/document_markdown.ts";
import { NewDocumentPage } from "../views/document_new.tsx";
import { PlanningPage, PlanningProjectsPage } from "../views/planning.tsx";
import type { Shell } from "../views/shell.ts";
import { ago } from "./pages_fixture.ts";

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
`;

const { html, headings } = renderDocument(text, {
  links: {
    resolve: () => "/tickets/tkt_save",
    document: (name) => name === "map" ? "/documents/document_map" : null,
    image: () => null,
  },
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

const versions = [
  {
    id: "0123456789012345678901234567890123456789",
    by: "Ana",
    at: ago(30),
    subject: `docs(planning): update ${"specs/".repeat(20)}saving.md`,
  },
  { id: "save_1", by: "owner", at: ago(60), subject: null },
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
      html={html}
      headings={headings}
      links={[{ words: "Map", href: "/documents/document_map" }, { words: "gone", href: null }]}
      draftAt={ago(2)}
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
  "/documents/document_saving/edit": (shell) => (
    <DocumentEditPage
      shell={shell}
      project={project}
      document={planningDocument()}
      limits={{ bytes: 524_288 }}
      form={{
        text,
        seen: "0123456789abcdef",
        crlf: false,
        message: "Cannot save specs/saving.md: it was changed after you opened it",
        errors: [],
      }}
      live={{
        documentId: "document_saving",
        draftAt: ago(1),
        problem: null,
        html,
        nowMs: shell.nowMs,
      }}
      meeting={{
        present: `${text}\nTheirs.\n`,
        version: "fedcba9876543210",
        theirs: `--- a/x\n+++ b/x\n@@ -1,1 +1,2 @@\n # Saving\n+${"theirs/".repeat(30)}\n`,
        mine: "--- a/x\n+++ b/x\n@@ -1,1 +1,2 @@\n # Saving\n+mine\n",
        merged: { text: `${text}\n<<<<<<< yours\nmine\n=======\n`, conflicts: 1 },
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
        text,
        diff: "--- a/x\n+++ b/x\n@@ -1,1 +1,2 @@\n # Saving\n+mine\n",
      }}
    />
  ),
};
