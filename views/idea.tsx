/** One idea: what was asked for, what the agents found, what they ask, what they propose. */
import type { VNode } from "preact";
import { failureReasons } from "../server/states.ts";
import type { Approval, ChangeEvent, Idea, Question, Run } from "../server/records.ts";
import {
  capital,
  DemoMark,
  Elapsed,
  Facts,
  Money,
  Notice,
  Panel,
  Priority,
  StatusBadge,
  Tag,
  Time,
} from "./components.tsx";
import { PendingApprovals } from "./approvals.tsx";
import { plural } from "./format.ts";
import {
  type DocumentOrigin,
  type NamingDocument,
  namingLinks,
  OriginLink,
} from "./document_origin.tsx";
import { History } from "./history_panel.tsx";
import { IdeaActions, type RefusedDecision } from "./idea_decision.tsx";
import { Description } from "./idea_description.tsx";
import { Findings, PlanPanel } from "./idea_plan.tsx";
import { framePartials, Layout, PageHead } from "./layout.tsx";
import { idPart, projectHref, runHref, ticketHref, withQuery } from "./links.ts";
import { type Live, replace } from "./live.tsx";
import type { ResolveReference } from "./markdown.ts";
import { Inline } from "./inline.tsx";
import { Prose } from "./prose.tsx";
import type { RefusedAnswer } from "./question_form.tsx";
import { Questions } from "./questions.tsx";
import type { Shell } from "./shell.ts";
import { DelayNote } from "./delay.tsx";
import {
  complexityWords,
  type Delay,
  ideaWords,
  purposeWords,
  shownRun,
  ticketTypeWords,
} from "./words.ts";

export interface IdeaPageProps {
  shell: Shell;
  /** Null beside a refused form: an update would put the saved text over what was typed. */
  live: Live | null;
  idea: Idea;
  projectName: string;
  /** What its agents wait for. */
  approvals: { approval: Approval; run: Run }[];
  /** All rounds, by number. */
  questions: Question[];
  /** The present round's runs in order, with the text that streams in each; older rounds before them. */
  runs: { run: Run; liveText: string; delay: Delay | null }[];
  /** Why its refinement does not go on right now. */
  delay: Delay | null;
  /** Nobody has said yet that it is to be refined. */
  isHeld: boolean;
  /** The document that it was made of; null: it was not. */
  origin: DocumentOrigin | null;
  /** Documents that name it. */
  namedIn?: NamingDocument[];
  /** Newest first. */
  changes: ChangeEvent[];
  /** Where `#idea-12` and `#ticket-7` in its texts lead. */
  resolve: ResolveReference;
  /** A refused form; null shows the saved state. */
  refusedDecision: RefusedDecision | null;
  refusedAnswer: RefusedAnswer | null;
}

export function IdeaPage(props: IdeaPageProps): VNode {
  const { idea, shell, refusedDecision } = props;
  return (
    <Layout shell={shell} title={titleOf(idea)} current="ideas" live={props.live}>
      <Strip {...props} />
      <div id="idea-columns" class="columns">
        <IdeaMain {...props} />
        <div class="column-facts">
          <IdeaFacts {...props} />
          <History id="idea-history" changes={props.changes} nowMs={shell.nowMs} />
        </div>
      </div>
      <IdeaActions idea={idea} refused={refusedDecision} isHeld={props.isHeld} />
    </Layout>
  );
}

/** All that may have changed of an idea, for its stream. A refused form is not on the page then. */
export function ideaPartials(props: IdeaPageProps, status?: string): VNode {
  const { idea, shell } = props;
  const frame = { shell, current: "ideas", title: titleOf(idea), status } as const;
  return (
    <>
      {framePartials(frame)}
      {replace("idea-strip", <Strip {...props} />)}
      {replace("idea-main", <IdeaMain {...props} refusedAnswer={null} refusedDecision={null} />)}
      {replace("idea-facts", <IdeaFacts {...props} />)}
      {replace(
        "idea-history",
        <History id="idea-history" changes={props.changes} nowMs={shell.nowMs} />,
      )}
      {replace("idea-actions", <IdeaActions idea={idea} refused={null} isHeld={props.isHeld} />)}
    </>
  );
}

/** What was asked for and what came of it, what is to be decided first; `#idea-main`. */
function IdeaMain(props: IdeaPageProps): VNode {
  const { idea, shell, questions, refusedAnswer, refusedDecision, resolve } = props;
  const description = (
    <Description key="description" idea={idea} refused={refusedDecision} resolve={resolve} />
  );
  const asking = (
    <Questions
      key="questions"
      idea={idea}
      questions={questions}
      refused={refusedAnswer}
      nowMs={shell.nowMs}
    />
  );
  const plan = <PlanPanel key="plan" idea={idea} refused={refusedDecision} resolve={resolve} />;
  const agents = <IdeaAgents key="agents" {...props} />;
  const findings = <Findings key="findings" idea={idea} />;
  const asked = questions.some((question) => question.status === "pending");
  const parts = idea.status === "ready"
    ? [plan, description, asking, agents, findings]
    : [description, asking, agents, plan, findings];
  return (
    <div id="idea-main" class="column-main">
      {asked ? [asking, ...parts.filter((part) => part !== asking)] : parts}
    </div>
  );
}

const titleOf = (idea: Idea) => `Idea #${idea.number} ${idea.title}`;

function Strip({ idea, approvals, shell }: IdeaPageProps): VNode {
  const crumb = { href: withQuery("/ideas", { project: idea.projectId }), label: "Ideas" };
  return (
    <div id="idea-strip">
      <PageHead
        crumb={crumb}
        title={
          <>
            <span class="muted">Idea #{idea.number}</span> {idea.title}
          </>
        }
        aside={<StatusBadge shown={ideaWords[idea.status]} />}
      />
      {approvals.map(({ approval, run }) => (
        <PendingApprovals
          key={approval.id}
          approvals={[approval]}
          run={run}
          nowMs={shell.nowMs}
        />
      ))}
      {idea.status === "stuck" && (
        <Notice tone="failed" title="Refinement is stuck">
          <p>
            <Inline text={idea.reason} />
          </p>
          {idea.failure && <p>{failureReasons[idea.failure].mend}</p>}
        </Notice>
      )}
      {idea.status === "rejected" && (
        <Notice tone="idle" title="Rejected">
          <p>
            <Inline text={idea.reason} />
          </p>
        </Notice>
      )}
      {idea.ticketId && (
        <Notice tone="done" title="This idea became a ticket">
          <p>
            <a href={ticketHref(idea.ticketId)}>Go to the ticket</a>
          </p>
        </Notice>
      )}
      {idea.feedback !== "" && (
        <Notice tone="idle" title={`Sent back, now in round ${idea.round}`}>
          <Prose text={idea.feedback} />
        </Notice>
      )}
    </div>
  );
}

/** Who works on it, side by side, with what each says right now; `#idea-agents`. */
function IdeaAgents({ runs, delay, shell }: IdeaPageProps): VNode {
  return (
    <Panel id="idea-agents" title="Agents">
      {runs.length === 0
        ? (
          <p class="muted">
            {delay
              ? <DelayNote delay={delay} nowMs={shell.nowMs} />
              : "They start when a slot is free."}
          </p>
        )
        : (
          <ul class="agents">
            {runs.map((row) => <AgentRow key={row.run.id} {...row} nowMs={shell.nowMs} />)}
          </ul>
        )}
    </Panel>
  );
}

function AgentRow(
  { run, liveText, delay, nowMs }: IdeaPageProps["runs"][number] & { nowMs: number },
): VNode {
  return (
    <li>
      <div class="agent-head">
        <StatusBadge shown={shownRun(run, delay)} />
        <a href={runHref(run.id)}>{capital(run.agent)}</a>
        <span class="muted small">
          {purposeWords[run.purpose].toLowerCase()}, {plural(run.turns, "turn")},{" "}
          <Money microUsd={run.costMicroUsd} demo={run.demo} />
          {run.status === "running" && run.startedAt && (
            <>
              , <Elapsed since={run.startedAt} nowMs={nowMs} />
            </>
          )}
        </span>
        {run.demo && <DemoMark />}
      </div>
      {delay && (
        <p class="muted">
          <DelayNote delay={delay} nowMs={nowMs} />
          {delay.more !== "" && <>. {delay.more}</>}
        </p>
      )}
      {run.error !== "" && (
        <p class="outcome tone-failed">
          <Inline text={run.error} />
        </p>
      )}
      <div
        class="live-text"
        id={`live-${idPart(run.id)}`}
        role="group"
        tabIndex={run.status === "running" ? 0 : undefined}
        aria-label={`What the ${run.agent} is writing now`}
        data-live-text=""
      >
        {liveText}
      </div>
    </li>
  );
}

function IdeaFacts({ idea, projectName, origin, namedIn, shell }: IdeaPageProps): VNode {
  const { plan } = idea;
  return (
    <Panel id="idea-facts" title="Facts">
      <Facts
        rows={[
          ["Project", <a key="o" href={projectHref(idea.projectId)}>{projectName}</a>],
          ["Priority", <Priority key="p" level={idea.priority} />],
          [
            "Why this priority",
            plan.priorityReason ? <Inline key="w" text={plan.priorityReason} /> : null,
          ],
          ["Type", plan.type ? ticketTypeWords[plan.type] : null],
          ["Complexity", plan.complexity ? complexityWords[plan.complexity] : null],
          ["Cost so far", <Money key="m" microUsd={idea.costMicroUsd} />],
          ["Asked by", idea.createdBy],
          ["Made of", origin && <OriginLink key="d" origin={origin} />],
          ["Named in", namingLinks(namedIn)],
          ["Submitted", <Time key="t" at={idea.createdAt} nowMs={shell.nowMs} />],
          [
            "Tags",
            idea.tags.length > 0 ? idea.tags.map((tag) => <Tag key={tag}>{tag}</Tag>) : null,
          ],
        ]}
      />
    </Panel>
  );
}
