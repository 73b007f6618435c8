/** Why a test file of `node --test` failed as a whole: node prints that before the file's result. */
const LOOK_BACK_LINES = 40;

/** The last error above line `at`, with the place that node names for syntax errors; nothing when none. */
export function errorBefore(
  lines: readonly string[],
  at: number,
): { message?: string; file?: string; line?: number } {
  const before = lines.slice(Math.max(0, at - LOOK_BACK_LINES), at).map((line) =>
    line.replace(/^# ?/, "")
  );
  const index = before.findLastIndex((line) => /^(\w*Error)\b.*:/.test(line));
  const message = before[index];
  if (message === undefined) return {};
  const place = before.slice(0, index).findLast((line) => /^(file:\/\/)?\/.+:\d+$/.test(line));
  const [, file, line] = place && message.startsWith("SyntaxError")
    ? /^(.+):(\d+)$/.exec(place) ?? []
    : [];
  return { message, ...(file && { file: file.replace(/^file:\/\//, ""), line: Number(line) }) };
}
