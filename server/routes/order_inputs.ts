/** What the API and the forms take about the order of tickets. */
import { z } from "zod";
import {
  newTicketInput,
  subtasksInput,
  ticketChangesInput,
  TITLE_MAX_CHARS,
  wholeNumber,
} from "../inputs.ts";
import { once } from "../once.ts";
import { NEEDS_MAX } from "../services/needs.ts";
import { BULK_MAX, bulkActions } from "../services/ticket_bulk.ts";
import { startModes, ticketTypes } from "../states.ts";

const id = () => z.string().min(1).max(64);
const criteria = () => z.array(z.string().trim().min(1).max(500)).max(12);
const starts = () =>
  z.enum(startModes).nullable()
    .describe("`hand`: only when a person starts it; null: by the rule of its project");
const notBefore = () =>
  z.string().max(40).nullable().describe("A time with its zone; null: at any time");

/** A ticket made by hand, with what it needs and when it starts. */
export const ticketMakingInput = once(() =>
  newTicketInput().extend({
    needs: z.array(id()).max(NEEDS_MAX).optional().describe("Tickets that must be done before"),
    starts: starts().optional(),
    not_before: notBefore().optional(),
  }).meta({ id: "NewTicketByHand" })
);

export const ticketEditInput = once(() =>
  ticketChangesInput().extend({
    type: z.enum(ticketTypes).optional(),
    acceptance: criteria().optional(),
    subtasks: z.array(
      subtasksInput().element.extend({
        id: id().optional().describe("Of one that the ticket has; without it, it is a new one"),
      }),
    ).max(50).optional().describe("All that are still to be done, in order"),
  }).meta({ id: "TicketEdit" })
);

export const needInput = once(() => z.strictObject({ ticket_id: id() }).meta({ id: "TicketNeed" }));

export const ticketStartInput = once(() =>
  z.strictObject({ starts: starts().optional(), not_before: notBefore().optional() })
    .meta({ id: "TicketStart" })
);

export const splitInput = once(() =>
  z.strictObject({
    title: z.string().trim().min(1, "Write a title").max(TITLE_MAX_CHARS),
    description: z.string().trim().max(50_000).optional(),
    subtasks: z.array(id()).min(1, "Choose what goes to the new ticket").max(50)
      .describe("Open ones that nobody has begun"),
    acceptance: criteria().default([]).describe("Criteria that go along, by their words"),
    needs: z.enum(["none", "new", "old"]).default("none")
      .describe("Which of the two starts only when the other is done"),
  }).meta({ id: "TicketSplit" })
);

export const bulkInput = once(() =>
  z.strictObject({
    ids: z.array(id()).min(1, "Choose at least one ticket").max(BULK_MAX),
    action: z.enum(bulkActions),
    priority: wholeNumber(0, 3).optional(),
  }).refine(({ action, priority }) => action !== "priority" || priority !== undefined, {
    message: "Choose a priority",
    path: ["priority"],
  }).meta({ id: "TicketBulk" })
);

const MINUTES_OF_A_WEEK = 10_080;

export const startRuleInput = once(() =>
  z.strictObject({
    starts: z.enum(startModes).default("auto"),
    at_once: z.coerce.number("Write a number").int().min(0).max(1_000).default(0)
      .describe("Tickets in progress at the same time; 0: any number"),
    hours: z.strictObject({
      opens: z.string().trim().min(1, "Write when they begin").max(100).describe(
        "Cron, five parts: when the hours begin",
      ),
      open_minutes: z.coerce.number("Write how many minutes").int()
        .min(1, "Write how many minutes they last").max(MINUTES_OF_A_WEEK),
      time_zone: z.string().trim().min(1).max(64).default("UTC"),
    }).nullable().default(null).describe("Tickets start only within; null: at any time"),
  }).meta({ id: "NewStartRule" })
);
