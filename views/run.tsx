/** One run: where it stands, what it needs a person for, and all that it did. */
import type { VNode } from "preact";
import type { ToolTag } from "../agents/protocol.ts";
import { failureReasons } from "../server/states.ts";
import type { Approval, MemoryChange, Project, Run } from "../server/records.ts";
import { Activity, type ActivityProps } from "./activity.tsx";
import { PendingApprovals } from "./approvals.tsx";
import {
  DemoMark,
  Elapsed,
  Fact,
  Money,
  Notice,
  StatusBadge,
  Tag,
  TrialMark,
} from "./components.tsx";
import { DelayNotice } from "./delay.tsx";
import { count, duration, inputTokens, money, plural, tokens } from "./format.ts";
import { buttonClass } from "./forms.tsx";
import { framePartials, Layout, PageHead } from "./layout.tsx";
import { agentVersionsHref, projectHref, runHref, type Subject, subjectHref } from "./links.ts";
import { type Live, replace } from "./live.tsx";
import { LearnedPanel } from "./memory.tsx";
import { Prose } from "./prose.tsx";
import { MessagePanel, RunActions, type RunMovesProps } from "./run_actions.tsx";
import type { Shell } from "./shell.ts";
import { runTitle, subjectLabel } from "./subject.tsx";
import {
  type Delay,
  failureWords,
  purposeWords,
  reportsBlocked,
  shownRun,
  tagWords,
} from "./words.ts";

export interface RunPageProps {
  shell: Shell;
  /** Null where the page shows a search, or a refused form. */
  live: Live | null;
  run: Run;
  subject: Subject;
  /** Why it does not work right now. */
  delay: Delay | null;
  /** Which try at the same work it is, from 1. */
  attempt: number;
  /** What its calls have brought into it or let out of it. */
  tags: ToolTag[];
  /** Who lets the project's runs have all of them together; null: nobody, each asks. */
  tagsAllowed: Project["tagsAllowed"];
  approvals: Approval[];
  /** What it changed in its agent's memory, oldest first. */
  learned: MemoryChange[];
  moves: Omit<RunMovesProps, "run">;
  /** A person's last words to it came when it asked the model nothing more. */
  unread: boolean;
  activity: Omit<ActivityProps, "run" | "nowMs">;
  /** What is looked for in the transcript; null: all of it is shown. */
  search: { text: string; found: number; of: number } | null;
}

export function RunPage(props: RunPageProps): VNode {
  const { run, shell, moves } = props;
  return (
    <Layout shell={shell} title={titleOf(props)} current="runs" live={props.live}>
      <RunStrip {...props} />
      <RunAttention {...props} />
      <MessagePanel {...moves} run={run} />
      <TranscriptTools {...props} />
      <Activity {...props.activity} run={run} nowMs={shell.nowMs} />
      <LearnedPanel changes={props.learned} nowMs={shell.nowMs} />
      <RunActions {...moves} run={run} nowMs={shell.nowMs} />
    </Layout>
  );
}

/** All that may have changed of a run but its activity, for its stream. */
export function runPartials(props: RunPageProps, status?: string): VNode {
  const { shell, run, moves } = props;
  return (
    <>
      {framePartials({ shell, current: "runs", title: titleOf(props), status })}
      {replace("run-strip", <RunStrip {...props} />)}
      {replace("run-attention", <RunAttention {...props} />)}
      {replace("run-message", <MessagePanel {...moves} run={run} />)}
      {replace("run-learned", <LearnedPanel changes={props.learned} nowMs={shell.nowMs} />)}
      {replace("run-actions", <RunActions {...moves} run={run} nowMs={shell.nowMs} />)}
    </>
  );
}

const titleOf = ({ run, subject }: RunPageProps) => runTitle(run, subject);

function RunStrip(props: RunPageProps): VNode {
  const { run, subject, delay, attempt, tags, shell } = props;
  const { usage } = run;
  const project = shell.projects.find(({ id }) => id === run.projectId);
  return (
    <div id="run-strip">
      <PageHead
        crumb={{ href: subjectHref(subject), label: subjectLabel(subject, shell) }}
        title={titleOf(props)}
        aside={
          <>
            <StatusBadge shown={shownRun(run, delay)} />
            {run.trial && <TrialMark />}
            {run.demo && <DemoMark />}
          </>
        }
      />
      <dl class="strip">
        {project && (
          <Fact name="Project">
            <a href={projectHref(project.id)}>{project.name}</a>
          </Fact>
        )}
        <Fact name="For">
          {purposeWords[run.purpose]}
          {attempt > 1 && <span class="muted">attempt {attempt}</span>}
        </Fact>
        {run.definition && (
          <Fact name="Definition">
            <a
              href={agentVersionsHref(run.definition.agentId, { to: run.definition.version })}
            >
              version {run.definition.version}
            </a>
          </Fact>
        )}
        {run.forkedFrom && (
          <Fact name="Forked from">
            <a href={runHref(run.forkedFrom.runId)}>a run after turn {run.forkedFrom.turn}</a>
          </Fact>
        )}
        <Fact name="Model">{run.model}</Fact>
        <Fact name="Turns" num>{run.turns} of {run.maxTurns}</Fact>
        <Fact
          name="Tokens"
          num
          title={`${count(usage.cacheReadTokens)} of them read from the cache`}
        >
          {tokens(inputTokens(usage))} in, {tokens(usage.outputTokens)} out
        </Fact>
        <Fact name="Cost">
          <Money microUsd={run.costMicroUsd} demo={run.demo} />
          {!run.demo && <span class="muted">of {money(run.maxCostMicroUsd)}</span>}
        </Fact>
        {run.startedAt && (
          <Fact name="Has had">
            <RunTags tags={tags} allowed={props.tagsAllowed} projectId={run.projectId} />
          </Fact>
        )}
        {run.startedAt && (
          <Fact name="Time" num>
            {run.finishedAt
              ? duration(Date.parse(run.finishedAt) - Date.parse(run.startedAt))
              : <Elapsed since={run.startedAt} nowMs={shell.nowMs} />}
          </Fact>
        )}
      </dl>
    </div>
  );
}

/** The three that should not come together without a person's word: those it has had, and those it has not. */
function RunTags(
  { tags, allowed, projectId }: {
    tags: ToolTag[];
    allowed: Project["tagsAllowed"];
    projectId: string;
  },
): VNode {
  const all = Object.entries(tagWords) as [ToolTag, string][];
  const not = all.filter(([tag]) => !tags.includes(tag)).map(([, word]) => word);
  return (
    <>
      {all.filter(([tag]) => tags.includes(tag)).map(([tag, word]) => <Tag key={tag}>{word}</Tag>)}
      {not.length > 0 && <span class="muted">no {not.join(", no ")}</span>}
      {allowed && <a href={projectHref(projectId)}>its project allows all three together</a>}
    </>
  );
}

function RunAttention({ run, delay, approvals, unread, shell }: RunPageProps): VNode {
  return (
    <div id="run-attention">
      {run.status === "failed" && run.failure && (
        <Notice tone="failed" title={failureWords[run.failure]}>
          <p>{run.error}</p>
          <p>{failureReasons[run.failure].mend}</p>
        </Notice>
      )}
      {run.status === "succeeded" && reportsBlocked(run.result) && (
        <Notice tone="failed" title="Reported blocked">
          <Prose text={String((run.result as { summary?: unknown }).summary ?? "")} />
          <p>{failureReasons[run.demo ? "demo_limit" : "agent_blocked"].mend}</p>
        </Notice>
      )}
      {run.trial && run.status === "succeeded" && (
        <Notice tone="done" title="What it would hand in">
          <pre class="output">{JSON.stringify(run.result, null, 2)}</pre>
          <p>This was a trial: nothing follows from it.</p>
        </Notice>
      )}
      {unread && (
        <Notice tone="waiting" title="A message was not read">
          <p>The run ended before it asked the model again. Say it in the next one's words.</p>
        </Notice>
      )}
      {run.pausedBy !== null && (
        <Notice
          tone="waiting"
          title={run.status === "running"
            ? `Pausing for ${run.pausedBy}`
            : `Paused by ${run.pausedBy}`}
        >
          <p>
            {run.status === "running"
              ? "It finishes what it is at, keeps what came of it, and then waits."
              : "It goes on when somebody resumes it, and not before."}
          </p>
        </Notice>
      )}
      {delay && run.pausedBy === null && approvals.length === 0 && (
        <DelayNotice delay={delay} title="Waiting" nowMs={shell.nowMs} />
      )}
      <PendingApprovals approvals={approvals} run={run} nowMs={shell.nowMs} />
    </div>
  );
}

/** Finds in the transcript, and exports it. */
function TranscriptTools({ run, search }: RunPageProps): VNode {
  const href = runHref(run.id);
  return (
    <div class="filters" id="run-tools">
      <form action={href} class="filter-form" role="search" aria-label="Search the transcript">
        <label class="visually-hidden" for="transcript-search">Search the transcript</label>
        <input
          id="transcript-search"
          type="search"
          name="q"
          value={search?.text}
          placeholder="Search the transcript"
          maxLength={200}
          autocomplete="off"
        />
        <button type="submit" class={buttonClass("plain")}>Search</button>
      </form>
      <p class="muted small">
        {search && (
          <>
            {count(search.found)} of {plural(search.of, "step")}{" "}
            {search.found === 1 ? "says" : "say"}
            {" “"}
            {search.text}”. <a href={href}>Show all</a>
            {" · "}
          </>
        )}
        Export: <a href={`${href}/export?format=markdown`} hx-boost="false">Markdown</a>
        {", "}
        <a href={`${href}/export?format=json`} hx-boost="false">JSON</a>
      </p>
    </div>
  );
}
