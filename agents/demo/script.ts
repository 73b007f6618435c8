/**
 * How the demo model thinks: each agent is a generator that yields what to say and which tools to call, and is
 * resumed with their results. For each request it is played again from the start with the results that the
 * conversation holds, so the answer depends on nothing but the request.
 */
import type { Task } from "./task.ts";

export interface Call {
  name: string;
  input: Record<string, unknown>;
}

/** What a tool call brought. */
export interface Seen {
  content: string;
  isError: boolean;
}

/** One answer: a text, and calls unless the agent has nothing more to do. */
export interface Step {
  say: string;
  calls: Call[];
}

/** A piece of an agent's work; `T` is what it finds out. */
export type Script<T = void> = Generator<Step, T, Seen[]>;

/** What an agent has before it. */
export interface Desk {
  task: Task;
  /** Whether the request offers this tool. */
  can(tool: string): boolean;
}

/** The agent can't do what it was asked; the message says why, for a person. */
export class CannotGoOn extends Error {
  override name = "CannotGoOn";
}

/**
 * Plays a script over the results so far, in the order of their calls, and gives its next answer. A step whose
 * calls were answered only in part is given again with the rest of its calls.
 */
export function play(script: Script<string>, results: Seen[]): Step {
  const left = [...results];
  let next = script.next();
  while (!next.done) {
    const { say, calls } = next.value;
    const seen = left.splice(0, calls.length);
    if (seen.length === 0) return { say, calls };
    if (seen.length < calls.length) return { say: "", calls: calls.slice(seen.length) };
    next = script.next(seen);
  }
  return { say: next.value, calls: [] };
}

/** Calls that can simply be made again when a restart cut them off; an edit has to be looked at first. */
const REPEATABLE = ["Read", "Glob", "Grep", "run_checks", "ask_questions", "submit_result"];
const MAX_REPEATS = 3;

/** A restart came between a call and its result: nobody knows how far it came. */
const wasInterrupted = ({ content, isError }: Seen): boolean =>
  isError && /\binterrupted\b/i.test(content);

/**
 * Calls tools that this request offers; where a restart cut one off, once more. Results come in the order of the
 * calls; a tool that is missing fails.
 */
export function* use(desk: Desk, say: string, calls: Call[]): Script<Seen[]> {
  const results = new Map<Call, Seen>();
  let open = calls.filter((call) => desk.can(call.name));
  for (let round = 0; open.length > 0 && round <= MAX_REPEATS; round++) {
    const seen = yield {
      say: round === 0 ? say : "A restart cut this off, so once more.",
      calls: open,
    };
    open.forEach((call, i) => results.set(call, seen[i]!));
    open = open.filter((call, i) => wasInterrupted(seen[i]!) && REPEATABLE.includes(call.name));
  }
  return calls.map((call) =>
    results.get(call) ?? { content: `The tool ${call.name} is not offered here.`, isError: true }
  );
}

/** Hands in the result. Returns why it was refused, or null. */
export function* submit(
  desk: Desk,
  say: string,
  result: Record<string, unknown>,
): Script<string | null> {
  const [seen] = yield* use(desk, say, [{ name: "submit_result", input: result }]);
  return seen!.isError ? seen!.content : null;
}
