/** Counts and failures read from the output of a project's build or test command. */
import type { CheckFailure, CheckReport } from "../../server/records.ts";
import { cargo } from "./cargo.ts";
import { compilers } from "./compilers.ts";
import { deno } from "./deno.ts";
import { goTest } from "./go.ts";
import { jest } from "./jest.ts";
import { nodeSpec } from "./node_spec.ts";
import { pytest } from "./pytest.ts";
import { add, type Parser, report } from "./report.ts";
import { tap } from "./tap.ts";
import { unittest } from "./unittest.ts";
import { vitest } from "./vitest.ts";

/** Most characters that are read, from the end, where runners put their summaries. */
export const REPORT_CHARS = 512 * 1024;
/** Most lines, from the end, and most characters of each. The patterns look at each line a few times. */
const REPORT_LINES = 50_000;
const LINE_CHARS = 2_000;

const runners: Parser[] = [tap, nodeSpec, deno, pytest, unittest, goTest, cargo, jest, vitest];

/**
 * What runners and compilers said; null when none of them is recognised. Several runners in one output are
 * added up. Compilers' errors count where no test runner came to speak. `root` is the folder in which the
 * command ran: failures name files relative to it.
 */
export function parseReport(output: string, options: { root?: string } = {}): CheckReport | null {
  const lines = plainLines(output);
  const found = runners.flatMap((parse) => parse(lines) ?? []);
  const reports = found.length > 0 ? found : [compilers(lines) ?? []].flat();
  if (reports.length === 0) return null;
  return report(
    reports.map(({ format }) => format).join(" + "),
    reports.reduce(add, { passed: 0, failed: 0, skipped: 0 }),
    reports.flatMap(({ failures }) => failures).map((failure) => relativeTo(failure, options.root)),
  );
}

/** Colours, cursor movements and links of terminals. */
const controls = new RegExp(
  ["\\x1b\\[[0-9;?]*[ -/]*[@-~]", "\\x1b\\][^\\x07\\x1b]*(?:\\x07|\\x1b\\\\)", "\\x1b[@-_]"].join(
    "|",
  ),
  "g",
);

function plainLines(output: string): string[] {
  const text = output.slice(-REPORT_CHARS).replace(controls, "");
  return text.split(/\r\n|\n|\r/).slice(-REPORT_LINES).map((line) => line.slice(0, LINE_CHARS));
}

function relativeTo(failure: CheckFailure, root: string | undefined): CheckFailure {
  const relative = (path: string) => {
    const plain = path.replace(/^file:\/\//, "").replace(/^\.\//, "");
    const folder = root && `${root.replace(/\/+$/, "")}/`;
    return folder && plain.startsWith(folder) ? plain.slice(folder.length) : plain;
  };
  const { file, test } = failure;
  return {
    ...failure,
    ...(file && { file: relative(file) }),
    ...(test && { test: relative(test) }),
  };
}
