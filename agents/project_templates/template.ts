/**
 * A project template: what a new project begins with, as one YAML file. What Gaffer brings along, what a person makes of
 * a project, and what is exported and imported all have this one form, and are read by this one reader.
 */
import { stringify } from "yaml";
import { z } from "zod";
import { once } from "../../server/once.ts";
import { checkFields, commandFields } from "../check_fields.ts";
import { answerForms } from "./placeholders.ts";
import { readYaml } from "../yaml_file.ts";
import { rulesBroken } from "./rules.ts";

/** Largest template, in characters of its file. */
export const TEMPLATE_MAX_CHARS = 1_000_000;
/** Most files of one template, and the most characters of each. */
export const TEMPLATE_FILES_MAX = 200;
export const TEMPLATE_FILE_MAX_CHARS = 256_000;
const QUESTIONS_MAX = 20;
const CHOICES_MAX = 20;
const COMMANDS_MAX = 20;
const AGENTS_MAX = 20;
const PATHS_MAX = 50;
const TAGS_MAX = 10;
const VERSION = 1;

const line = (max: number) => z.string().trim().regex(/^[^\p{Cc}\u2028\u2029]+$/u).min(1).max(max);
const key = () => z.string().regex(/^[a-z][a-z0-9_]{0,29}$/);
const name = () => z.string().regex(/^[a-z][a-z0-9-]{0,39}$/);
const text = (max = TEMPLATE_FILE_MAX_CHARS) =>
  // deno-lint-ignore no-control-regex -- a null character is what must be refused
  z.string().max(max).regex(/^[^\u0000]*$/);

/** By key: "all of these answers"; a list: "one of them". */
const conditions = () => z.record(key(), z.union([z.string(), z.array(z.string()).min(1)]));
const when = () => conditions().optional().describe('answers, such as {runtime: "deno"}');

const question = () =>
  z.discriminatedUnion("type", [
    z.strictObject({
      key: key(),
      label: line(100),
      hint: line(300).optional(),
      type: z.literal("text"),
      form: z.enum(answerForms).default("line"),
      default: z.string().max(200).default(""),
      required: z.boolean().default(true),
      when: when(),
    }),
    z.strictObject({
      key: key(),
      label: line(100),
      hint: line(300).optional(),
      type: z.literal("choice"),
      choices: z.array(z.strictObject({
        value: z.string().regex(/^[a-z0-9][a-z0-9._-]{0,39}$/),
        label: line(100),
      })).min(2).max(CHOICES_MAX),
      default: z.string(),
      when: when(),
    }),
    z.strictObject({
      key: key(),
      label: line(100),
      hint: line(300).optional(),
      type: z.literal("yes_no"),
      default: z.boolean().default(false),
      when: when(),
    }),
  ]);

const schema = once(() =>
  z.strictObject({
    gaffer_template: z.literal(VERSION).describe(`${VERSION}: the version of this form`),
    id: name().describe("at most 40 lower-case letters, digits and hyphens, a letter first"),
    name: line(80).describe("its name for people, at most 80 characters"),
    about: line(300).describe("what it is for: one line, at most 300 characters"),
    tags: z.array(line(40)).max(TAGS_MAX).default([]),
    needs: z.array(line(200)).max(PATHS_MAX).default([])
      .describe("what has to be installed, a line each"),
    questions: z.array(question()).max(QUESTIONS_MAX).default([]),
    commands: z.array(z.strictObject({
      name: name(),
      run: line(2_000),
      why: line(300).optional(),
      when: when(),
      ...commandFields(),
    })).max(COMMANDS_MAX).default([]),
    /** What counts as evidence for the tickets of its projects. */
    checks: z.strictObject(checkFields()).optional(),
    /** The setup command needs the network: a person is asked for it. */
    setup_network: z.boolean().default(false),
    /** Folders with tools that its sandboxes are shown; a person is asked for them. */
    toolchains: z.array(line(400)).max(PATHS_MAX).default([]),
    /** Ignored files that worktrees get a copy of. */
    local_files: z.array(line(200)).max(PATHS_MAX).default([]),
    paths: z.array(z.strictObject({ path: line(200), what: line(300), when: when() }))
      .max(PATHS_MAX).default([]),
    agents: z.array(z.strictObject({
      name: name(),
      /** A built-in agent, whose definition this one goes on from. */
      base: name().optional(),
      description: line(500).optional(),
      /** Of the definition's front matter. */
      keys: z.record(z.string(), z.unknown()).default({}),
      prompt: text(60_000).min(1).optional(),
      /** The whole file, in place of all the others. */
      definition: text(64_000).min(1).optional(),
      /** The definition's prompt and description have places, as a `prompt` always may. */
      fill: z.boolean().default(false),
      when: when(),
    })).max(AGENTS_MAX).default([]),
    /** Documents of its `planning/` folder. */
    planning: z.array(z.strictObject({
      path: line(200),
      text: text(),
      fill: z.boolean().default(true),
      when: when(),
    })).max(TEMPLATE_FILES_MAX).default([]),
    files: z.array(z.strictObject({
      path: line(200),
      text: text(),
      executable: z.boolean().default(false),
      fill: z.boolean().default(true),
      when: when(),
    })).min(1).max(TEMPLATE_FILES_MAX),
  })
);

/** All of a template, validated. */
export type ProjectTemplate = z.output<ReturnType<typeof schema>>;
export type TemplateQuestion = ProjectTemplate["questions"][number];
export type Conditions = z.output<ReturnType<typeof conditions>>;
/** What `writeTemplate` takes: what has a default may be left out. */
export type TemplateInput = z.input<ReturnType<typeof schema>>;

/**
 * Reads a template's file (YAML, and so JSON too). Throws `invalid` with the file, the key and what was expected of
 * everything that is wrong, at most `PROBLEMS_MAX` of it.
 */
export function readTemplate(source: string, file: string): ProjectTemplate {
  const { data, refuse } = readYaml(source, {
    ...{ what: `the template ${file}`, schema: schema(), maxChars: TEMPLATE_MAX_CHARS },
  });
  const problems = rulesBroken(data, TEMPLATE_MAX_CHARS);
  if (problems.length > 0) throw refuse(problems);
  return data;
}

/** The template as a file that `readTemplate` takes. */
export const writeTemplate = (template: TemplateInput): string =>
  stringify(template, { lineWidth: 0, blockQuote: "literal", aliasDuplicateObjects: false });
