/** What the forms of tickets and of starting show. */
import type {
  EditTicketPageProps,
  NewTicketPageProps,
  TypedForm,
} from "../../views/ticket_form.tsx";
import type { SplitTicketPageProps } from "../../views/ticket_split.tsx";
import type { StartRulesPageProps } from "../../views/start_rules.tsx";
import { calendarIn } from "../calendar.ts";
import { AppError } from "../errors.ts";
import type { StartRule, Subtask } from "../records.ts";
import { DEFAULT_PRIORITY } from "../states.ts";
import { getProject } from "../store/projects.ts";
import { listTicketRuns } from "../store/runs.ts";
import { ALL, getStartRule } from "../store/starts.ts";
import { listSubtasks } from "../store/subtasks.ts";
import { getTicket } from "../store/tickets.ts";
import { type PageRequest, shellOf } from "./shell.ts";

const shown = (values: Record<string, string>): TypedForm => ({
  values,
  message: null,
  errors: [],
});

export function newTicketPage(
  request: PageRequest,
  refused: TypedForm | null = null,
): NewTicketPageProps {
  const shell = shellOf(request);
  const project_id = request.projectId ?? shell.projects[0]?.id ?? "";
  const priority = String(DEFAULT_PRIORITY);
  return {
    shell,
    timeZone: calendarIn(request.app).timeZone,
    form: refused ?? shown({ project_id, priority, type: "feature" }),
  };
}

const isOpen = ({ status }: Subtask): boolean => status !== "done" && status !== "skipped";

/** Throws `conflict` for a ticket that is over. */
export function editTicketPage(
  request: PageRequest,
  id: string,
  refused: TypedForm | null = null,
): EditTicketPageProps {
  const { db } = request.app;
  const ticket = getTicket(db, id);
  if (ticket.status === "done" || ticket.status === "cancelled") {
    throw new AppError(
      "conflict",
      `Cannot change ticket #${ticket.number}: it is "${ticket.status}"`,
    );
  }
  const subtasks = listSubtasks(db, id).filter(isOpen);
  const values: Record<string, string> = {
    title: ticket.title,
    description: ticket.description,
    type: ticket.type,
    priority: String(ticket.priority),
    acceptance: ticket.acceptance.join("\n"),
  };
  for (const [index, { title, description, complexity }] of subtasks.entries()) {
    const row = index + 1;
    values[`title_${row}`] = title;
    values[`description_${row}`] = description;
    values[`complexity_${row}`] = complexity;
    values[`include_${row}`] = "1";
  }
  const atRest = ticket.status === "queued" || ticket.status === "blocked";
  return { shell: shellOf(request), ticket, subtasks, atRest, form: refused ?? shown(values) };
}

export function splitTicketPage(
  request: PageRequest,
  id: string,
  refused: (TypedForm & { chosen: string[] }) | null = null,
): SplitTicketPageProps {
  const { db } = request.app;
  const begun = new Set(listTicketRuns(db, id).map(({ subtaskId }) => subtaskId));
  const subtasks = listSubtasks(db, id)
    .filter((subtask) => subtask.status === "pending" && !begun.has(subtask.id));
  return {
    shell: shellOf(request),
    ticket: getTicket(db, id),
    subtasks,
    form: refused ?? shown({ needs: "new" }),
    chosen: refused?.chosen ?? [],
  };
}

/** The rule for all, and the one of the project that the page is narrowed to. */
export function startRulesPage(
  request: PageRequest,
  refused: (TypedForm & { scope: string }) | null = null,
): StartRulesPageProps {
  const { db } = request.app;
  const { timeZone } = calendarIn(request.app);
  const scopes = [{ scope: ALL, name: "All projects" }];
  if (request.projectId) {
    const { id, name } = getProject(db, request.projectId);
    scopes.push({ scope: id, name });
  }
  return {
    shell: shellOf(request),
    rules: scopes.map(({ scope, name }) => ({
      scope,
      name,
      form: refused?.scope === scope ? refused : shown(valuesOf(getStartRule(db, scope), timeZone)),
    })),
  };
}

const valuesOf = (
  { starts, atOnce, hours }: StartRule,
  timeZone: string,
): Record<string, string> => ({
  starts,
  at_once: String(atOnce),
  opens: hours?.opens ?? "",
  open_minutes: hours ? String(hours.openMinutes) : "",
  time_zone: hours?.timeZone ?? timeZone,
});
