/** How a project's commands run and what counts as evidence, and its flaky tests, as the API gives them. */
import { z } from "zod";
import { SECOND_MS } from "../clock.ts";
import { once } from "../once.ts";
import { type CheckRules, commandNames, type CommandRules, type FlakyTest } from "../records.ts";
import { id, time } from "./common.ts";

const commandSchema = () =>
  z.object({
    timeout_seconds: z.number().nullable(),
    folder: z.string(),
    env: z.record(z.string(), z.string()),
    reports: z.array(z.string()),
  });

export const checkRulesSchema = once(() =>
  z.object({
    required: z.array(z.enum(commandNames)),
    rerun_failed: z.boolean(),
    baseline_blocks: z.boolean(),
    findings_back: z.boolean(),
    baseline_first: z.boolean(),
    agent_reviews: z.boolean(),
    commands: z.object({ setup: commandSchema(), build: commandSchema(), test: commandSchema() }),
  }).meta({ id: "CheckRules" })
);

export const checkRulesJson = (
  rules: CheckRules,
): z.infer<ReturnType<typeof checkRulesSchema>> => ({
  required: rules.required,
  rerun_failed: rules.rerunFailed,
  baseline_blocks: rules.baselineBlocks,
  findings_back: rules.findingsBack,
  baseline_first: rules.baselineFirst,
  agent_reviews: rules.agentReviews,
  commands: {
    setup: commandJson(rules.commands.setup),
    build: commandJson(rules.commands.build),
    test: commandJson(rules.commands.test),
  },
});

const commandJson = ({ timeoutMs, folder, env, reports }: CommandRules) => ({
  timeout_seconds: timeoutMs === null ? null : timeoutMs / SECOND_MS,
  folder,
  env,
  reports,
});

export const flakyTestSchema = once(() =>
  z.object({
    file: z.string().describe("Empty where its runner names none"),
    test: z.string(),
    times: z.number().int(),
    first_at: time(),
    last_at: time(),
    ticket_id: id().describe("Where it was seen last"),
  }).meta({ id: "FlakyTest" })
);

export const flakyTestJson = (t: FlakyTest): z.infer<ReturnType<typeof flakyTestSchema>> => ({
  file: t.file,
  test: t.test,
  times: t.times,
  first_at: t.firstAt,
  last_at: t.lastAt,
  ticket_id: t.ticketId,
});
