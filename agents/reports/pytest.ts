/** pytest, with tracebacks of any style. */
import type { CheckFailure } from "../../server/records.ts";
import {
  add,
  countOf,
  dedent,
  none,
  type Parser,
  report,
  REPORT_FAILURES,
  type Spot,
} from "./report.ts";

const summary =
  /^=*\s*((?:\d+ (?:failed|passed|skipped|deselected|xfailed|xpassed|warnings?|errors?|rerun|subtests passed)(?:, )?)+) in [\d.:]+s?/;
const sectionHead = /^_{3,} (.+?) _{3,}$/;

export const pytest: Parser = (lines) => {
  const summaries = lines.flatMap((line) => summary.exec(line)?.[1] ?? []);
  const empty = lines.some((line) => /^=+ no tests (?:ran|collected)/.test(line));
  if (summaries.length === 0 && !empty) return null;
  const counts = summaries.map((text) => ({
    passed: countOf(text, "passed", "xpassed"),
    failed: countOf(text, "failed", "error", "errors"),
    skipped: countOf(text, "skipped", "xfailed"),
  })).reduce(add, none);
  return report("pytest", counts, failuresIn(lines));
};

/** The tracebacks name the place, the short summary names the test: both are put together. */
function failuresIn(lines: readonly string[]): CheckFailure[] {
  const sections = sectionsIn(lines);
  const named = lines.flatMap((line) => {
    const [, kind, id, message] = /^(FAILED|ERROR) (\S.*?)(?: - (.*))?$/.exec(line) ?? [];
    return kind && id && /\.py\b/.test(id) ? [{ id, message: message ?? "" }] : [];
  });
  const failures = named.slice(0, REPORT_FAILURES).map(({ id, message }) => {
    const [file = "", ...test] = id.split("::");
    const section = sections.find(({ title }) => [test.join("."), file].includes(title));
    const name = test.join("::");
    return {
      file,
      ...(name && { test: name }),
      message,
      ...(section && fromTraceback(section.body)),
    };
  });
  if (failures.length > 0) return failures;
  return sections.slice(0, REPORT_FAILURES).map(({ title, body }) => ({
    test: title,
    message: "",
    ...fromTraceback(body),
  }));
}

/** Traceback by title, up to the next title or heading. */
function sectionsIn(lines: readonly string[]): { title: string; body: string[] }[] {
  const sections: { title: string; body: string[] }[] = [];
  let open = false;
  for (const line of lines) {
    const title = sectionHead.exec(line)?.[1];
    if (title) {
      const test = title.replace(/^ERROR (?:at (?:setup|teardown) of|collecting) /, "");
      sections.push({ title: test, body: [] });
      open = true;
    } else if (/^={3,} .* ={3,}$/.test(line)) open = false;
    else if (open) sections.at(-1)?.body.push(line);
  }
  return sections;
}

function fromTraceback(body: readonly string[]): Partial<CheckFailure> {
  const errors = body.flatMap((line) => /^E( .*)$/.exec(line)?.[1] ?? []);
  const spot = body.flatMap((line) => placeIn(line) ?? []).filter(isOwn).at(-1);
  const message = errors.length > 0
    ? dedent(errors)
    : body.filter((line) => line.trim()).at(-1) ?? "";
  return { ...spot, message };
}

function placeIn(line: string): Spot | null {
  const [, file, number] = /^(\S.*?\.py):(\d+): (?:in |\w|$)/.exec(line) ??
    /^\s*File "(.+?)", line (\d+)/.exec(line) ?? [];
  return file ? { file, line: Number(number) } : null;
}

const isOwn = ({ file }: Spot): boolean => !/\/(site-packages|lib\/python[\d.]+)\/|^</.test(file);
