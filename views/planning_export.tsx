/** What a project's documents can be taken along as. */
import type { VNode } from "preact";
import { type ExportFormat, guideFiles } from "../server/states.ts";
import { EmptyState, Panel } from "./components.tsx";
import { plural } from "./format.ts";
import { Layout, PageHead } from "./layout.tsx";
import {
  documentHref,
  guideHref,
  newDocumentHref,
  newProjectHref,
  planningExportHref,
  planningHref,
} from "./links.ts";
import type { PlanningProject } from "./planning.tsx";
import type { Shell } from "./shell.ts";

export interface PlanningExportProps {
  shell: Shell;
  project: PlanningProject;
  /** Documents of the project. */
  count: number;
  /** Most of one export. */
  limitBytes: number;
  /** There is a browser that makes PDF. */
  hasPdf: boolean;
}

const words: Record<ExportFormat, [name: string, about: string]> = {
  html: ["HTML", "one file with its style and images, readable offline"],
  pdf: ["PDF", "the same for paper"],
  json: ["JSON", "texts, front matter, links and the ids of all versions"],
  zip: ["Zip", "the markdown files with the images that they show, and the JSON"],
};

export function PlanningExportPage(props: PlanningExportProps): VNode {
  const { shell, project, count, limitBytes, hasPdf } = props;
  return (
    <Layout shell={shell} title={`Export, ${project.name}`} current="planning" live={null}>
      <PageHead crumb={{ href: planningHref(project.id), label: "Planning" }} title="Export" />
      {count === 0
        ? (
          <EmptyState action={{ href: newDocumentHref(project.id), label: "New document" }}>
            There is no document to export yet.
          </EmptyState>
        )
        : (
          <Panel id="export-documents" title={plural(count, "document")}>
            <Formats
              formats={["html", "pdf", "json", "zip"]}
              hrefOf={(format) => planningExportHref(project.id).replace("?", `/${format}?`)}
              hasPdf={hasPdf}
            />
            <p class="muted">At most {limitBytes / 1024 / 1024} MB of texts and images together.</p>
            <p>
              <a href={newProjectHref({ documents_of: project.id })}>
                New project from these documents
              </a>{" "}
              <span class="muted">
                a repository with those that you choose, the agents that they name and the roadmap's
                rows as ideas; you see all of it first
              </span>
            </p>
          </Panel>
        )}
      <Panel id="export-guides" title="For agents">
        <ul class="plain-list">
          {guideFiles.map((file) => (
            <li key={file}>
              <a href={guideHref(project.id, file)}>{file}</a>{" "}
              <span class="muted">
                the approved architecture, the conventions and the current milestone, in the
                repository; you see the change first
              </span>
            </li>
          ))}
        </ul>
      </Panel>
    </Layout>
  );
}

/** Links that download a file; a refusal shows as a page. */
export function Formats(
  { formats, hrefOf, hasPdf }: {
    formats: readonly ExportFormat[];
    hrefOf: (format: ExportFormat) => string;
    hasPdf: boolean;
  },
): VNode {
  return (
    <ul class="plain-list">
      {formats.map((format) => {
        const [name, about] = words[format];
        return (
          <li key={format}>
            {format === "pdf" && !hasPdf
              ? (
                <span class="muted">
                  PDF needs Chromium, Chrome or Edge on this machine; print the HTML instead
                </span>
              )
              : (
                <>
                  {/* Saved by its header: with "download" a browser would not show why there is none. */}
                  <a href={hrefOf(format)} hx-boost="false">{name}</a>{" "}
                  <span class="muted">{about}</span>
                </>
              )}
          </li>
        );
      })}
    </ul>
  );
}

/** Of one document. */
export const documentExportLink = (id: string) => (format: ExportFormat): string =>
  `${documentHref(id)}/export/${format}`;
