/** What a check that an agent ran comes to: for the model, and as evidence of what it hands in. */
import type { Hands } from "./hands_client.ts";
import type { ToolResult } from "./protocol.ts";
import { markKnown, onlyKnown } from "./reports/known_failures.ts";
import { parseReport } from "./reports/mod.ts";
import { readReportFiles, type SeenFiles, withReportFiles } from "./reports/report_files.ts";
import type { RunCommand } from "./runtime.ts";

/** Most characters of a check's output that go back to the model. */
export const CHECK_OUTPUT_CHARS = 12_000;

/** `root`: real path of the place. `reportsBefore`: the report files that were there before it ran. */
export async function checkAnswer(
  command: RunCommand,
  result: Awaited<ReturnType<Hands["command"]>>,
  { root, reportsBefore, clean }: {
    root: string;
    reportsBefore: SeenFiles;
    /** Takes the command's secrets out. */
    clean?: (text: string) => string;
  },
): Promise<Omit<ToolResult, "callId" | "durationMs">> {
  const { exitCode } = result;
  const printed = parseReport(result.output, { root, exitCode });
  const files = await readReportFiles(root, command.reports ?? [], reportsBefore, clean);
  const base = command.base ?? null;
  const report = markKnown(withReportFiles(printed, files, { exitCode }), base);
  const asBefore = !result.timedOut && exitCode !== 0 && onlyKnown(report, base);
  const head = result.timedOut
    ? `${command.name} ran into its time limit of ${command.timeoutMs / 1000} s`
    : `${command.name} ${exitCode === 0 ? "passed" : "failed"} (exit code ${exitCode})`;
  const counts = report
    ? `: ${report.passed} passed, ${report.failed} failed, ${report.skipped} skipped`
    : "";
  const known = report?.failures.filter(({ before }) => before).length ?? 0;
  const before = asBefore
    ? "\nNothing fails but what failed before any change: that is not yours to mend, and this counts as passed."
    : known > 0
    ? `\n${known} of them failed before any change, too.`
    : "";
  const output = result.output.length > CHECK_OUTPUT_CHARS
    ? `… (${result.outputBytes} bytes in all; the end follows)\n${
      result.output.slice(-CHECK_OUTPUT_CHARS)
    }`
    : result.output;
  return {
    content: `${head}${counts}${before}\n\n${output}`.trimEnd(),
    isError: exitCode !== 0 && !asBefore,
    exitCode: exitCode ?? -1,
    ...asBefore && { asBefore: true as const },
    ...result.hosts && { hosts: result.hosts },
  };
}
