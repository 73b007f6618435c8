/** How a run's events get to its log: in order, and what nobody waits for with what comes next. */
import { deepStrictEqual as deepEqual, rejects, strictEqual as equal } from "node:assert";
import { Recorder } from "../agents/recorder.ts";
import type { RunEventBody } from "../agents/protocol.ts";

const nudge = (text: string): RunEventBody => ({ type: "nudge", text });

/** A recorder whose log takes nothing before `save` or `fail`, as a commit does. */
function bench() {
  let open: { text: string; taken: PromiseWithResolvers<void> }[] = [];
  const log: string[] = [];
  const asked: string[] = [];
  let hurries = 0;
  const settle = async (each: (one: typeof open[number]) => void) => {
    for (const one of open.splice(0)) each(one);
    for (let hop = 0; hop < 10; hop++) await Promise.resolve();
  };
  const recorder = new Recorder({
    write(event, { mayWait }) {
      const { text } = event as Extract<RunEventBody, { type: "nudge" }>;
      asked.push(mayWait ? `${text}, which may wait` : text);
      const taken = Promise.withResolvers<void>();
      open = [...open, { text, taken }];
      return taken.promise;
    },
    hurry: () => void hurries++,
  });
  return {
    recorder,
    log,
    asked: () => asked.splice(0),
    hurries: () => hurries,
    save: () =>
      settle(({ text, taken }) => {
        log.push(text);
        taken.resolve();
      }),
    fail: (error: Error) => settle(({ taken }) => taken.reject(error)),
  };
}

Deno.test("an event that may wait is asked for at once, and nobody waits for it", async () => {
  const b = bench();
  await b.recorder.later(nudge("a"));
  deepEqual(b.asked(), ["a, which may wait"]);
  const appended = b.recorder.append(nudge("b"));
  deepEqual(b.asked(), ["b"]);
  await b.save();
  await appended;
  deepEqual(b.log, ["a", "b"]);
});

Deno.test("what could not be written is written again, before what comes next", async () => {
  const b = bench();
  await b.recorder.later(nudge("a"));
  await b.recorder.later(nudge("b"));
  const first = b.recorder.append(nudge("c"));
  const refused = rejects(first, /full/);
  await b.fail(new Error("the disk is full"));
  await refused;
  b.asked();
  const again = b.recorder.append(nudge("c"));
  deepEqual(b.asked(), ["a", "b", "c"]);
  await b.save();
  await again;
  deepEqual(b.log, ["a", "b", "c"]);
  const next = b.recorder.append(nudge("d"));
  deepEqual(b.asked(), ["d"], "what is on disk is not written twice");
  await b.save();
  await next;
});

Deno.test("what may wait is not written before what could not be written until then", async () => {
  const b = bench();
  await b.recorder.later(nudge("a"));
  await b.fail(new Error("the disk is full"));
  b.asked();
  await b.recorder.later(nudge("b"));
  deepEqual(b.asked(), ["a, which may wait", "b, which may wait"]);
  const next = b.recorder.append(nudge("c"));
  await b.save();
  await next;
  deepEqual(b.log, ["a", "b", "c"]);
});

Deno.test("an event that its log refuses takes nothing with it that came before", async () => {
  const b = bench();
  await b.recorder.later(nudge("a"));
  await b.save();
  const refused = rejects(b.recorder.append(nudge("b")), /paused/);
  await b.fail(new Error("the run is paused"));
  await refused;
  await b.recorder.settle();
  deepEqual([b.log, b.asked(), b.hurries()], [["a"], ["a, which may wait", "b"], 0]);
});

Deno.test("a life that is over hurries what waits, writes again what failed, and lets nothing wait any more", async () => {
  const b = bench();
  await b.recorder.later(nudge("a"));
  await b.fail(new Error("the disk is full"));
  const settled = b.recorder.settle();
  deepEqual([b.asked().at(-1), b.hurries()], ["a", 1]);
  await b.save();
  await settled;
  const late = b.recorder.later(nudge("c"));
  deepEqual(b.asked(), ["c"]);
  await b.save();
  await late;
  equal(b.log.at(-1), "c");
});

Deno.test("a life that is over tells what could not be written", async () => {
  const b = bench();
  await b.recorder.later(nudge("a"));
  const settled = rejects(b.recorder.settle(), /full/);
  await b.fail(new Error("the disk is full"));
  await settled;
});
