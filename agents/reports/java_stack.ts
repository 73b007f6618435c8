/** Places in the stack traces of Java. */
import type { Spot } from "./report.ts";

const frame =
  /^\s*at (?:[\w.@-]+\/)*([\w.$]+)\.[\w$<>]+\(([\w$]+\.(?:java|kt|groovy|scala)):(\d+)\)$/;
const STACK_LINES = 100;
/** Packages of the language and of the runners. */
const foreign =
  /^(java|javax|jdk|sun|kotlin|org\.junit|junit|org\.opentest4j|org\.testng|org\.hamcrest|org\.assertj|org\.mockito)\./;

/** The first frame in `className`, else the first in no library of tests; the file as Java names it. */
export function javaSpot(lines: readonly string[], className: string): Spot | undefined {
  const spots = lines.slice(0, STACK_LINES).flatMap((line) => {
    const [, owner = "", file, number] = frame.exec(line.slice(0, 500)) ?? [];
    if (!file || foreign.test(`${owner}.`)) return [];
    const folder = owner.split(".").slice(0, -1).join("/");
    return [{ owner, file: folder ? `${folder}/${file}` : file, line: Number(number) }];
  });
  const own = spots.find(({ owner }) => owner.replace(/\$.*$/, "") === className) ?? spots[0];
  return own && { file: own.file, line: own.line };
}
