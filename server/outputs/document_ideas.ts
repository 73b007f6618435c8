/** What of planning documents can become ideas, as the API gives it. */
import { z } from "zod";
import { once } from "../once.ts";
import type { KnownIdea, OfferedItem } from "../services/document_ideas.ts";
import { ideaStatuses } from "../states.ts";
import { id } from "./common.ts";

const knownSchema = once(() =>
  z.object({
    idea_id: id(),
    number: z.number().int(),
    title: z.string(),
    status: z.enum(ideaStatuses),
  }).meta({ id: "DocumentIdea" })
);

const knownJson = ({ ideaId, number, title, status }: KnownIdea) => ({
  idea_id: ideaId,
  number,
  title,
  status,
});

export const offeredItemSchema = once(() =>
  z.object({
    key: z.string().describe("Names it when ideas are made"),
    title: z.string(),
    description: z.string(),
    section: z.string().describe("Title of the heading that it stands below"),
    line: z.number().int().describe("Of the file, counted from 0"),
    done: z.boolean().nullable().describe("Of a checklist or a table's state; null: neither"),
    references: z.array(z.object({ kind: z.enum(["idea", "ticket"]), number: z.number().int() }))
      .describe("What it names"),
    made: knownSchema().nullable().describe("The idea that was made of it before"),
    like: knownSchema().extend({ why: z.enum(["reworded", "same title"]) }).nullable()
      .describe("Another one that says much the same"),
  }).meta({ id: "DocumentItem" })
);

export const offeredItemJson = (
  { key, title, description, section, line, done, references, made, like }: OfferedItem,
): z.infer<ReturnType<typeof offeredItemSchema>> => ({
  ...{ key, title, description, section, line, done, references },
  made: made && knownJson(made),
  like: like && { ...knownJson(like.idea), why: like.why },
});
