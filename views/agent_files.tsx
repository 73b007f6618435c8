/** The agents that a repository brings along: what each would be, and whether a person trusts it. */
import type { VNode } from "preact";
import type { Project } from "../server/records.ts";
import { PlainDiff } from "./activity_call.tsx";
import { EmptyState, Panel, StatusBadge } from "./components.tsx";
import { withCodes } from "./format.ts";
import { ActionForm } from "./forms.tsx";
import { Layout, PageHead } from "./layout.tsx";
import { agentFilesHref, agentHref, idPart } from "./links.ts";
import type { Shell } from "./shell.ts";
import type { Shown } from "./words.ts";

export interface AgentFileRow {
  path: string;
  hash: string;
  state: "untrusted" | "trusted" | "changed" | "unreadable";
  name: string;
  description: string;
  text: string;
  assumed: string[];
  problem: string | null;
  diff: string | null;
  agentId: string | null;
}

export interface AgentFilesPageProps {
  shell: Shell;
  project: Pick<Project, "id" | "name" | "baseBranch">;
  files: AgentFileRow[];
  /** Names that work in the project already: trusting a file of that name puts it in their place. */
  names: string[];
}

const states: Record<AgentFileRow["state"], Shown> = {
  untrusted: { word: "Not trusted", tone: "waiting" },
  trusted: { word: "Trusted", tone: "done" },
  changed: { word: "Changed since", tone: "failed" },
  unreadable: { word: "Can't be read", tone: "idle" },
};

export function AgentFilesPage(props: AgentFilesPageProps): VNode {
  const { shell, project, files } = props;
  return (
    <Layout shell={shell} title="Agents of the repository" current="agents" live={null}>
      <PageHead
        crumb={{ href: "/agents", label: "Agents" }}
        title={`Agents of ${project.name}'s repository`}
      />
      <p class="muted" id="agent-files-note">
        From <code>.claude/agents</code> on{" "}
        <code>{project.baseBranch}</code>. None of them does anything until you trust it, and trust
        is in what you see here: when the file changes, the project goes on without it until you
        have looked again.
      </p>
      {files.length === 0 && (
        <EmptyState action={{ href: "/agents", label: "Back to the agents" }}>
          This repository brings no agents along.
        </EmptyState>
      )}
      {files.map((file) => <AgentFile key={file.path} file={file} {...props} />)}
    </Layout>
  );
}

/** An instruction that nobody sees must not be trusted along; how lines end tells nothing. */
const readable = (text: string): string => withCodes(text.replaceAll("\r\n", "\n"));

function AgentFile(
  { file, project, names }: AgentFilesPageProps & { file: AgentFileRow },
): VNode {
  const { path, hash, state, text, assumed, problem, diff, agentId } = file;
  const action = agentFilesHref(project.id);
  const id = `file-${idPart(path)}`;
  return (
    <Panel id={id} title={path} aside={<StatusBadge shown={states[state]} />}>
      {file.description && (
        <p>
          <strong>{file.name}</strong>: {readable(file.description)}
        </p>
      )}
      {problem !== null && <p class="error">{problem}</p>}
      {state === "untrusted" && names.includes(file.name) && (
        <p>
          In this project it would take the place of your <code>{file.name}</code>.
        </p>
      )}
      {diff !== null && (
        <>
          <h3>What changed since it was trusted</h3>
          <PlainDiff diff={readable(diff)} whole />
        </>
      )}
      {assumed.length > 0 && (
        <details id={`${id}-assumed`}>
          <summary>What the file does not say</summary>
          <ul class="bullets">
            {assumed.map((line) => <li key={line}>{line}</li>)}
          </ul>
        </details>
      )}
      <details id={`${id}-text`}>
        <summary>The whole definition</summary>
        <pre class="output">{readable(text)}</pre>
      </details>
      <div class="actions">
        {(state === "untrusted" || state === "changed") && (
          <ActionForm
            action={`${action}/trust`}
            fields={{ path, hash }}
            kind="primary"
            label={`Trust it as it is: ${path}`}
          >
            Trust it as it is
          </ActionForm>
        )}
        {state === "trusted" && (
          <ActionForm
            action={`${action}/distrust`}
            fields={{ path }}
            label={`Trust it no more: ${path}`}
          >
            Trust it no more
          </ActionForm>
        )}
        {agentId && <a href={agentHref(agentId)}>The agent</a>}
      </div>
    </Panel>
  );
}
