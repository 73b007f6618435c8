/** Runs with a log, for the tests of their pages. */
import type { RunEventBody } from "../agents/protocol.ts";
import type { Run } from "../server/records.ts";
import { beginRun, recordRunEvent } from "../server/services/runs.ts";
import { getRun, listIdeaRuns } from "../server/store/runs.ts";
import { answer, call, play, runSpec, submit, text } from "./loop_support.ts";
import { results, type TestApp } from "./support.ts";

/** What a loop writes in two whole turns: it says something and reads a file, then it searches. */
async function twoTurns(): Promise<RunEventBody[]> {
  const contents: Record<string, string> = { a: "1\tset -e\n", b: "```\nno lock\n```" };
  const { log } = await play({
    script: [
      answer(text("I look at `save.sh`."), call("a", "Read", { file_path: "save.sh" })),
      answer(call("b", "Grep", { pattern: "lock" })),
      submit(),
    ],
    tools: ({ id }) => id in contents ? { content: contents[id]! } : {},
  });
  const third = log.findIndex((event) => event.type === "turn_started" && event.turn === 3);
  return log.slice(0, third);
}

export function record(app: TestApp, run: Run, bodies: RunEventBody[]): void {
  app.tx((tx) => bodies.forEach((body) => recordRunEvent(tx, run, body)));
}

/** A run that was taken up. */
export function begun(app: TestApp, id: string): Run {
  app.tx((tx) => beginRun(tx, id));
  return getRun(app.db, id);
}

/** The clarifier of a new idea, at work for two turns. */
export async function clarifying(app: TestApp): Promise<Run> {
  const idea = await app.idea("refining");
  const { id } = listIdeaRuns(app.db, idea.id).find((run) => run.purpose === "clarify")!;
  const run = begun(app, id);
  record(app, run, [
    { type: "started", spec: { ...runSpec(), runId: id }, commit: "a".repeat(40) },
    ...await twoTurns(),
  ]);
  return getRun(app.db, id);
}

/** The same, failed: its idea is stuck. */
export async function failedClarifier(app: TestApp): Promise<Run> {
  const run = await clarifying(app);
  await app.succeed({ id: run.ideaId! } as never, "research", results.research);
  await app.end(run, { type: "failed", reason: "stuck", message: "In circles" });
  return getRun(app.db, run.id);
}
