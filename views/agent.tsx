/** One agent: what it does and how that went, its definition, its versions, and trying it out. */
import type { VNode } from "preact";
import type { ToolTag } from "../agents/protocol.ts";
import type { Agent, AgentVersion, Run } from "../server/records.ts";
import { AgentForm, type AgentFormProps } from "./agent_form.tsx";
import { AgentTrial, TrialRuns } from "./agent_trial.tsx";
import { type AgentFigures, AgentState, Figures, modelWords, ResultStrip } from "./agents.tsx";
import { Facts, Notice, Panel, Tag, Time } from "./components.tsx";
import { count, duration, money, plural } from "./format.ts";
import { ActionForm, Button, buttonClass, Field } from "./forms.tsx";
import { framePartials, Layout, PageHead } from "./layout.tsx";
import { agentFilesHref, agentHref, agentVersionsHref, type Subject, withQuery } from "./links.ts";
import { type Live, replace } from "./live.tsx";
import type { Shell } from "./shell.ts";
import { tagWords } from "./words.ts";

/** How far an agent's notes reach. */
const memoryWords: Record<string, string> = {
  session: "of each idea or ticket",
  project: "of each project",
  global: "of all projects",
};

/** What of a definition the page shows in words. */
export interface AgentAbout {
  description: string;
  kind: string;
  model: string;
  effort: string | null;
  tools: string[];
  /** Of built-in tools, what they bring into a run or let out of it. */
  toolTags: Record<string, readonly ToolTag[]>;
  maxTurns: number;
  maxTokens: number;
  maxCostMicroUsd: number;
  timeoutMs: number;
  memory: string;
  allowedPaths: string[];
  blockedPaths: string[];
  writablePaths: string[];
  commands: string[];
  hosts: string[];
  requireApproval: string[];
  /** A person has said yes beforehand to the web beside what is private. */
  webAllowed: boolean;
}

export interface AgentPageProps {
  shell: Shell;
  /** Null beside a refused form. */
  live: Live | null;
  agent: Agent;
  projectName: string | null;
  /** Null: it can't be read, and `problem` says why. */
  about: AgentAbout | null;
  problem: string | null;
  /** Runs that wait because it is disabled. */
  waiting: number;
  figures: AgentFigures;
  form: AgentFormProps;
  trial: {
    /** Newest first. */
    runs: { run: Run; subject: Subject | null }[];
    /** What it may be tried on: `idea:<id>` or `ticket:<id>`. */
    subjects: { value: string; label: string }[];
    refused: { value: string; message: string } | null;
  };
  /** Newest first, without their texts. */
  versions: Omit<AgentVersion, "text">[];
  /** It comes with Gaffer, and is not what comes with it. */
  resettable: boolean;
  /** Active projects that have none of their own by this name. */
  copyTo: { id: string; name: string }[];
}

export function AgentPage(props: AgentPageProps): VNode {
  return (
    <Layout shell={props.shell} title={props.agent.name} current="agents" live={props.live}>
      <AgentHead {...props} />
      <AgentNotices {...props} />
      <AgentResults {...props} />
      <AgentForm {...props.form} />
      <AgentTrial {...props} />
      <AgentVersions {...props} />
      <AgentCopy {...props} />
      <AgentMoves {...props} />
    </Layout>
  );
}

/** All that may have changed but the form, which is the person's. */
export function agentPartials(props: AgentPageProps, status?: string): VNode {
  const { shell, agent } = props;
  return (
    <>
      {framePartials({ shell, current: "agents", title: agent.name, status })}
      {replace("agent-head", <AgentHead {...props} />)}
      {replace("agent-notices", <AgentNotices {...props} />)}
      {replace("agent-results", <AgentResults {...props} />)}
      {replace("agent-trials", <TrialRuns {...props} />)}
      {replace("agent-versions", <AgentVersions {...props} />)}
      {replace("agent-moves", <AgentMoves {...props} />)}
    </>
  );
}

function AgentHead({ agent, projectName, about }: AgentPageProps): VNode {
  return (
    <div id="agent-head">
      <PageHead
        crumb={{ href: "/agents", label: "Agents" }}
        title={agent.name}
        aside={
          <>
            <AgentState {...agent} />
            {projectName !== null && <Tag>only in {projectName}</Tag>}
          </>
        }
      />
      {about && <p>{about.description}</p>}
    </div>
  );
}

function AgentNotices({ agent, problem, waiting }: AgentPageProps): VNode {
  return (
    <div id="agent-notices">
      {problem !== null && (
        <Notice tone="failed" title="This definition can't be used">
          <p>{problem}</p>
          <p>
            Mend the text below, or restore an earlier version. {waiting === 0
              ? "What needs it waits until then."
              : `${plural(waiting, "run waits", "runs wait")} for that, and will go on by itself.`}
          </p>
        </Notice>
      )}
      {!agent.trusted && agent.projectId !== null && (
        <Notice tone="waiting" title="Not in use: nobody trusts its file as it is now">
          <p>
            It was taken from{" "}
            <code>{agent.file?.path}</code>. The project works with its agent of that name without
            it. <a href={agentFilesHref(agent.projectId)}>Look at the file</a>
          </p>
        </Notice>
      )}
      {!agent.active && (
        <Notice tone="waiting" title="Disabled: it starts no run">
          <p>
            {waiting === 0
              ? "What it is needed for will wait."
              : `${
                plural(waiting, "run waits", "runs wait")
              } for it and will go on once it is enabled.`}
          </p>
          <ActionForm action={`${agentHref(agent.id)}/enable`}>Enable it</ActionForm>
        </Notice>
      )}
    </div>
  );
}

function AgentResults({ agent, about, figures, shell }: AgentPageProps): VNode {
  const n = figures.results.length;
  return (
    <div class="agent-facts" id="agent-results">
      <Panel id="agent-strip" title={n === 0 ? "Results" : `Last ${plural(n, "result")}`}>
        <ResultStrip results={figures.results} linked />
        <Figures figures={figures} />
        {n > 0 && (
          <p class="muted small">
            The rate is of runs that succeeded or failed; cost and time are medians.
          </p>
        )}
      </Panel>
      {about && (
        <Panel id="agent-about" title="What it may">
          <Facts
            rows={[
              ["Model", modelWords(about)],
              ["Tools", about.tools.join(", ")],
              ...taggedTools(about),
              [
                "Memory",
                about.memory === "none"
                  ? "none"
                  : (
                    <a key="m" href={withQuery("/memory", { agent: agent.name })}>
                      {memoryWords[about.memory] ?? about.memory}
                    </a>
                  ),
              ],
              ["Turns", `at most ${about.maxTurns}`],
              ["Time", `at most ${duration(about.timeoutMs)}`],
              ["Tokens", `at most ${count(about.maxTokens)}`],
              ["Cost", `at most ${money(about.maxCostMicroUsd)} a run`],
              ["Paths", listed(about.allowedPaths)],
              ["Not", listed(about.blockedPaths)],
              ["Writes only", listed(about.writablePaths)],
              ["Commands", listed(about.commands)],
              ["Hosts", hostsWords(about, shell)],
              ["Asks first", listed(about.requireApproval)],
              ["Web", about.webAllowed ? "allowed beside private data, without asking" : null],
            ]}
          />
        </Panel>
      )}
    </div>
  );
}

/** Which of its tools bring what should not come together without a person's word. */
const taggedTools = ({ tools, toolTags }: AgentAbout): [string, string][] =>
  (Object.entries(tagWords) as [ToolTag, string][]).flatMap(([tag, words]) => {
    const names = tools.filter((name) => toolTags[name]?.includes(tag));
    return names.length > 0 ? [[`– ${words}`, names.join(", ")] as [string, string]] : [];
  });

const listed = (entries: string[]): string | null => entries.join(", ") || null;

/** Hosts that are named and can't be reached all the same are told with why. */
function hostsWords({ hosts, tools }: AgentAbout, { confinement }: Shell): string | null {
  const named = listed(hosts);
  if (named === null) return null;
  if (!tools.includes("Bash")) return `${named}; but it has no commands that could reach them`;
  if (confinement.kind === "process") return `${named}; but not here, where there is no sandbox`;
  return named;
}

const originWords = { built_in: "built in", person: "", repository: "from the repository" };

function AgentVersions({ agent, versions, shell }: AgentPageProps): VNode {
  const options = versions.map(({ version, savedBy, note }) => ({
    value: String(version),
    label: `${version}: ${note || `saved by ${savedBy}`}`,
  }));
  const [newest, before] = versions;
  return (
    <Panel id="agent-versions" title="Versions">
      {versions.length === 0
        ? <p class="muted">As it comes with Gaffer; nothing was changed yet.</p>
        : (
          <ol class="history" reversed>
            {versions.map(({ version, origin, note, savedBy, savedAt }) => (
              <li key={version} value={version}>
                <a href={agentVersionsHref(agent.id, { to: version })}>Version {version}</a>{" "}
                <span class="muted">
                  {[originWords[origin], note].filter(Boolean).join(", ")} by {savedBy},{" "}
                  <Time at={savedAt} nowMs={shell.nowMs} />
                </span>
              </li>
            ))}
          </ol>
        )}
      {newest && before && (
        <form action={`${agentHref(agent.id)}/versions`} id="compare">
          <Field
            form="compare"
            name="from"
            label="Compare"
            kind="choice"
            required
            value={String(before.version)}
            options={options}
          />
          <Field
            form="compare"
            name="to"
            label="with"
            kind="choice"
            required
            value={String(newest.version)}
            options={options}
          />
          <Button>Show the difference</Button>
        </form>
      )}
    </Panel>
  );
}

function AgentCopy({ agent, copyTo }: AgentPageProps): VNode | null {
  if (copyTo.length === 0) return null;
  return (
    <Panel id="agent-copy" title="Another one for a project">
      <form method="post" action={`${agentHref(agent.id)}/copy`}>
        <p class="muted">
          It begins as a copy and works in that project alone; this one stays as it is.
        </p>
        <Field
          form="agent-copy"
          name="project"
          label="Project"
          kind="choice"
          required
          options={copyTo.map(({ id, name }) => ({ value: id, label: name }))}
        />
        <Button>Make a copy</Button>
      </form>
    </Panel>
  );
}

function AgentMoves({ agent, resettable }: AgentPageProps): VNode {
  const href = agentHref(agent.id);
  return (
    <div class="actions" id="agent-moves">
      {agent.active && (
        <ActionForm action={`${href}/disable`} kind="danger">Disable the agent</ActionForm>
      )}
      {resettable && <ActionForm action={`${href}/reset`}>Reset to built-in</ActionForm>}
      <a class={buttonClass("plain")} href={`${href}/export`} hx-boost="false">Export as a file</a>
    </div>
  );
}
