/** `go test`, plain, with -v, or with -json; packages that do not build count as one failure each. */
import type { CheckFailure } from "../../server/records.ts";
import { type Parser, report } from "./report.ts";

const packageLine = /^(ok|FAIL|\?) *\t(\S+)(?:\s+(.*))?$/;
const testLine = /^\s*--- (PASS|FAIL|SKIP): (\S+) \([\d.]+s\)$/;

/** Subtests nested deeper count beside their parents. */
const SUBTEST_DEPTH = 20;

interface Test {
  name: string;
  /** Null: the package ended before it did. */
  verdict: "PASS" | "FAIL" | "SKIP" | null;
  /** Lines that belong to it. */
  body: string[];
}

export const goTest: Parser = (output) => {
  const lines = fromJson(output);
  const packages = packagesIn(lines);
  if (packages.length === 0) return null;
  const leaves = packages.map(({ tests }) => leavesOf(tests));
  const verbose = lines.some((line) => /^=== RUN /.test(line));
  const count = (verdict: Test["verdict"]) =>
    leaves.flat().filter((test) => test.verdict === verdict).length;
  const failures = packages.flatMap((pack, index) => failuresOf(pack, leaves[index] ?? []));
  const counts = {
    passed: verbose ? count("PASS") : packages.filter(({ ok }) => ok).length,
    failed: failures.length,
    skipped: count("SKIP"),
  };
  const format = verbose ? "go test" : "go test (passes are packages)";
  const first = output.findIndex((line) =>
    packageLine.test(line) || testLine.test(line) || /^(=== RUN |\{"Time":)/.test(line)
  );
  const last = output.findLastIndex((line) =>
    packageLine.test(line) || line.startsWith('{"Time":')
  );
  return {
    report: report(format, counts, failures),
    spans: [{ from: first, to: last }],
    weak: !verbose && failures.length === 0,
  };
};

interface Package {
  name: string;
  ok: boolean;
  note: string;
  tests: Test[];
  /** Its lines that belong to no test, and the compiler's, which come under "# name". */
  rest: string[];
}

/** Lines that may stand before the line of a package that passed, when its tests print nothing. */
const beforeOk = /^(ok|FAIL|\?) *\t|^(PASS|coverage: .*|testing: .*|go: .*|.*\bgo test\b.*|\s*)$/;

/**
 * A test may print a line that looks like a package's. One that passed has no test that failed or still runs, and
 * nothing printed before it; before one that failed stands that its program did.
 */
function isPackageLine(line: string, before: string, tests: Iterable<Test>): boolean {
  const [, state, , note = ""] = packageLine.exec(line) ?? [];
  if (state === undefined) return false;
  if (state !== "FAIL" && !beforeOk.test(before)) return false;
  if (/^\[\w+ failed\]$/.test(note) || /^(FAIL|exit status \d+)$/.test(before)) return true;
  const unended = Iterator.from(tests).some(({ verdict }) =>
    verdict === null || verdict === "FAIL"
  );
  return unended === (state === "FAIL");
}

function packagesIn(lines: readonly string[]): Package[] {
  const verbose = lines.some((line) => /^=== RUN /.test(line));
  const packages: Package[] = [];
  let tests = new Map<string, Test>();
  let rest: string[] = [];
  let body = rest;
  const testCalled = (name: string): Test => {
    const test = tests.get(name) ?? { name, verdict: null, body: [] };
    tests.set(name, test);
    return test;
  };
  for (const [at, line] of lines.entries()) {
    const isPackage = packageLine.test(line) &&
      isPackageLine(line, lines[at - 1] ?? "", tests.values());
    const [, state, name, note = ""] = isPackage ? packageLine.exec(line) ?? [] : [];
    const [, verdict, test] = testLine.exec(line) ?? [];
    const [, move, moved] = /^=== (RUN|PAUSE|CONT|NAME) +(\S*)$/.exec(line) ?? [];
    if (state && name) {
      const all = [...tests.values()];
      if (state !== "?") packages.push({ name, ok: state === "ok", note, tests: all, rest });
      [tests, rest] = [new Map(), []];
      body = rest;
    } else if (verdict && test && (!verbose || tests.has(test))) {
      // Without -v a test's lines come after its verdict, with it they come before.
      const ended = testCalled(test);
      ended.verdict = verdict as Test["verdict"];
      body = ended.body;
    } else if (move) body = move === "PAUSE" || !moved ? rest : testCalled(moved).body;
    else if (!/^(PASS|FAIL|exit status \d+)$/.test(line)) body.push(line);
  }
  return packages;
}

/** A test with subtests only sums them up. */
function leavesOf(tests: Test[]): Test[] {
  const parents = new Set<string>();
  for (const { name } of tests) {
    const parts = name.split("/");
    for (let depth = 1; depth < Math.min(parts.length, SUBTEST_DEPTH); depth++) {
      parents.add(parts.slice(0, depth).join("/"));
    }
  }
  return tests.filter(({ name }) => !parents.has(name));
}

function failuresOf(pack: Package, leaves: Test[]): CheckFailure[] {
  if (pack.ok) return [];
  const failed = leaves.filter(({ verdict }) => verdict === "FAIL" || verdict === null);
  if (failed.length === 0) return [packageFailure(pack)];
  return failed.map(({ name, body }) => ({ test: `${pack.name}.${name}`, ...messageOf(body) }));
}

function messageOf(body: readonly string[]): CheckFailure {
  const panic = body.findIndex((line) => /^(panic|fatal error): /.test(line));
  if (panic >= 0) {
    const [, file, line] = body.slice(panic).map((text) => /^\t(\S.*?\.go):(\d+) \+0x/.exec(text))
      .find((match) =>
        match && !/\/(src|libexec\/src)\/(testing|runtime)\//.test(match[1] ?? "")
      ) ?? [];
    return { ...(file && { file, line: Number(line) }), message: body[panic] ?? "" };
  }
  const first = body.findIndex((line) => /^\s+\S+\.go:\d+: /.test(line));
  if (first < 0) return { message: body.join("\n") };
  const [, file, line, text] = /^\s+(\S+\.go):(\d+): (.*)$/.exec(body[first] ?? "") ?? [];
  const more = body.slice(first + 1).map((line) => line.trim());
  return { file, line: Number(line), message: [text, ...more].join("\n") };
}

function packageFailure({ name, note, rest }: Package): CheckFailure {
  const errors = rest.flatMap((line) => {
    const [, file, number, message] = /^(\S+\.go):(\d+)(?::\d+)?: (.*)$/.exec(line) ?? [];
    return file ? [{ file, line: Number(number), message: message ?? "" }] : [];
  });
  const [first] = errors;
  const message = errors.map((error) => `${error.file}:${error.line}: ${error.message}`).join("\n");
  return {
    ...(first && { file: first.file, line: first.line }),
    test: name,
    message: message || rest.join("\n").trim() || note,
  };
}

/** The text that `-json` carries, package by package, as -v would have printed it. */
function fromJson(lines: readonly string[]): readonly string[] {
  const texts = new Map<string, string[]>();
  for (const line of lines) {
    const event = line.startsWith('{"Time":') ? eventIn(line) : null;
    if (!event) continue;
    const parts = texts.get(event.Package) ?? [];
    texts.set(event.Package, parts);
    // In a test's own output nothing of a package is told.
    if (!event.Test || !packageLine.test(event.Output.trimEnd())) parts.push(event.Output);
  }
  return texts.size === 0
    ? lines
    : [...texts.values()].flatMap((parts) => parts.join("").split("\n"));
}

function eventIn(line: string): { Package: string; Output: string; Test?: unknown } | null {
  try {
    const event = JSON.parse(line);
    return typeof event.Output === "string" && typeof event.Package === "string" ? event : null;
  } catch (error) {
    if (error instanceof SyntaxError) return null; // cut off, or something a test printed
    throw error;
  }
}
