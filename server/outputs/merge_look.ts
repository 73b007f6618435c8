/** What a merge would meet, as the API gives it. */
import { z } from "zod";
import { once } from "../once.ts";
import { commandNames, type MergeLook } from "../records.ts";

export const mergeLookSchema = once(() =>
  z.object({
    look: z.object({
      base_branch: z.string(),
      newer: z.number().int().describe("Commits of the base branch that the work does not have"),
      conflicts: z.array(z.string()).nullable()
        .describe("Files in which the two conflict; null: that shows when they are combined"),
      checks: z.array(z.object({ name: z.enum(commandNames), command: z.string() }))
        .describe("Run on the result where the base branch has moved on"),
      unsigned: z.boolean()
        .describe("The person's own commits there are signed, and what lands will not be"),
    }).nullable().describe("Null: there is nothing to merge yet"),
  }).meta({ id: "MergeLook" })
);

export const mergeLookJson = (
  look: MergeLook | null,
): z.infer<ReturnType<typeof mergeLookSchema>> => ({
  look: look && {
    base_branch: look.baseBranch,
    newer: look.newer,
    conflicts: look.conflicts,
    checks: look.checks.map(({ name, command }) => ({ name, command })),
    unsigned: look.unsigned,
  },
});
