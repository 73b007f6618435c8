/** What may be said of how a project's commands run and what counts as evidence: over the API, in a form, in a template. */
import { z } from "zod";
import { commandNames } from "../server/records.ts";
import { LOCAL_PATTERNS, whyNoLocalPattern } from "./git/local_files.ts";

/** Longest that a command may take: a job runs up to five of them, and ends after a day. */
export const COMMAND_SECONDS_MAX = 14_400;
const VARIABLES_MAX = 100;
const VALUE_MAX_CHARS = 4_000;

const inside = (what: string) => ({ input }: { input?: unknown }) =>
  `"${input}" ${what}: ${whyNoLocalPattern(String(input))}`;

/** Written as people do: "./web/" is "web". */
const folder = () =>
  z.string().trim().transform((text) => text.replace(/^(\.\/)+|^\.$/, "").replace(/\/+$/, ""))
    .refine((text) => text === "" || whyNoLocalPattern(text) === null, {
      error: inside("is no folder of the repository"),
    });

const seconds = () => {
  const error = `Write whole seconds from 1 to ${COMMAND_SECONDS_MAX}, or nothing`;
  return z.number({ error }).int({ error }).min(1, { error }).max(COMMAND_SECONDS_MAX, { error });
};

const wrongName = (all: unknown): string | undefined =>
  Object.keys(all as object).find((name) => !/^[A-Za-z_][A-Za-z0-9_]{0,99}$/.test(name));

const env = () =>
  z.record(
    z.string(),
    z.string().max(VALUE_MAX_CHARS).refine((text) => !text.includes("\0"), {
      error: "A value may have no zero bytes in it",
    }),
  ).refine((all) => wrongName(all) === undefined, {
    error: ({ input }) =>
      `"${wrongName(input)}" is no name of a variable: use letters, digits and _`,
  }).refine((all) => Object.keys(all).length <= VARIABLES_MAX, {
    error: `Name at most ${VARIABLES_MAX} variables`,
  });

/** Of one command. */
export const commandFields = () => ({
  timeout_seconds: seconds().nullable().default(null).describe("Null: as long as by default"),
  folder: folder().default("").describe("Relative to the repository's root, which empty is"),
  env: env().default({}).describe(
    'Variables; a value "$NAME" is that of Gaffer\'s own environment, and masked in what is printed',
  ),
  reports: z.array(
    z.string().trim().refine((text) => whyNoLocalPattern(text) === null, {
      error: inside("names no file of the repository"),
    }),
  ).max(LOCAL_PATTERNS).default([]).describe(
    "JUnit files that it writes, as globs from the repository's root: `reports/*.xml`",
  ),
});

/** Of all of a project's checks. */
export const checkFields = () => ({
  required: z.array(z.enum(commandNames)).max(commandNames.length).default([])
    .describe("Steps that no ticket may do without: without such a command none starts"),
  rerun_failed: z.boolean().default(true).describe(
    "A check that failed in tests alone is run once more on the same commit",
  ),
  baseline_blocks: z.boolean().default(false).describe(
    "What failed before any change has to be mended by the ticket",
  ),
  findings_back: z.boolean().default(false).describe(
    "The reviewer's blocking findings go back to the developer once",
  ),
  baseline_first: z.boolean().default(true).describe(
    "Build and tests run on the untouched base before anyone works; without it only once something fails",
  ),
  agent_reviews: z.boolean().default(true).describe(
    "The reviewer reads a ticket before a person does; without it a person alone reviews",
  ),
});
