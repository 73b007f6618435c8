/** What the API and the form take about a project's checks. */
import { z } from "zod";
import { checkFields, commandFields } from "../../agents/check_fields.ts";
import { SECOND_MS } from "../clock.ts";
import { once } from "../once.ts";
import type { CheckRules, CommandRules } from "../records.ts";

const commandRules = () => z.strictObject(commandFields());

const plain = { timeout_seconds: null, folder: "", env: {}, reports: [] };

export const checkRulesInput = once(() =>
  z.strictObject({
    ...checkFields(),
    commands: z.strictObject({
      setup: commandRules().default(plain),
      build: commandRules().default(plain),
      test: commandRules().default(plain),
    }).default({ setup: plain, build: plain, test: plain }),
  }).meta({ id: "NewCheckRules" })
);

type Input = z.output<ReturnType<typeof checkRulesInput>>;

export const rulesFrom = (input: Input): CheckRules => ({
  required: input.required,
  rerunFailed: input.rerun_failed,
  baselineBlocks: input.baseline_blocks,
  findingsBack: input.findings_back,
  baselineFirst: input.baseline_first,
  agentReviews: input.agent_reviews,
  commands: {
    setup: commandFrom(input.commands.setup),
    build: commandFrom(input.commands.build),
    test: commandFrom(input.commands.test),
  },
});

const commandFrom = (
  { timeout_seconds: seconds, ...rest }: Input["commands"]["test"],
): CommandRules => ({ ...rest, timeoutMs: seconds === null ? null : seconds * SECOND_MS });
