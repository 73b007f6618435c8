/** The planning pages with documents of every kind, for the tests of all pages. */
import { Buffer } from "node:buffer";
import type { VNode } from "preact";
import { builtInTemplates } from "../agents/planning/templates.ts";
import type { PlanningDocument } from "../server/records.ts";
import { GuidePage } from "../views/guide.tsx";
import { DocumentPage } from "../views/document.tsx";
import { DocumentEditPage } from "../views/document_edit.tsx";
import { DocumentVersionsPage } from "../views/document_versions.tsx";
import { renderDocument } from "../views/document_markdown.ts";
import { NewDocumentPage } from "../views/document_new.tsx";
import { PlanningExportPage } from "../views/planning_export.tsx";
import { PlanningPage, PlanningProjectsPage } from "../views/planning.tsx";
import type { Shell } from "../views/shell.ts";
import { PNG } from "./images.ts";
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
- [x] Old saves load
  - also those of [1.0](https://example.org/1.0)

| Slot | Bytes |
|------|------:|
| auto | 4096  |

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
      projects={[{ id: "prj_game", name: "Space game", count: 3 }]}
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
      project={project}
      document={planningDocument({ problem: "Its front matter has no lines" })}
      html={html}
      headings={headings}
      links={[{ words: "Map", href: "/documents/document_map" }, { words: "gone", href: null }]}
      draftAt={ago(2)}
      hasPdf
      backLinks={[{ words: "Roadmap 2026", href: "/documents/document_map" }]}
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
