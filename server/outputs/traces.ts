/** Where commits and lines come from, as the API gives it. */
import { z } from "zod";
import { once } from "../once.ts";
import type { Trace } from "../services/tracing.ts";
import { questionStatuses, runStatuses, ticketStatuses } from "../states.ts";
import { traceRelations } from "../store/traces.ts";
import { id } from "./common.ts";

const subject = () => ({ id: id(), number: z.number().int(), title: z.string() });

export const traceSchema = once(() =>
  z.object({
    commit: z.string(),
    subject: z.string(),
    author: z.string(),
    at: z.string().describe("As the commit has it, with its zone"),
    line: z.object({ path: z.string(), line: z.number().int(), text: z.string() }).nullable()
      .describe("Where the line was in that commit; null: none was asked about"),
    ticket: z.object({ ...subject(), status: z.enum(ticketStatuses) }).nullable()
      .describe("Null: no ticket of this project is known for it"),
    relation: z.enum(traceRelations).nullable().describe(
      "What the commit is to the ticket; message: nothing but its own trailer says so",
    ),
    undone_by: z.string().nullable().describe("The commit that took the ticket's merge back"),
    turns: z.array(z.object({
      commit: z.string(),
      run_id: id(),
      agent: z.string(),
      purpose: z.string(),
      status: z.enum(runStatuses),
      turn: z.number().int(),
      event: z.number().int().describe("Number of the event in its run"),
      subtask: z.object({ id: id(), position: z.number().int(), title: z.string() }).nullable(),
    })).describe("The turns that brought it, newest first"),
    idea: z.object(subject()).nullable(),
    questions: z.array(z.object({
      id: id(),
      number: z.number().int(),
      text: z.string(),
      status: z.enum(questionStatuses),
      answer: z.string(),
    })),
  }).meta({ id: "Trace" })
);

export const traceJson = (trace: Trace): z.infer<ReturnType<typeof traceSchema>> => {
  const { commit, line, ticket, relation, undo, turns, idea, questions } = trace;
  return {
    commit: commit.commit,
    subject: commit.subject,
    author: commit.author,
    at: commit.at,
    line,
    ticket: ticket &&
      { id: ticket.id, number: ticket.number, title: ticket.title, status: ticket.status },
    relation,
    undone_by: undo?.commit ?? null,
    turns: turns.map(({ commit, run, turn, number, subtask }) => ({
      commit,
      run_id: run.id,
      agent: run.agent,
      purpose: run.purpose,
      status: run.status,
      turn,
      event: number,
      subtask: subtask &&
        { id: subtask.id, position: subtask.position, title: subtask.title },
    })),
    idea: idea && { id: idea.id, number: idea.number, title: idea.title },
    questions: questions.map(({ id, number, text, status, answer }) => ({
      id,
      number,
      text,
      status,
      answer,
    })),
  };
};
