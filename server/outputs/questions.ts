/** Questions of agents, as the API gives them: those of ideas and those about documents have most in common. */
import { z } from "zod";
import { once } from "../once.ts";
import type { AskedQuestion, PlanningQuestion, Question } from "../records.ts";
import { questionStatuses } from "../states.ts";
import { id, time } from "./common.ts";

const askedFields = () => ({
  number: z.number().int(),
  text: z.string(),
  why: z.string(),
  options: z.array(z.string()),
  status: z.enum(questionStatuses),
  answer: z.string(),
  asked_by: z.string(),
  created_at: time(),
  decided_at: time().nullable(),
});

const askedJson = (q: AskedQuestion) => ({
  number: q.number,
  text: q.text,
  why: q.why,
  options: q.options,
  status: q.status,
  answer: q.answer,
  asked_by: q.askedBy,
  created_at: q.createdAt,
  decided_at: q.decidedAt,
});

export const questionSchema = once(() =>
  z.object({ id: id(), idea_id: id(), ...askedFields() }).meta({ id: "Question" })
);

export const questionJson = (q: Question): z.infer<ReturnType<typeof questionSchema>> => ({
  id: q.id,
  idea_id: q.ideaId,
  ...askedJson(q),
});

export const planningQuestionSchema = once(() =>
  z.object({ id: id(), ask_id: id(), ...askedFields() }).meta({ id: "PlanningQuestion" })
);

export const planningQuestionJson = (
  q: PlanningQuestion,
): z.infer<ReturnType<typeof planningQuestionSchema>> => ({
  id: q.id,
  ask_id: q.askId,
  ...askedJson(q),
});
