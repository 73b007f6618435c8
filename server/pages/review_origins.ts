/** What the changes of a ticket were made for, by the runs that committed them. */
import type { Origin } from "../../views/diff_origin.tsx";
import { unknownOrigin } from "../../views/diff_origin.tsx";
import { ideaHref, runHref } from "../../views/links.ts";
import { plural } from "../../views/format.ts";
import type { App } from "../app.ts";
import type { Run, Ticket } from "../records.ts";
import { findIdea } from "../store/ideas.ts";
import { listQuestions } from "../store/questions.ts";
import { type Checkpointed, listApplied, listCheckpoints } from "../store/review_marks.ts";
import { listTicketRuns } from "../store/runs.ts";
import { listSubtasks } from "../store/subtasks.ts";

/** Answers by path, for a whole file, and by commit, for some of its lines. */
export interface TicketOrigins {
  /** By path: each purpose once, the newest first. */
  byPath: Map<string, Origin[]>;
  of(commit: string): Origin;
}

/** Purposes that one file names. */
const PER_FILE = 6;

/** Reads what is on record: no git is asked. */
export function originsOfTicket(app: App, ticket: Ticket): TicketOrigins {
  const runs = new Map(listTicketRuns(app.db, ticket.id).map((run) => [run.id, run]));
  const subtasks = new Map(listSubtasks(app.db, ticket.id).map((s) => [s.id, s]));
  const idea = ideaOf(app, ticket);
  const describe = ({ runId, turn, number }: Checkpointed): Origin => {
    const run = runs.get(runId);
    const subtask = run?.subtaskId ? subtasks.get(run.subtaskId) : undefined;
    return {
      words: subtask ? `subtask ${subtask.position}: ${subtask.title}` : wordsOf(run),
      href: `${runHref(runId)}?all=1#e${number}`,
      by: run ? `turn ${turn} of ${run.agent}` : "",
      idea,
    };
  };
  const checkpoints = listCheckpoints(app.db, ticket.id);
  const known = new Map(checkpoints.map((point) => [point.commit, describe(point)]));
  for (const { commit, by } of listApplied(app.db, ticket.id)) {
    known.set(commit, { words: `a suggestion of ${by}`, href: null, by: "", idea: null });
  }
  const byPath = new Map<string, Origin[]>();
  for (const point of checkpoints) {
    const origin = known.get(point.commit)!;
    for (const path of point.files) {
      const all = byPath.get(path) ?? [];
      if (all.length >= PER_FILE || all.some(({ words }) => words === origin.words)) continue;
      byPath.set(path, [...all, origin]);
    }
  }
  return { byPath, of: (commit) => known.get(commit) ?? unknownOrigin(commit) };
}

function wordsOf(run: Run | undefined): string {
  if (run?.purpose === "fix") return "mending what the checks found";
  if (run?.purpose === "change") return "the changes that a person asked for";
  return "the ticket";
}

function ideaOf({ db }: App, { ideaId }: Ticket): Origin["idea"] {
  const idea = ideaId ? findIdea(db, ideaId) : null;
  if (!idea) return null;
  const answers = listQuestions(db, idea.id).filter(({ status }) => status === "answered").length;
  const more = answers > 0 ? ` and ${plural(answers, "answer")}` : "";
  return { href: ideaHref(idea.id), words: `idea #${idea.number}${more}` };
}
