/** pytest, with tracebacks of any style. */
import type { CheckFailure } from "../../server/records.ts";
import {
  add,
  banneredSpans,
  countOf,
  type Counts,
  dedent,
  linesLike,
  none,
  ownSpans,
  type Parser,
  report,
  REPORT_FAILURES,
  type Span,
  type Spot,
} from "./report.ts";

const summary =
  /^(?:=+ )?((?:\d+ (?:failed|passed|skipped|deselected|xfailed|xpassed|warnings?|errors?|rerun|subtests passed)(?:, )?)+) in [\d.:]+s?/;
const banner = /^=+ test session starts =+$/;
const sectionHead = /^_{3,} (.+?) _{3,}$/;

export const pytest: Parser = (lines) => {
  const banners = linesLike(lines, banner);
  const decorated = framedSummaries(lines);
  const framed = banneredSpans(lines, { banners, summaries: decorated, sign: heading });
  const spans = banners.length > 0 || framed.length > 0
    ? framed
    : quietSpans(lines, decorated.at(-1) ?? -1);
  if (spans.length === 0) return null;
  const counts = spans.map(({ to }) => countsIn(lines[to] ?? "")).reduce(add, none);
  const failures = spans.flatMap(({ from, to }) => failuresIn(lines.slice(from, to)));
  return { report: report("pytest", counts, failures), spans };
};

/** Of a session, no summary counts more tests than were collected at its beginning. */
function framedSummaries(lines: readonly string[]): number[] {
  let collected: number | null = null;
  return lines.flatMap((line, at) => {
    if (banner.test(line)) collected = null;
    const items = /^collected (\d{1,9}) items?\b/.exec(line)?.[1];
    if (items !== undefined) collected ??= Number(items);
    if (!/^=+ .* =+$/.test(line) || !isSummary(line)) return [];
    const { passed, skipped } = countsIn(line);
    return collected === null || passed + skipped <= collected ? [at] : [];
  });
}

const isSummary = (line: string): boolean =>
  summary.test(line) || /^(=+ )?no tests (ran|collected)\b/.test(line);

const countsIn = (line: string): Counts => {
  const text = summary.exec(line)?.[1] ?? "";
  return {
    passed: countOf(text, "passed", "xpassed"),
    failed: countOf(text, "failed", "error", "errors"),
    skipped: countOf(text, "skipped", "xfailed"),
  };
};

const progress = /^([.FEsxXR]+)(?:\s+\[ *\d+%\])?$/;
const heading = /^=+ (?:FAILURES|ERRORS|short test summary info) =+$|^\S+\.py .*\[ *\d+%\]$/;

/**
 * With -q there is neither a banner nor a frame: results and headings above the summary are its evidence. So they
 * are where the banner was cut off, as by `tail`, above the `framed` summary.
 */
function quietSpans(lines: readonly string[], framed: number): Span[] {
  const sums = lines.flatMap((line, at) => {
    if (line.startsWith("=") || !isSummary(line)) return [];
    const { passed, failed, skipped } = countsIn(line);
    return [{ at, results: passed + failed + skipped }];
  });
  const last = { at: Math.max(framed, sums.at(-1)?.at ?? -1) };
  const own = ownSpans(lines, sums, (line) => progress.exec(line)?.[1]?.length ?? 0)
    .map(({ span }) => span);
  if (own.at(-1)?.to === last.at) return own;
  // With -s, what tests print stands between the results, and hides some.
  const from = lines.findIndex((line) => progress.test(line) || heading.test(line));
  return from >= 0 && from < last.at ? [{ from, to: last.at }] : [];
}

/** The tracebacks name the place, the short summary names the test: both are put together. */
function failuresIn(lines: readonly string[]): CheckFailure[] {
  const sections = sectionsIn(lines);
  const list = lines.findLastIndex((line) => /^=+ short test summary info =+$/.test(line));
  const named = (list < 0 ? [] : lines.slice(list)).flatMap((line) => {
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

/** The message and the last place in the project's own code of one traceback. */
export function fromTraceback(whole: readonly string[]): Partial<CheckFailure> {
  const captured = whole.findIndex((line) => /^-{3,} Captured \w+ /.test(line));
  const body = whole.slice(0, captured < 0 ? undefined : captured);
  const errors = body.flatMap((line) => /^E( .*)$/.exec(line)?.[1] ?? []);
  const spot = body.flatMap((line) => placeIn(line) ?? []).filter(isOwn).at(-1);
  const message = errors.length > 0
    ? dedent(errors)
    : body.filter((line) => line.trim()).at(-1) ?? "";
  return { ...spot, message };
}

function placeIn(line: string): Spot | null {
  const [, file, number] = /^(\S.*?\.py):(\d+): (?:in |\w|$)/.exec(line) ??
    /^\s*File "(.+?)", line (\d+)/.exec(line) ?? /^file (\S.*?\.py), line (\d+)$/.exec(line) ?? [];
  return file ? { file, line: Number(number) } : null;
}

const isOwn = ({ file }: Spot): boolean => !/\/(site-packages|lib\/python[\d.]+)\/|^</.test(file);
