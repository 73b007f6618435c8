/** The settings that a project's repository brings along: what its file says, and whether a person trusts it. */
import type { VNode } from "preact";
import { PROJECT_CONFIG } from "../server/records.ts";
import { PlainDiff } from "./activity_call.tsx";
import { EmptyState, Notice, Panel, StatusBadge, Time } from "./components.tsx";
import { withCodes } from "./format.ts";
import { ActionForm } from "./forms.tsx";
import { Layout, PageHead } from "./layout.tsx";
import { projectConfigHref, projectHref } from "./links.ts";
import type { Shell } from "./shell.ts";
import type { Shown } from "./words.ts";

export interface ProjectConfigPageProps {
  shell: Shell;
  project: { id: string; name: string; baseBranch: string };
  state: "none" | "untrusted" | "trusted" | "changed" | "unreadable";
  file: { text: string; hash: string } | null;
  problem: string | null;
  diff: string | null;
  trusted: { text: string; trustedBy: string; trustedAt: string } | null;
  /** Nobody has said yet what is to become of what changed since it was trusted. */
  isNews: boolean;
}

const states: Record<ProjectConfigPageProps["state"], Shown> = {
  none: { word: "Not there", tone: "idle" },
  untrusted: { word: "Not trusted", tone: "waiting" },
  trusted: { word: "Trusted", tone: "done" },
  changed: { word: "Changed since", tone: "failed" },
  unreadable: { word: "Can't be read", tone: "failed" },
};

/** What nobody sees must not be trusted along; how lines end tells nothing. */
const readable = (text: string): string => withCodes(text.replaceAll("\r\n", "\n"));

export function ProjectConfigPage(props: ProjectConfigPageProps): VNode {
  const { shell, project, state, file, problem, diff, trusted, isNews } = props;
  const action = projectConfigHref(project.id);
  return (
    <Layout shell={shell} title={`Configuration of ${project.name}`} current="projects" live={null}>
      <PageHead
        crumb={{ href: projectHref(project.id), label: project.name }}
        title="Configuration in the repository"
      />
      <p class="muted" id="config-note">
        <code>{PROJECT_CONFIG}</code> on <code>{project.baseBranch}</code>{" "}
        can set the project's commands, its checks and the ignored files that worktrees get. It does
        nothing until you trust what it says; then its settings are changed there alone.
      </p>
      {state === "none" && !trusted && (
        <EmptyState action={{ href: projectHref(project.id), label: "Back to the settings" }}>
          This repository has no such file: all settings are those that you made here.
        </EmptyState>
      )}
      {trusted && state !== "trusted" && (
        <Notice
          tone="waiting"
          title={file ? "What was trusted is in force" : "The file is gone"}
          id="config-in-force"
        >
          <p>
            The settings are as {trusted.trustedBy} trusted them{" "}
            <Time at={trusted.trustedAt} nowMs={shell.nowMs} />.
          </p>
          <details id="config-trusted">
            <summary>What was trusted</summary>
            <pre class="output" tabIndex={0}>{readable(trusted.text)}</pre>
          </details>
        </Notice>
      )}
      {(file || trusted) && (
        <Panel
          id="config-file"
          title={PROJECT_CONFIG}
          aside={<StatusBadge shown={states[state]} />}
        >
          {problem !== null && <p class="error">{problem}</p>}
          {diff !== null && (
            <>
              <h3>What changed since it was trusted</h3>
              <PlainDiff diff={readable(diff)} whole />
            </>
          )}
          {file && <pre class="output" tabIndex={0}>{readable(file.text)}</pre>}
          <div class="actions">
            {file && (state === "untrusted" || state === "changed") && (
              <ActionForm
                action={`${action}/trust`}
                fields={{ hash: file.hash }}
                kind="primary"
              >
                Trust it as it is
              </ActionForm>
            )}
            {trusted && isNews && (
              <ActionForm action={`${action}/keep`} fields={{ hash: file?.hash ?? "" }}>
                Keep what was trusted
              </ActionForm>
            )}
            {trusted && <ActionForm action={`${action}/distrust`}>Do without it</ActionForm>}
          </div>
          {trusted && (
            <p class="muted">Without it the settings stay as they are, and can be changed here.</p>
          )}
        </Panel>
      )}
    </Layout>
  );
}
