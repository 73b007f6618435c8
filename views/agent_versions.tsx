/** Two versions of an agent's definition side by side, and the way back to one of them. */
import type { VNode } from "preact";
import type { Agent, AgentVersion } from "../server/records.ts";
import { PlainDiff } from "./activity_call.tsx";
import { Panel, Time } from "./components.tsx";
import { ActionForm } from "./forms.tsx";
import { Layout, PageHead } from "./layout.tsx";
import { agentHref } from "./links.ts";
import type { Shell } from "./shell.ts";

export interface AgentVersionsPageProps {
  shell: Shell;
  agent: Pick<Agent, "id" | "name" | "version">;
  /** Null: `to` is the first. */
  from: AgentVersion | null;
  to: AgentVersion;
  /** Unified; null: they are the same, or too far apart to show. */
  diff: string | null;
}

export function AgentVersionsPage(props: AgentVersionsPageProps): VNode {
  const { shell, agent, from, to, diff } = props;
  return (
    <Layout shell={shell} title={`${agent.name}, versions`} current="agents" live={null}>
      <PageHead
        crumb={{ href: agentHref(agent.id), label: agent.name }}
        title={from ? `Version ${from.version} to ${to.version}` : `Version ${to.version}`}
      />
      {from && (
        <Panel id="version-diff" title="What changed">
          {diff === null
            ? (
              <p class="muted">
                {from.text === to.text
                  ? "Nothing: the two are the same."
                  : "The two have too little in common to show it line by line."}
              </p>
            )
            : <PlainDiff diff={diff} whole />}
        </Panel>
      )}
      <Panel id="version-text" title={`Version ${to.version}`}>
        <p class="muted">
          {to.note && `${to.note}, `}by {to.savedBy}, <Time at={to.savedAt} nowMs={shell.nowMs} />
        </p>
        <pre class="output">{to.text}</pre>
      </Panel>
      {to.version !== agent.version && (
        <ActionForm
          action={`${agentHref(agent.id)}/restore`}
          fields={{ version: String(to.version) }}
          kind="primary"
        >
          Restore version {to.version}
        </ActionForm>
      )}
    </Layout>
  );
}
