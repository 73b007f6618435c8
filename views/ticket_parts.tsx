/** The parts of a ticket's page: why it is blocked, its subtasks, its specification, its facts. */
import type { VNode } from "preact";
import { CHECK_ROUNDS_MAX, failureReasons } from "../server/states.ts";
import type { Check, ProjectCommand, Subtask, Ticket } from "../server/records.ts";
import { type NamingDocument, namingLinks } from "./document_origin.tsx";
import { Elapsed, Facts, Notice, Panel, Priority, StatusBadge, Tag, Time } from "./components.tsx";
import { duration, shortCommit } from "./format.ts";
import { ActionForm } from "./forms.tsx";
import {
  checkRulesHref,
  ideaHref,
  projectHref,
  type Subject,
  ticketHref,
  traceHref,
} from "./links.ts";
import type { ResolveReference } from "./markdown.ts";
import { Inline } from "./inline.tsx";
import { Prose } from "./prose.tsx";
import { Tried, type TriedLine, WaysOn, type WaysOnProps } from "./ways_on.tsx";
import { complexityWords, failureWords, subtaskWords, ticketTypeWords } from "./words.ts";

interface BlockedProps {
  ticket: Ticket;
  /** Newest first. */
  checks: Check[];
  /** The project's own. */
  commands: ProjectCommand[];
  /** Oldest first. */
  tried: TriedLine[];
  waysOn: WaysOnProps;
}

/** Cause, the last lines of the failed check, what was tried, and the ways on. */
export function Blocked({ ticket, checks, commands, tried, waysOn }: BlockedProps): VNode {
  const last = checks.find((check) => !check.baseline) ?? null;
  const failed = last?.status === "failed" || last?.status === "timed_out" ? last : null;
  const taken = ticket.failure === "taken_over";
  const why = ticket.failure ? failureWords[ticket.failure] : "needs you";
  return (
    <Notice
      tone={taken ? "waiting" : "failed"}
      title={taken ? why : `Blocked: ${why.toLowerCase()}`}
    >
      <Prose text={ticket.reason} />
      {ticket.round > 0 && <p>{ticket.round} of {CHECK_ROUNDS_MAX} rounds of repair were tried.</p>}
      <Tried tried={tried} />
      {failed && failed.tail !== "" && (
        <>
          <p class="remark-label">End of the {failed.name} output</p>
          <pre
            class="output output-tail"
            tabIndex={0}
            aria-label={`End of the ${failed.name} output`}
          >
            {lastLines(failed.tail)}
          </pre>
        </>
      )}
      {ticket.failure && !isOrders(ticket.failure) && <p>{failureReasons[ticket.failure].mend}</p>}
      <HowToMend ticket={ticket} commands={commands} />
      {!isOrders(ticket.failure) && <WaysOn {...waysOn} />}
    </Notice>
  );
}

function HowToMend(
  { ticket, commands }: Pick<BlockedProps, "ticket" | "commands">,
): VNode | null {
  const settings = ticket.failure === "checks_misconfigured"
    ? <a href={checkRulesHref(ticket.projectId)}>the project's checks</a>
    : <a href={projectHref(ticket.projectId)}>the project's settings</a>;
  if (ticket.failure === "commands_not_allowed") {
    return (
      <>
        <p>These run as you, on code that agents wrote, and can do what you can do:</p>
        <ul class="commands">
          {commands.map(({ name, command }) => (
            <li key={name}>
              {name}: <code>{command}</code>
            </li>
          ))}
        </ul>
        <ActionForm action={`${ticketHref(ticket.id)}/allow-commands`} kind="primary">
          Allow for this project and go on
        </ActionForm>
        <p class="muted">It can be taken back in {settings}.</p>
      </>
    );
  }
  if (ticket.failure === "merge_conflict") {
    return (
      <>
        <ActionForm action={`${ticketHref(ticket.id)}/resolve-conflict`} kind="primary">
          Let the developer resolve it
        </ActionForm>
        <p class="muted">
          It gets the base branch in its worktree, with the conflicts marked; what it makes is
          built, tested and reviewed again. Or make room on the base branch, and retry below.
        </p>
      </>
    );
  }
  if (ticket.failure === "merge_checks_failed") {
    return (
      <>
        <ActionForm action={`${ticketHref(ticket.id)}/resolve-conflict`} kind="primary">
          Let the developer resolve it
        </ActionForm>
        <p class="muted">
          It gets the base branch in its worktree, and what fails there; what it makes is built,
          tested and reviewed again. Or mend the base branch, and retry below.
        </p>
      </>
    );
  }
  if (isOrders(ticket.failure)) {
    return (
      <p>
        Under <a href="#ticket-order">Order</a>{" "}
        take that ticket from what this one needs, or open it and queue it again: then this one goes
        on by itself.
      </p>
    );
  }
  if (ticket.failure === "taken_over") return null;
  if (isProjects(ticket.failure)) {
    return <p>It is mended in {settings}; then retry, below.</p>;
  }
  return (
    <p class="muted">
      Three ways on: guide the developer in words, below; retry as it is, or from a step; or take
      its branch over by hand.
    </p>
  );
}

/** It lies with the project's settings: no words to a developer can mend it. */
export const isProjects = (failure: Ticket["failure"]): boolean =>
  failure === "commands_not_allowed" || failure === "setup_failed" || failure === "setup_offline" ||
  failure === "checks_misconfigured";

/** It lies with what the ticket needs. */
export const isOrders = (failure: Ticket["failure"]): boolean => failure === "dependency_cancelled";

const TAIL_LINES = 15;
const lastLines = (text: string) => text.trimEnd().split("\n").slice(-TAIL_LINES).join("\n");

/** The parts in order, with their times and what was done; `#ticket-subtasks`. */
export function Subtasks({ subtasks, nowMs }: { subtasks: Subtask[]; nowMs: number }): VNode {
  return (
    <Panel id="ticket-subtasks" title="Subtasks">
      <ol class="subtasks">
        {subtasks.map((subtask) => (
          <li key={subtask.id} id={`subtask-${subtask.id}`}>
            <div class="subtask-head">
              <StatusBadge shown={subtaskWords[subtask.status]} />
              <span class="subtask-title">
                <Inline text={subtask.title} />
              </span>
              <Tag>{complexityWords[subtask.complexity]}</Tag>
              <span class="muted small">
                <SubtaskTime subtask={subtask} nowMs={nowMs} />
              </span>
            </div>
            {(subtask.description !== "" || subtask.summary !== "") && (
              <details id={`about-${subtask.id}`}>
                <summary>{subtask.summary === "" ? "What to do" : "What was done"}</summary>
                {subtask.summary !== "" && <Prose text={subtask.summary} />}
                {subtask.description !== "" && <Prose text={subtask.description} />}
              </details>
            )}
          </li>
        ))}
      </ol>
    </Panel>
  );
}

function SubtaskTime({ subtask, nowMs }: { subtask: Subtask; nowMs: number }): VNode | null {
  const { startedAt, doneAt } = subtask;
  if (startedAt && doneAt) return <>{duration(Date.parse(doneAt) - Date.parse(startedAt))}</>;
  return startedAt && subtask.status === "in_progress"
    ? <Elapsed since={startedAt} nowMs={nowMs} />
    : null;
}

/** What was asked for, folded. */
export function Specification(
  { ticket, resolve }: { ticket: Ticket; resolve: ResolveReference },
): VNode {
  return (
    <details class="panel" id="specification">
      <summary>
        <h2>Specification</h2>
      </summary>
      {ticket.description === ""
        ? <p class="muted">Only the title was given.</p>
        : <Prose text={ticket.description} resolve={resolve} />}
      {ticket.acceptance.length > 0 && (
        <>
          <h3>Done when</h3>
          <ul>
            {ticket.acceptance.map((criterion) => (
              <li key={criterion}>
                <Inline text={criterion} />
              </li>
            ))}
          </ul>
        </>
      )}
      {ticket.guidance !== "" && (
        <>
          <h3>Last words to the developer</h3>
          <Prose text={ticket.guidance} resolve={resolve} />
        </>
      )}
    </details>
  );
}

export interface TicketFactsProps {
  ticket: Ticket;
  projectName: string;
  /** The idea it came from. */
  idea: Subject | null;
  nowMs: number;
  /** Documents that name it. */
  namedIn?: NamingDocument[];
}

/** Where it belongs and where its work is; `#ticket-facts`. */
export function TicketFacts(
  { ticket, projectName, idea, namedIn, nowMs }: TicketFactsProps,
): VNode {
  return (
    <Panel id="ticket-facts" title="Facts">
      <Facts
        rows={[
          ["Project", <a key="o" href={projectHref(ticket.projectId)}>{projectName}</a>],
          ["Type", ticketTypeWords[ticket.type]],
          ["Priority", <Priority key="p" level={ticket.priority} />],
          [
            "Idea",
            idea && <a key="i" href={ideaHref(idea.id)}>Idea #{idea.number} {idea.title}</a>,
          ],
          ["Named in", namingLinks(namedIn)],
          ["Branch", ticket.branch && <code key="b" class="path">{ticket.branch}</code>],
          [
            "Started from",
            ticket.baseCommit && <code key="c">{shortCommit(ticket.baseCommit)}</code>,
          ],
          [
            "Newest commit",
            ticket.headCommit && <code key="h">{shortCommit(ticket.headCommit)}</code>,
          ],
          [
            "Merged as",
            // Before, it is the one that is to land.
            ticket.status === "review"
              ? null
              : ticket.mergeCommit && (
                <a key="m" href={traceHref(ticket.projectId, { commit: ticket.mergeCommit })}>
                  <code>{shortCommit(ticket.mergeCommit)}</code>
                </a>
              ),
          ],
          ["Made", <Time key="t" at={ticket.createdAt} nowMs={nowMs} />],
        ]}
      />
    </Panel>
  );
}
