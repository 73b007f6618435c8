/** Errors of compilers: gcc, clang, tsc, rustc, go, deno, javac (also Maven's), MSVC, C#. Warnings are no failures. */
import type { CheckFailure } from "../../server/records.ts";
import { type Parser, report } from "./report.ts";

type Match = (line: string, lines: readonly string[], at: number) => CheckFailure | null;

export const compilers: Parser = (lines) => {
  const failures: CheckFailure[] = [];
  const seen = new Set<string>();
  let inGoPackage = false;
  for (let at = 0; at < lines.length; at++) {
    const line = lines[at] ?? "";
    if (line.startsWith("# ")) inGoPackage = true;
    else if (!goError.test(line) && !line.startsWith("\t")) inGoPackage = false;
    const failure = firstOf(line, lines, at) ?? (inGoPackage ? goBuild(line, lines, at) : null);
    const key = `${failure?.file}:${failure?.line}:${failure?.message}`;
    if (!failure || seen.has(key)) continue;
    seen.add(key);
    failures.push(failure);
  }
  if (failures.length === 0) return null;
  const counts = { passed: 0, failed: failures.length, skipped: 0 };
  return {
    report: report("compiler", counts, failures),
    spans: [{ from: 0, to: lines.length - 1 }],
  };
};

/** A line that says all: one pattern gives file, line and message. */
const inOneLine = (pattern: RegExp): Match => (line) => {
  const [, file, number, message] = pattern.exec(line) ?? [];
  return file && message ? { file: file.trim(), line: Number(number), message } : null;
};

const matches: Match[] = [
  // gcc, clang, javac, swiftc: file:line:column: error: message
  inOneLine(/^(?:vet: )?([^\s:][^:]*):(\d+)(?::\d+)?: (?:fatal )?error: (.+)$/),
  // tsc, MSVC, C#: file(line,column): error CODE: message
  inOneLine(/^\s*([^\s(][^(]*)\((\d+)(?:,\d+)*\) ?: (?:fatal )?error (.+)$/),
  // tsc --pretty: file:line:column - error CODE: message
  inOneLine(/^([^\s:][^:]*):(\d+):\d+ - error (.+)$/),
  // Maven: [ERROR] file:[line,column] message
  inOneLine(/^\[ERROR\] (\/[^:]*|[A-Z]:[^:]*):\[(\d+)(?:,\d+)?\] (?:error: )?(.+)$/),
  // ld: file:(.text+0x5): undefined reference to `f'
  (line) => {
    const [, file, number, message] =
      /^(?:.*\bld: )?([^\s:][^:]*):(?:(\d+): |\([^)]*\): )(undefined reference to .+|multiple definition of .+)$/
        .exec(line) ?? [];
    return file && message ? { file, ...(number && { line: Number(number) }), message } : null;
  },
  // rustc: error[CODE]: message, and below it --> file:line:column
  (line, lines, at) => {
    const [, code, message] = /^error(?:\[(E\d+)\])?: (.+)$/.exec(line) ?? [];
    const [, file, number] = /^ *--> (.+?):(\d+):\d+$/.exec(lines[at + 1] ?? "") ?? [];
    if (!message || !file) return null;
    return { file, line: Number(number), message: code ? `${code}: ${message}` : message };
  },
  // deno: CODE [ERROR]: message, and below the source at file:///path:line:column
  (line, lines, at) => {
    const [, message] = /^((?:TS\d+ )?\[ERROR\]: .+)$/.exec(line) ?? [];
    const place = message &&
      lines.slice(at + 1, at + 8).find((text) => /^ {4}at file:\/\//.test(text));
    const [, file, number] = /^ {4}at file:\/\/(.+?):(\d+):\d+$/.exec(place || "") ?? [];
    return message && file
      ? { file, line: Number(number), message: message.replace(" [ERROR]", "") }
      : null;
  },
];

/** What each of the matches needs: most lines are done with after this. */
const anyError = /error|ERROR|undefined reference|multiple definition/;

function firstOf(...found: Parameters<Match>): CheckFailure | null {
  if (!anyError.test(found[0])) return null;
  for (const match of matches) {
    const failure = match(...found);
    if (failure) return failure;
  }
  return null;
}

/** go build and vet: below `# package`, and without the word "error". */
const goError = /^(?:vet: )?([^\s:][^:]*\.go):(\d+)(?::\d+)?: (.+)$/;
const goBuild = inOneLine(goError);
