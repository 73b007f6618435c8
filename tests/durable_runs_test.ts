/**
 * A run is its log: whatever event of a recorded run was the last before a kill, and whether or not what came after
 * it had been done, the run goes on to the same end. A failing case is named by its story and event.
 */
import { deepStrictEqual as deepEqual, match, ok, strictEqual as equal } from "node:assert";
import { fold } from "../agents/loop/fold.ts";
import { replay } from "../agents/loop/replay.ts";
import type { RunEventBody } from "../agents/protocol.ts";
import { answeredIn, finishedIn, type Recorded, Stage, type World } from "./recorded_runs.ts";
import { stories } from "./recorded_stories.ts";

for (const story of stories) {
  Deno.test(`killed at any moment, it goes on to the same end: ${story.name}`, async () => {
    await using stage = new Stage(story);
    const whole = await stage.record();
    equal(answeredIn(whole.log), story.replies.length, "every reply was asked for");
    for (let length = 1; length <= whole.log.length; length++) {
      for (const world of worldsAt(whole, length)) {
        const where = `${story.name}, killed after event ${length} (${
          whole.log[length - 1]!.type
        })`;
        const log = whole.log.slice(0, length);
        const later = await stage.goOn(log, world).catch((cause) => {
          throw new Error(where, { cause });
        });
        checkContinued({ whole, log, world, later, where });
        const { firstDifference } = await replay(later.log);
        equal(firstDifference, null, `${where}: ${JSON.stringify(firstDifference)}`);
      }
    }
  });
}

/** What the folder may hold when the server is killed after so many events: as it was then, or just before the next. */
function worldsAt({ worlds }: Recorded, length: number): World[] {
  const [then, next] = [worlds[length - 1]!, worlds[length]!];
  return JSON.stringify(then) === JSON.stringify(next) ? [then] : [then, next];
}

interface Continued {
  whole: Recorded;
  log: RunEventBody[];
  world: World;
  later: Recorded;
  where: string;
}

function checkContinued({ whole, log, world, later, where }: Continued): void {
  // Commands that were at work: nobody knows how far they came, so the model is told, and nothing else differs.
  const reported = interruptedIn(later.log);
  const bare = (value: unknown) => withoutResultsOf(reported, value);

  const expected = whole.requests.slice(answeredIn(log));
  // The evidence of a check that was cut off has to be brought once more.
  const more = later.requests.length - expected.length;
  ok(more === 0 || (more === 1 && reported.has("c1")), `${where}: ${more} more requests`);
  deepEqual(later.requests.slice(0, expected.length).map(bare), expected.map(bare), where);
  deepEqual(bare(endOf(later.log)), bare(endOf(whole.log)), where);

  const finished = finishedIn(log);
  const again = later.done.filter((id) => finished.has(id) || reported.has(id));
  deepEqual(again, [], `${where}: done twice`);

  const before = fold(whole.spec, log);
  const after = fold(whole.spec, later.log);
  equal(after.costMicroUsd - before.costMicroUsd, later.billedMicroUsd, `${where}: cost`);
  equal(after.turns, fold(whole.spec, whole.log).turns + more, where);
  const cutOff = log.at(-1)?.type === "turn_started" ? 1 : 0;
  const next = later.log[log.length];
  equal(next?.type === "turn_failed" && next.reason === "worker_lost", cutOff === 1, where);
  const doubts = fold(whole.spec, whole.log).doubt.requests;
  equal(after.doubt.requests, doubts + cutOff, `${where}: doubt`);

  const files = later.worlds.at(-1)!;
  if (reported.size === 0) deepEqual(files, whole.worlds.at(-1), `${where}: files`);
  ok(!Object.keys(files).some((path) => path.startsWith("outputs/")), `${where}: outputs are left`);
  for (const id of reported) checkReport(id, { log, world, later, where });
}

/** What a command had printed when it was cut off is told, and it did nothing twice. */
function checkReport(id: string, { log, world, later, where }: Omit<Continued, "whole">): void {
  const result = later.log.findLast((event) =>
    event.type === "tool_finished" && event.result.callId === id
  );
  const content = result?.type === "tool_finished" ? result.result.content : "";
  match(content, /interrupted by a restart/, where);
  const kept = Object.entries(world).find(([path]) => path.startsWith("outputs/"));
  if (kept) ok(content.endsWith(`Its output until then:\n${kept[1].trimEnd()}`), where);
  else match(content, /It had printed nothing until then\.$/, where);
  ok(!finishedIn(log).has(id), where);
  const count = later.worlds.at(-1)!["place/count.txt"] ?? "";
  ok(count.split("\n").length <= 2, `${where}: ${count}`);
}

const interruptedIn = (log: readonly RunEventBody[]): Set<string> =>
  new Set(
    log.flatMap((event) =>
      event.type === "tool_finished" && event.result.interrupted ? [event.result.callId] : []
    ),
  );

/** Results of these calls left out, and with them what is bound to the history that they are in. */
function withoutResultsOf(ids: ReadonlySet<string>, value: unknown): unknown {
  if (ids.size === 0) return value;
  return JSON.parse(JSON.stringify(value), (key, part) => {
    if (key === "signature" || key === "data") return "";
    return part && ids.has(part.tool_use_id) ? { tool_use_id: part.tool_use_id } : part;
  });
}

const endOf = (log: readonly RunEventBody[]): RunEventBody => log.at(-1)!;
