/** What waits for a person: one row each, with the reason, its age and its one action. */
import type { VNode } from "preact";
import { failureReasons } from "../server/states.ts";
import type {
  Approval,
  Idea,
  PlanningAsk,
  PlanningQuestion,
  Question,
  Run,
  Ticket,
} from "../server/records.ts";
import { StatusBadge, Tag, Time } from "./components.tsx";
import { firstLine, plural } from "./format.ts";
import { buttonClass } from "./forms.tsx";
import { ApprovalForm } from "./approvals.tsx";
import {
  askHref,
  ideaHref,
  projectConfigHref,
  reviewHref,
  runHref,
  subjectName,
  ticketHref,
} from "./links.ts";
import { Inline } from "./inline.tsx";
import { QuestionForm } from "./question_form.tsx";
import { askWords } from "./planning_words.ts";
import { failureWords, type Shown } from "./words.ts";

/** `id` is unique among the rows; `since` is UTC text. */
export type Need =
  & { id: string; since: string; projectName: string }
  & (
    | { kind: "question"; question: Question; idea: Idea }
    | { kind: "approval"; approval: Approval; run: Run }
    | { kind: "ready"; idea: Idea }
    | { kind: "stuck"; idea: Idea }
    | { kind: "review"; ticket: Ticket; findings: number }
    | { kind: "blocked"; ticket: Ticket }
    | { kind: "config"; projectId: string; isGone: boolean }
    | {
      kind: "document";
      ask: PlanningAsk;
      title: string;
      waits: "questions" | "change";
      /** How many questions, or pieces of a change. */
      count: number;
      /** The first that nobody has answered; null: a change waits. */
      question: PlanningQuestion | null;
    }
  );

/** Longest reason in a row. */
const REASON_MAX_CHARS = 200;

/** One row of "Needs you". */
export function NeedItem(
  { need, nowMs, showProject }: { need: Need; nowMs: number; showProject: boolean },
): VNode {
  const { shown, href, title, reason, action, form } = describe(need);
  return (
    <li class="row need" id={`need-${need.id}`} data-row="">
      <StatusBadge shown={shown} />
      <div class="row-main">
        <a class="row-title" href={href}>
          <Inline text={title} />
        </a>
        {(reason || showProject) && (
          <p class="row-note">
            {reason && <Inline text={reason} />}
            {showProject && <Tag>{need.projectName}</Tag>}
          </p>
        )}
        {form}
      </div>
      <span class="row-fact">
        <Time at={need.since} nowMs={nowMs} />
      </span>
      {action && (
        <a class={buttonClass("plain")} href={href} aria-label={`${action}: ${title}`}>{action}</a>
      )}
    </li>
  );
}

interface Row {
  shown: Shown;
  href: string;
  title: string;
  reason: string | null;
  /** Label of the link; absent when the form in the row is the action. */
  action?: string;
  form?: VNode;
}

const nameOf = (kind: "idea" | "ticket", { number, title }: Idea | Ticket): string =>
  `${subjectName({ kind, number })} ${title}`;

function describe(need: Need): Row {
  switch (need.kind) {
    case "question": {
      const { question, idea } = need;
      const inRow = question.options.length > 0;
      return {
        shown: { word: "Question", tone: "waiting" },
        href: `${ideaHref(idea.id)}#question-${question.id}`,
        title: question.text,
        reason: nameOf("idea", idea),
        action: inRow ? undefined : "Answer",
        form: inRow ? <QuestionForm question={question} place="row" /> : undefined,
      };
    }
    case "approval":
      return {
        shown: { word: "Approval", tone: "waiting" },
        href: runHref(need.run.id),
        title: `The ${need.run.agent} wants to use ${need.approval.tool}`,
        reason: null,
        form: <ApprovalForm approval={need.approval} place="row" />,
      };
    case "ready":
      return {
        shown: { word: "Ready", tone: "review" },
        href: ideaHref(need.idea.id),
        title: nameOf("idea", need.idea),
        reason: `Refined into ${
          plural(need.idea.plan.subtasks.length, "subtask")
        }; waits for your decision`,
        action: "Decide",
      };
    case "stuck":
      return {
        shown: { word: "Stuck", tone: "failed" },
        href: ideaHref(need.idea.id),
        title: nameOf("idea", need.idea),
        reason: firstLine(need.idea.reason, REASON_MAX_CHARS),
        action: "Look",
      };
    case "review":
      return {
        shown: { word: "Review", tone: "review" },
        href: reviewHref(need.ticket.id),
        title: nameOf("ticket", need.ticket),
        reason: need.ticket.mergeWait ||
          `Built and tested; ${plural(need.findings, "finding")} by the reviewer`,
        action: "Review",
      };
    case "document": {
      const { ask, waits, count, title, question } = need;
      const change = waits === "change";
      if (question && question.options.length > 0) {
        return {
          shown: { word: "Question", tone: "waiting" },
          href: `${askHref(ask.id)}#question-${question.id}`,
          title: question.text,
          reason: `${askWords[ask.ask]}: ${title}` +
            (count > 1 ? `; the ${ask.agent} has ${plural(count, "question")}` : ""),
          form: <QuestionForm question={question} place="row" path="/planning-questions" />,
        };
      }
      return {
        shown: change
          ? { word: "Change", tone: "review" }
          : { word: count === 1 ? "Question" : "Questions", tone: "waiting" },
        href: askHref(ask.id),
        title: `${askWords[ask.ask]}: ${title}`,
        reason: change
          ? `The ${ask.agent} suggests a change: ${plural(count, "piece")} to decide on`
          : `The ${ask.agent} has ${plural(count, "question")}`,
        action: change ? "Decide" : "Answer",
      };
    }
    case "config":
      return {
        shown: { word: "Changed", tone: "waiting" },
        href: projectConfigHref(need.projectId),
        title: need.isGone
          ? `The configuration in the repository of ${need.projectName} is gone`
          : `The configuration in the repository of ${need.projectName} has changed`,
        reason: "What was trusted stays in force until you trust what it says now",
        action: "Look",
      };
    case "blocked": {
      const { failure, reason, id } = need.ticket;
      return {
        shown: { word: "Blocked", tone: "failed" },
        href: ticketHref(id),
        title: nameOf("ticket", need.ticket),
        reason: failure
          ? `${failureWords[failure]}. ${failureReasons[failure].mend}`
          : firstLine(reason, REASON_MAX_CHARS),
        action: "Unblock",
      };
    }
  }
}
