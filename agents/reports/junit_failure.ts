/** What JUnit's XML says about one failed test case, in the manner of the runner that wrote it. */
import type { CheckFailure } from "../../server/records.ts";
import { javaSpot } from "./java_stack.ts";
import { fromTraceback } from "./pytest.ts";
import { firstOwnFrame, type Spot } from "./report.ts";
import { withoutControls } from "./terminal.ts";

export interface Case {
  attributes: Record<string, string>;
  /** Of the suite around it. */
  suite: Record<string, string>;
  /** Attribute and text of its failure. */
  message: string;
  text: string;
  /** End of what it printed: some runners say nothing more. */
  printed: string;
}

/** Longest line in which a place is looked for. */
const LINE_CHARS = 500;

/** The failure in the words and with the place that its runner's texts give. */
export function failureOf({ attributes, suite, message, text, printed }: Case): CheckFailure {
  const said = plain(message).trim();
  const body = plain(text.trim() || said || printed).trim();
  const lines = body.split("\n").map((line) => line.slice(0, LINE_CHARS));
  const { classname = "" } = attributes;
  const python = lines.some((line) => /^E {2}/.test(line)) ? fromTraceback(lines) : null;
  // Node wraps what a test threw, and shows the wrapping.
  const told = said && /^\[?Error \[ERR_TEST_FAILURE\]/.test(body) ? said : withoutStack(body);
  return {
    ...named(attributes, suite),
    ...(javaSpot(lines, classname) ?? vitestSpot(lines) ??
      firstOwnFrame(lines.filter((line) => /^\s*at /.test(line)))),
    ...python,
    test: plain(nameOf(attributes)),
    message: python?.message || (isIn(said, told) ? told : `${said}\n${told}`),
  };
}

/** Text without terminal codes, which many runners write as an entity that XML forbids. */
const plain = (text: string): string => withoutControls(text.replace(/&#(?:x1b|27);/gi, "\x1b"));

/** The file that the report names, or a class or suite that is written as a path. */
function named(attributes: Case["attributes"], suite: Case["suite"]): Partial<Spot> {
  const line = Number(attributes.line) || undefined;
  const file = attributes.file ?? suite.file ??
    [attributes.classname, suite.name].find((name = "") => /^[\w./@-]+\.[cm]?[jt]sx?$/.test(name));
  return { ...(file && { file, ...(line && { line }) }) };
}

/** Class and name, where the class says more than the name, and is no file. */
function nameOf({ classname = "", name = "" }: Case["attributes"]): string {
  const [test, owner] = [name.trim(), classname.trim()];
  const says = owner && owner !== "test" && !test.startsWith(owner) &&
    !/[\\/]|\.[cm]?[jt]sx?$/.test(owner);
  return says ? `${owner}.${test}` : test;
}

function vitestSpot(lines: readonly string[]): Spot | undefined {
  const [, file, line] = lines.map((text) => /^\s*❯ (?:.* )?([^\s():]+):(\d+):\d+$/.exec(text))
    .find((match) => match && !match[1]?.includes("node_modules/")) ?? [];
  return file ? { file, line: Number(line) } : undefined;
}

/** Whether the first line of the attribute stands in the text, too. */
const isIn = (said: string, told: string): boolean =>
  told.includes((said.split("\n")[0] ?? "").replace(/^Uncaught /, ""));

function withoutStack(text: string): string {
  const lines = text.split("\n");
  const stack = lines.findIndex((line) => /^\s+at \S|^\s*❯ \S+:\d+:\d+$/.test(line));
  return lines.slice(0, stack < 0 ? undefined : stack).join("\n").trim();
}
