/** Draws Mermaid diagrams in a process of their own, which can be ended whatever they do to it. */
import { z } from "zod";
import { SECOND_MS } from "../../server/clock.ts";
import { AppError, messageOf } from "../../server/errors.ts";
import { LineTooLong, readLines } from "../lines.ts";
import { cacheDirOf, OwnRuntime, runtimeVariables } from "../own_runtime.ts";
import { inOwnGroup, signalAll } from "../process_group.ts";
import { cleanSvg } from "./clean_svg.ts";
import { DIAGRAM_CHARS, SVG_BYTES } from "./protocol.ts";

/** How long one diagram may take; the process has to start as well, on a machine that may be busy. */
const DRAW_MS = 10 * SECOND_MS;
/**
 * What the process may take of memory, in MB. From source it has a smaller heap as well, which an executable can't be
 * started with; where the system does not tell of it, the time is the limit.
 */
const MEMORY_MB = 512;
const LOOK_MS = 100;
const PAGE_BYTES = 4096;

/** A drawing, cleaned; or why there is none, in words without a full stop. */
export type Drawn = { svg: string } | { problem: string };

const answer = z.union([
  z.strictObject({ svg: z.string().max(SVG_BYTES) }),
  z.strictObject({ problem: z.string().max(1_000) }),
]);

// In source this file lies two folders down; of a bundle all parts lie in one.
const isSource = import.meta.url.endsWith(".ts");
const runtime = new OwnRuntime({
  root: new URL(isSource ? "../../" : "./", import.meta.url),
  compiled: Deno.build.standalone,
});

/**
 * One result for each source, in order. A diagram that takes too long or too much memory costs its process, and the
 * rest go on in a new one. Throws the signal's reason when aborted; however it ends, no process is left.
 */
export async function drawDiagrams(
  sources: readonly string[],
  { signal, timeoutMs = DRAW_MS }: { signal: AbortSignal; timeoutMs?: number },
): Promise<Drawn[]> {
  const drawn: Drawn[] = [];
  while (drawn.length < sources.length) {
    signal.throwIfAborted();
    await drawSome(sources, drawn, { signal, timeoutMs });
  }
  return drawn;
}

/** Adds at least one result. */
async function drawSome(
  sources: readonly string[],
  drawn: Drawn[],
  { signal, timeoutMs }: { signal: AbortSignal; timeoutMs: number },
): Promise<void> {
  const source = sources[drawn.length]!;
  const why = whyNot(source);
  if (why !== null) {
    drawn.push({ problem: why });
    return;
  }
  const child = spawn();
  const end = () => signalAll(child, "SIGKILL");
  const before = drawn.length;
  const writer = child.stdin.getWriter();
  const lines = readLines(child.stdout, 6 * SVG_BYTES);
  let timer: ReturnType<typeof setTimeout> | undefined;
  let late = false;
  let greedy = false;
  const watch = setInterval(() => {
    greedy ||= memoryMb(child.pid) > MEMORY_MB;
    if (greedy) end();
  }, LOOK_MS);
  let problem = "";
  const said = lastOf(child.stderr);
  signal.addEventListener("abort", end);
  try {
    while (drawn.length < sources.length && whyNot(sources[drawn.length]!) === null) {
      timer = setTimeout(() => {
        late = true;
        end();
      }, timeoutMs);
      await writer.write(new TextEncoder().encode(`${JSON.stringify(sources[drawn.length])}\n`));
      const line = await lines.next();
      clearTimeout(timer);
      if (line.done) break;
      drawn.push(read(line.value));
    }
  } catch (error) {
    if (error instanceof LineTooLong) problem = TOO_LARGE;
    // It died as it was written to; a stream that broke while it was idle says so with a TypeError at its next use.
    else if (!(error instanceof Deno.errors.BrokenPipe || error instanceof TypeError)) throw error;
  } finally {
    clearTimeout(timer);
    clearInterval(watch);
    signal.removeEventListener("abort", end);
    end();
    // What it has not read is of no use to anybody.
    await Promise.all([
      child.status,
      said,
      lines.return(undefined),
      writer.abort().catch(() => {}),
    ]);
  }
  signal.throwIfAborted();
  if (drawn.length > before) return;
  const last = await said;
  if (late) problem = `drawing it takes longer than ${timeoutMs / SECOND_MS} s`;
  else if (greedy || /out of memory/i.test(last)) problem = "drawing it takes too much memory";
  drawn.push({
    problem: problem || `the program that draws has ended (${plain(last.slice(-200))})`,
  });
}

const KIND =
  /^(?:graph|flowchart|sequenceDiagram|classDiagram|stateDiagram(?:-v2)?|erDiagram)(?=[\s;]|$)/;

/** Why it is not even tried; null: it is. */
function whyNot(source: string): string | null {
  if (source.length > DIAGRAM_CHARS) return `it is longer than ${DIAGRAM_CHARS} characters`;
  const first = source.split("\n").map((line) => line.trim())
    .find((line) => line !== "" && !line.startsWith("%%")) ?? "";
  if (KIND.test(first)) return null;
  return `it begins with "${
    first.slice(0, 30)
  }"; flowchart, sequenceDiagram, classDiagram, stateDiagram and ` +
    "erDiagram are drawn";
}

const TOO_LARGE = "its drawing would be too large";
const STDERR_CHARS = 10_000;

/** The last that it says. */
async function lastOf(stream: ReadableStream<Uint8Array>): Promise<string> {
  const decoder = new TextDecoder();
  let text = "";
  for await (const chunk of stream) {
    text = (text + decoder.decode(chunk, { stream: true })).slice(-STDERR_CHARS);
  }
  return text;
}

/** 0 where the system does not tell, or the process is gone. */
function memoryMb(pid: number): number {
  try {
    const pages = Deno.readTextFileSync(`/proc/${pid}/statm`).split(" ")[1];
    return Number(pages) * PAGE_BYTES / 1e6;
  } catch {
    return 0;
  }
}

function spawn(): Deno.ChildProcess {
  const { program, ...command } = inOwnGroup(Deno.execPath(), runtime.args("diagrams"));
  return new Deno.Command(program, {
    ...command,
    cwd: "/",
    clearEnv: true,
    env: runtimeVariables(cacheDirOf(Deno.env.toObject())),
    stdin: "piped",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
}

/** It handles hostile text, so nothing that it says is used before it is checked and cleaned. */
function read(line: string): Drawn {
  try {
    const said = answer.parse(JSON.parse(line));
    return "svg" in said ? { svg: cleanSvg(said.svg) } : { problem: plain(said.problem) };
  } catch (error) {
    if (error instanceof z.ZodError) return { problem: TOO_LARGE };
    if (error instanceof AppError) return { problem: messageOf(error) };
    throw error;
  }
}

/** The library's words as the end of a sentence. */
const plain = (problem: string): string =>
  problem.replace(/\s+/g, " ").trim().replace(/\.$/, "") || "nobody knows why";
