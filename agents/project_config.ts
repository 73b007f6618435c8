/** `.gaffer/config.yaml`: what a repository says of the project that Gaffer works on in it. It does nothing until it is trusted. */
import { z } from "zod";
import { SECOND_MS } from "../server/clock.ts";
import { once } from "../server/once.ts";
import {
  type CheckRules,
  type CommandName,
  commandNames,
  type CommandRules,
  PROJECT_CONFIG,
} from "../server/records.ts";
import { checkFields, commandFields } from "./check_fields.ts";
import { LOCAL_PATTERNS, whyNoLocalPattern } from "./git/local_files.ts";
import { readYaml } from "./yaml_file.ts";

/** Longest such file, in characters. */
const CONFIG_CHARS = 100_000;
const COMMAND_CHARS = 2_000;

/** What the file says; what it does not name is absent. */
export interface ProjectConfig {
  /** Empty text: the project has no such command. */
  commands: Partial<Record<CommandName, string>>;
  rules: Partial<Record<CommandName, Partial<CommandRules>>>;
  checks: Partial<Omit<CheckRules, "commands">>;
  localFiles?: string[];
  /** Line of each setting that it names; for the names see `SettingKey`. */
  lines: Record<string, number>;
}

const command = () =>
  z.preprocess(
    (value) => typeof value === "string" ? { run: value } : value,
    z.strictObject({
      // As in the project's own field, which shows it.
      run: z.string().trim().max(COMMAND_CHARS).regex(/^[^\0\r\n]*$/, {
        error: "one line: join several commands with &&, or put them into a script",
      }).optional(),
      ...commandFields(),
    }),
  ).optional();

const schema = once(() =>
  z.strictObject({
    commands: z.strictObject({ setup: command(), build: command(), test: command() }).optional(),
    checks: z.strictObject(checkFields()).optional(),
    local_files: z.array(
      z.string().trim().refine((text) => whyNoLocalPattern(text) === null, {
        error: ({ input }) => `a path of the repository: ${whyNoLocalPattern(String(input))}`,
      }),
    ).max(LOCAL_PATTERNS).optional(),
  })
);

/** Of the file, with what it is called elsewhere. */
const ofCommand = {
  timeout_seconds: "timeoutMs",
  folder: "folder",
  env: "env",
  reports: "reports",
} as const;
const ofChecks = {
  required: "required",
  rerun_failed: "rerunFailed",
  baseline_blocks: "baselineBlocks",
  findings_back: "findingsBack",
  baseline_first: "baselineFirst",
  agent_reviews: "agentReviews",
} as const;

/** Names a setting: a command's text is "test", its folder "test.folder", of the checks "required", and "localFiles". */
type SettingKey = string;

/** Throws `invalid` with line, key and what was expected of all that is wrong. */
export function readProjectConfig(text: string): ProjectConfig {
  const { data, lineOf, refuse } = readYaml(text, {
    ...{ what: PROJECT_CONFIG, schema: schema(), maxChars: CONFIG_CHARS },
  });
  const config: ProjectConfig = { commands: {}, rules: {}, checks: {}, lines: {} };
  const says = (key: SettingKey, ...path: string[]): boolean => {
    const line = lineOf(path);
    if (line !== null) config.lines[key] = line;
    return line !== null;
  };
  for (const name of commandNames) {
    const said = data.commands?.[name];
    if (!said) continue;
    const at = ["commands", name];
    if (said.run !== undefined) {
      // Without rules a command is its text alone.
      says(name, ...lineOf([...at, "run"]) === null ? at : [...at, "run"]);
      config.commands[name] = said.run;
    }
    const all: CommandRules = {
      timeoutMs: said.timeout_seconds === null ? null : said.timeout_seconds * SECOND_MS,
      ...{ folder: said.folder, env: said.env, reports: said.reports },
    };
    const rules = Object.entries(ofCommand)
      .filter(([key, own]) => says(`${name}.${own}`, ...at, key))
      .map(([, own]) => [own, all[own]]);
    if (rules.length > 0) config.rules[name] = Object.fromEntries(rules);
  }
  const { checks } = data;
  if (checks) {
    const named = Object.entries(ofChecks).filter(([key, own]) => says(own, "checks", key));
    config.checks = Object.fromEntries(
      named.map(([key, own]) => [own, checks[key as keyof typeof ofChecks]]),
    );
  }
  if (says("localFiles", "local_files")) config.localFiles = data.local_files;
  // A value of that form is one of the environment that Gaffer runs in, its keys among them: a person's own word.
  const wrong = commandNames.flatMap((name) =>
    Object.entries(data.commands?.[name]?.env ?? {}).flatMap(([variable, value]) => {
      const message = value.startsWith("$")
        ? `expected no value of Gaffer's own environment, got "${value}"`
        : value.trim() !== value || /[\r\n]/.test(value)
        ? "expected one line without spaces around it"
        : null;
      return message === null ? [] : [{ path: ["commands", name, "env", variable], message }];
    })
  );
  if (wrong.length > 0) throw refuse(wrong);
  return config;
}
