/** What holds between the parts of a project template. */
import { whyNoProjectPath } from "./paths.ts";
import { isCheck, saysMore } from "./checks.ts";
import { builtInKeys, listKeys, unknownPlaceholders } from "./placeholders.ts";
import type { Conditions, ProjectTemplate } from "./template.ts";

/** What is wrong, and where. */
export interface RuleBroken {
  path: PropertyKey[];
  message: string;
}

/** What the parts of a template, each right by itself, must not say of each other. */
export function rulesBroken(template: ProjectTemplate, maxChars: number): RuleBroken[] {
  const { questions, commands, agents, files, planning, paths } = template;
  const keys = new Set<string>(builtInKeys);
  const problems: RuleBroken[] = [];
  const say = (path: PropertyKey[], message: string) => void problems.push({ path, message });
  const conditionsOf = (path: PropertyKey[], when: Conditions | undefined) => {
    for (const [key, values] of Object.entries(when ?? {})) {
      const asked = questions.find((question) => question.key === key);
      const known = asked?.type === "choice"
        ? asked.choices.map(({ value }) => value)
        : asked?.type === "yes_no"
        ? ["yes", "no"]
        : null;
      const at = [...path, "when", key];
      if (known === null) say(at, "expected the key of a question with choices, or of yes or no");
      else {
        const strange = [values].flat().find((value) => !known.includes(value));
        if (strange !== undefined) {
          say(at, `expected one of ${known.join(", ")}, got "${strange}"`);
        }
      }
    }
  };
  const placeholdersOf = (path: PropertyKey[], text: string) => {
    const strange = unknownPlaceholders(text, keys);
    if (strange !== null) say(path, `expected only {{${[...keys].join("}}, {{")}}}: ${strange}`);
  };
  for (const [index, question] of questions.entries()) {
    const path = ["questions", index];
    if (keys.has(question.key)) {
      say([...path, "key"], `expected another key: "${question.key}" is taken`);
    }
    keys.add(question.key);
    conditionsOf(path, question.when);
    if (
      question.type === "choice" && !question.choices.some((c) => c.value === question.default)
    ) {
      const values = question.choices.map(({ value }) => value).join(", ");
      say([...path, "default"], `expected one of ${values}, got "${question.default}"`);
    }
  }
  for (const [index, command] of commands.entries()) {
    const path = ["commands", index];
    conditionsOf(path, command.when);
    placeholdersOf([...path, "run"], command.run);
    if (saysMore(command) && !isCheck(command.name)) {
      say(
        path,
        "expected a time limit, folder, variables and reports at setup, build and test alone",
      );
    }
    // A value of that form is one of the environment that Gaffer runs in, its keys among them: a person's own word.
    const secret = Object.entries(command.env).find(([, value]) => value.startsWith("$"));
    if (secret) {
      say(
        [...path, "env", secret[0]],
        `expected no value of Gaffer's own environment, got "${secret[1]}"`,
      );
    }
    if (/["']\{\{|\}\}["']/.test(command.run)) {
      say([...path, "run"], "expected no quotes around {{…}}: what is put there is quoted itself");
    }
  }
  for (const [index, folder] of template.toolchains.entries()) {
    placeholdersOf(["toolchains", index], folder);
  }
  for (const [index, { when, path: place, what }] of paths.entries()) {
    conditionsOf(["paths", index], when);
    placeholdersOf(["paths", index, "path"], place);
    placeholdersOf(["paths", index, "what"], what);
  }
  for (const [index, agent] of agents.entries()) {
    const path = ["agents", index];
    conditionsOf(path, agent.when);
    if (agent.definition === undefined && agent.prompt === undefined) {
      say(path, 'expected a "prompt", or the whole "definition"');
    }
    placeholdersOf([...path, "prompt"], agent.prompt ?? "");
    if (agent.fill) placeholdersOf([...path, "definition"], agent.definition ?? "");
  }
  for (const part of ["files", "planning"] as const) {
    for (const [index, { path: place, text, fill, when }] of template[part].entries()) {
      const path = [part, index];
      conditionsOf(path, when);
      const why = whyNoProjectPath(place.replace(/\{\{[\w|]+\}\}/g, "x"));
      if (why !== null) say([...path, "path"], `expected a path in the project: ${why}`);
      placeholdersOf([...path, "path"], place);
      for (const list of listKeys) keys.add(list);
      if (fill) placeholdersOf([...path, "text"], text);
      for (const list of listKeys) keys.delete(list);
    }
  }
  for (const needed of ["CLAUDE.md", ".gitignore"]) {
    if (!files.some(({ path }) => path === needed)) say(["files"], `expected a "${needed}"`);
  }
  const total = [...files, ...planning].reduce((sum, { text }) => sum + text.length, 0);
  if (total > maxChars) {
    say(["files"], `expected at most ${maxChars} characters in all, got ${total}`);
  }
  return problems;
}
