/** One ticket: its state, what stands in its way, what is done, and the agent at work. */
import type { VNode } from "preact";
import type {
  Approval,
  ChangeEvent,
  Check,
  ProjectCommand,
  Run,
  Subtask,
  Ticket,
  Undo,
} from "../server/records.ts";
import { Activity, type ActivityProps } from "./activity.tsx";
import { PendingApprovals } from "./approvals.tsx";
import { CheckList } from "./checks.tsx";
import { DemoMark, Elapsed, Fact, Money, Notice, Progress, StatusBadge } from "./components.tsx";
import { duration } from "./format.ts";
import type { NamingDocument } from "./document_origin.tsx";
import { History } from "./history_panel.tsx";
import { ActionForm } from "./forms.tsx";
import { framePartials, Layout, PageHead } from "./layout.tsx";
import { checkHref, reviewHref, type Subject, ticketHref, withQuery } from "./links.ts";
import { type Live, replace } from "./live.tsx";
import type { ResolveReference } from "./markdown.ts";
import { Inline } from "./inline.tsx";
import { mergedOn, PullNotice, PullPanel, type PullProps } from "./pull_request.tsx";
import { RunList } from "./runs.tsx";
import { RunningCheckPanel, type RunningCheckProps } from "./running_check.tsx";
import type { Shell } from "./shell.ts";
import { Blocked, Specification, Subtasks, TicketFacts } from "./ticket_parts.tsx";
import { hasOpenNeeds, type TicketOrder, TicketOrderPanel } from "./ticket_order.tsx";
import {
  ProgressFacts,
  type ProgressFactsProps,
  TicketSummary,
  type TicketSummaryProps,
} from "./ticket_progress.tsx";
import type { TriedLine, WaysOnProps } from "./ways_on.tsx";
import { type RefusedGuidance, TicketActions } from "./ticket_moves.tsx";
import { MergedNotice } from "./ticket_undo.tsx";
import { DelayNotice } from "./delay.tsx";
import { type Delay, doingNow, shownCheck, ticketWords } from "./words.ts";

export interface TicketPageProps {
  shell: Shell;
  /** Null beside a refused form. */
  live: Live | null;
  ticket: Ticket;
  projectName: string;
  /** The project's own. */
  commands: ProjectCommand[];
  /** Rounds of repair, oldest first. */
  tried: TriedLine[];
  /** For when it is blocked. */
  waysOn: WaysOnProps;
  /** The idea it came from. */
  idea: Subject | null;
  /** Documents that name it. */
  namedIn?: NamingDocument[];
  /** In order. */
  subtasks: Subtask[];
  /** Newest first. */
  checks: Check[];
  /** Newest first. */
  runs: Run[];
  /** Why nothing happens for it right now; null: something does, or a person must act. */
  delay: Delay | null;
  /** What it waits for and what waits for it. */
  order: TicketOrder;
  /** It is cancelled, and its folder is still there. */
  hasLeftFolder: boolean;
  /** The newest undo of its merge. */
  undo: Undo | null;
  /** What a person may review now that this one needs nobody; null or absent: nothing. */
  nextReview?: Ticket | null;
  pull: PullProps;
  progress: ProgressFactsProps;
  summary: TicketSummaryProps["summary"];
  /** Pending ones of the active run. */
  approvals: Approval[];
  /** Newest first. */
  changes: ChangeEvent[];
  /** The active run's, else the newest one's. */
  activity: Omit<ActivityProps, "nowMs">;
  /** The check at work. */
  running: RunningCheckProps["check"];
  resolve: ResolveReference;
  refused: RefusedGuidance | null;
}

export function TicketPage(props: TicketPageProps): VNode {
  const { ticket, runs, shell } = props;
  const { nowMs } = shell;
  return (
    <Layout shell={shell} title={titleOf(ticket)} current="development" live={props.live}>
      <Strip {...props} />
      <Attention {...props} />
      <div id="ticket-columns" class="columns">
        <div class="column-main">
          <Subtasks subtasks={props.subtasks} nowMs={nowMs} />
          <Specification ticket={ticket} resolve={props.resolve} />
          <TicketSummary ticket={ticket} summary={props.summary} />
          <RunningCheckPanel ticketId={ticket.id} check={props.running} nowMs={nowMs} />
          <Activity {...props.activity} nowMs={nowMs} />
        </div>
        <div class="column-facts">
          <TicketFacts {...props} nowMs={nowMs} />
          <TicketOrderPanel ticket={ticket} order={props.order} />
          <PullPanel {...props.pull} ticket={ticket} nowMs={nowMs} />
          <CheckList id="ticket-checks" checks={props.checks} nowMs={nowMs} />
          <RunList id="ticket-runs" runs={props.runs} nowMs={nowMs} />
          <History id="ticket-history" changes={props.changes} nowMs={nowMs} />
        </div>
      </div>
      <TicketActions
        ticket={ticket}
        undo={props.undo}
        neededBy={props.order.neededBy}
        waits={props.order.wait !== null}
        needs={hasOpenNeeds(props.order)}
        runPaused={isRunPaused(runs)}
        atWork={activeOf(runs) !== null}
        refused={props.refused}
      />
    </Layout>
  );
}

/** All that may have changed of a ticket but the run's activity, for its stream. */
export function ticketPartials(props: TicketPageProps, status?: string): VNode {
  const { ticket, shell, checks, runs, changes } = props;
  const { nowMs } = shell;
  return (
    <>
      {framePartials({ shell, current: "development", title: titleOf(ticket), status })}
      {replace("ticket-strip", <Strip {...props} />)}
      {replace("ticket-attention", <Attention {...props} />)}
      {replace("ticket-subtasks", <Subtasks subtasks={props.subtasks} nowMs={nowMs} />)}
      {replace("ticket-facts", <TicketFacts {...props} nowMs={nowMs} />)}
      {replace("ticket-order", <TicketOrderPanel ticket={ticket} order={props.order} />)}
      {replace("ticket-summary", <TicketSummary ticket={ticket} summary={props.summary} />)}
      {replace(
        "running-check",
        <RunningCheckPanel ticketId={ticket.id} check={props.running} nowMs={nowMs} />,
      )}
      {replace(
        "ticket-pull",
        <PullPanel {...props.pull} ticket={ticket} nowMs={nowMs} />,
      )}
      {replace("ticket-checks", <CheckList id="ticket-checks" checks={checks} nowMs={nowMs} />)}
      {replace("ticket-runs", <RunList id="ticket-runs" runs={runs} nowMs={nowMs} />)}
      {replace("ticket-history", <History id="ticket-history" changes={changes} nowMs={nowMs} />)}
      {replace(
        "ticket-actions",
        <TicketActions
          ticket={ticket}
          undo={props.undo}
          neededBy={props.order.neededBy}
          waits={props.order.wait !== null}
          needs={hasOpenNeeds(props.order)}
          runPaused={isRunPaused(runs)}
          atWork={activeOf(runs) !== null}
          refused={null}
        />,
      )}
    </>
  );
}

const activeOf = (runs: Run[]): Run | null =>
  runs.find((run) => ["queued", "running", "waiting"].includes(run.status)) ?? null;

const isRunPaused = (runs: Run[]): boolean => runs.some(({ pausedBy }) => pausedBy !== null);

const titleOf = (ticket: Ticket) => `Ticket #${ticket.number} ${ticket.title}`;

/** Newest result of a command on the work itself. */
const newest = (checks: Check[], name: Check["name"]) =>
  checks.find((check) => check.name === name && !check.baseline) ?? null;

/** State, step, build, tests, cost and time in one line; `#ticket-strip`. */
function Strip({ ticket, checks, subtasks, runs, progress, shell }: TicketPageProps): VNode {
  const { status, step, startedAt, doneAt } = ticket;
  const done = subtasks.filter((s) => s.status === "done" || s.status === "skipped").length;
  const demo = runs.some((run) => run.demo);
  return (
    <div id="ticket-strip">
      <PageHead
        crumb={{
          href: withQuery("/development", { project: ticket.projectId }),
          label: "Development",
        }}
        title={
          <>
            <span class="muted">Ticket #{ticket.number}</span> {ticket.title}
          </>
        }
        aside={<StatusBadge shown={ticketWords[status]} />}
      />
      <dl class="strip">
        {step && (status === "in_progress" || step === "merge") && (
          <Fact name="Step">{doingNow(ticket, activeOf(runs)?.purpose ?? null)}</Fact>
        )}
        <Fact name="Subtasks">
          <Progress done={done} total={subtasks.length} of="subtasks" />
        </Fact>
        <CheckFact name="Build" check={newest(checks, "build")} />
        <CheckFact name="Tests" check={newest(checks, "test")} />
        <Fact name="Cost">
          <Money microUsd={ticket.costMicroUsd} demo={demo} />
          {demo && <DemoMark />}
        </Fact>
        {startedAt && (
          <Fact name="Time" num>
            {doneAt
              ? duration(Date.parse(doneAt) - Date.parse(startedAt))
              : <Elapsed since={startedAt} nowMs={shell.nowMs} />}
          </Fact>
        )}
        {status !== "done" && status !== "cancelled" && <ProgressFacts {...progress} />}
      </dl>
    </div>
  );
}

function CheckFact({ name, check }: { name: string; check: Check | null }): VNode {
  return (
    <Fact name={name}>
      {check === null
        ? <span class="muted">not yet</span>
        : (
          <a href={checkHref(check.ticketId, check.id)}>
            <StatusBadge shown={shownCheck(check)} />
          </a>
        )}
    </Fact>
  );
}

/** What needs a person before it goes on; `#ticket-attention`. */
function Attention(props: TicketPageProps): VNode {
  const { ticket, approvals, runs, delay, shell } = props;
  const active = activeOf(runs);
  // Its job says the same as a sentence.
  const isMergeWait = ticket.mergeWait !== "" && delay?.more.startsWith(ticket.mergeWait);
  return (
    <div id="ticket-attention">
      {ticket.status === "blocked" && <Blocked {...props} />}
      {ticket.status === "done" && ticket.mergeCommit === null && (
        <Notice tone="done" title="Done">
          <p>The base branch had all that it changes already: nothing was merged.</p>
        </Notice>
      )}
      {ticket.status === "done" && ticket.mergeCommit && (
        <MergedNotice
          ticket={ticket}
          undo={props.undo}
          on={mergedOn({ pull: props.pull.pull, ticket })}
          brought={props.pull.pull?.broughtAt != null}
        />
      )}
      {ticket.status === "cancelled" && (
        <Notice tone="idle" title="Cancelled">
          <p>
            <Inline text={ticket.reason || "Its branch and every checkpoint are kept."} />
          </p>
          {props.hasLeftFolder && (
            <ActionForm action={`${ticketHref(ticket.id)}/let-go`} kind="quiet">
              Remove its folder, keep its branch
            </ActionForm>
          )}
        </Notice>
      )}
      {props.nextReview && (
        <p>
          Next review:{" "}
          <a href={reviewHref(props.nextReview.id)}>
            #{props.nextReview.number} {props.nextReview.title}
          </a>
        </p>
      )}
      <PullNotice pull={props.pull.pull} ticket={ticket} />
      {ticket.mergeWait !== "" && (
        <Notice tone="waiting" title="The merge waits">
          <p>{ticket.mergeWait}</p>
        </Notice>
      )}
      {ticket.pausedBy !== null && (
        <Notice tone="waiting" title={`Paused by ${ticket.pausedBy}`}>
          <p>
            {active?.status === "running"
              ? `The ${active.agent} finishes what it is at; then nothing begins until somebody resumes it.`
              : "Nothing begins until somebody resumes it."}
          </p>
        </Notice>
      )}
      {delay && approvals.length === 0 && !isMergeWait && (
        <DelayNotice
          delay={delay}
          title={active
            ? `The ${active.agent} waits`
            : ticket.status === "done"
            ? "The undo waits"
            : "It waits"}
          nowMs={shell.nowMs}
        />
      )}
      <PendingApprovals approvals={approvals} run={active} nowMs={shell.nowMs} />
    </div>
  );
}
