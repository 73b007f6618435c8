/** `CLAUDE.md` or `AGENTS.md` of a project, before it is saved: what goes in, and what changes. */
import type { VNode } from "preact";
import { type GuideFile, guideFiles } from "../server/states.ts";
import { PlainDiff } from "./activity_call.tsx";
import { EmptyState, Notice, Panel, StatusBadge } from "./components.tsx";
import { count } from "./format.ts";
import { Button } from "./forms.tsx";
import { Layout, PageHead } from "./layout.tsx";
import { documentHref, guideHref, planningExportHref } from "./links.ts";
import type { PlanningProject } from "./planning.tsx";
import { documentStatusWords } from "./planning_words.ts";
import type { Shell } from "./shell.ts";

export interface GuidePageProps {
  shell: Shell;
  project: PlanningProject;
  file: GuideFile;
  /** Why the last save was refused; null: it was not. */
  message: string | null;
  /** Null: it can't be assembled, for the reason in `problem`. */
  preview: GuideShown | null;
  problem: string | null;
}

export interface GuideShown {
  parts: { title: string; documents: { id: string; title: string; status: GuideStatus }[] }[];
  /** Unified; "": nothing changes, null: too long to show. */
  diff: string | null;
  /** Of the whole file, in characters. */
  chars: number;
  seen: string;
  made: string;
}

type GuideStatus = keyof typeof documentStatusWords;

export function GuidePage(props: GuidePageProps): VNode {
  const { shell, project, file, message, preview, problem } = props;
  return (
    <Layout shell={shell} title={`${file}, ${project.name}`} current="planning" live={null}>
      <PageHead
        crumb={{ href: planningExportHref(project.id), label: "Export" }}
        title={file}
        aside={
          <nav aria-label="File" class="tabs">
            {guideFiles.map((name) => (
              <a
                key={name}
                href={guideHref(project.id, name)}
                aria-current={name === file ? "true" : undefined}
              >
                {name}
              </a>
            ))}
          </nav>
        }
      />
      {message && (
        <div class="error-summary" role="alert" tabIndex={-1} data-error-summary="">
          <p class="notice-title">{message}</p>
        </div>
      )}
      {problem && <Notice tone="waiting" title={problem} id="guide-problem" />}
      {preview && <Preview project={project} file={file} preview={preview} />}
      <p class="muted">
        Assembled from documents with the status approved, implementing or done: all about the
        architecture, those called “conventions”, and of the roadmap that is being implemented its
        section “Current milestone”, “Now” or “Next”. It stands between two markers; whatever you
        write outside of them stays as it is.
      </p>
    </Layout>
  );
}

function Preview(
  { project, file, preview }: { project: PlanningProject; file: GuideFile; preview: GuideShown },
): VNode {
  const { parts, diff, chars, seen, made } = preview;
  return (
    <>
      <Panel id="guide-parts" title="What goes in">
        <dl class="guide-parts">
          {parts.map(({ title, documents }) => (
            <div key={title}>
              <dt>{title}</dt>
              {documents.map((document) => (
                <dd key={document.id}>
                  <a href={documentHref(document.id)}>{document.title}</a>{" "}
                  <StatusBadge shown={documentStatusWords[document.status]} />
                </dd>
              ))}
            </div>
          ))}
        </dl>
      </Panel>
      {diff === ""
        ? <EmptyState>{file} says all of this already.</EmptyState>
        : (
          <Panel id="guide-changes" title={`What changes in ${file}`}>
            {diff === null
              ? <p>The change is too long to be shown here: the whole file is replaced.</p>
              : <PlainDiff diff={diff} whole />}
            <p class="muted">
              The file has {count(chars)} characters then, which agents read with each run.
            </p>
            <form method="post" action={guideHref(project.id, file)} id="guide-form">
              <input type="hidden" name="seen" value={seen} />
              <input type="hidden" name="made" value={made} />
              <Button kind="primary">
                {project.saves === "commit"
                  ? `Commit to ${project.baseBranch}`
                  : "Write the file in my folder"}
              </Button>
            </form>
          </Panel>
        )}
    </>
  );
}
