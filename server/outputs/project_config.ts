/** What a repository says of its project's settings, as the API gives it. */
import { z } from "zod";
import { once } from "../once.ts";
import type { RepositoryConfig } from "../services/project_config.ts";

export const projectConfigSchema = once(() =>
  z.object({
    state: z.enum(["none", "untrusted", "trusted", "changed", "unreadable"]).describe(
      "`changed`: another text was trusted, and is in force",
    ),
    text: z.string().nullable().describe("Of .gaffer/config.yaml on the base branch; null: none"),
    hash: z.string().nullable().describe("Of exactly this text; trust is bound to it"),
    problem: z.string().nullable(),
    diff: z.string().nullable(),
    trusted: z.object({
      text: z.string(),
      hash: z.string(),
      settings: z.record(z.string(), z.number().int())
        .describe("Those that it sets, each with its line: they are refused elsewhere"),
      by: z.string(),
      at: z.string(),
    }).nullable(),
  }).meta({ id: "ProjectConfig" })
);

export const projectConfigJson = (
  { state, file, problem, diff, trusted }: RepositoryConfig,
): z.infer<ReturnType<typeof projectConfigSchema>> => ({
  ...{ state, problem, diff },
  text: file?.text ?? null,
  hash: file?.hash ?? null,
  trusted: trusted && {
    ...{ text: trusted.text, hash: trusted.hash, settings: trusted.lines },
    ...{ by: trusted.trustedBy, at: trusted.trustedAt },
  },
});
