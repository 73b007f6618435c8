/** What a brain says: gathered, and in order. */
import { deepStrictEqual as deepEqual } from "node:assert";
import { createOutbox } from "../agents/outbox.ts";
import type { FromBrain } from "../agents/protocol.ts";

const delta = (text: string): FromBrain => ({
  type: "delta",
  loop: 1,
  turn: 1,
  kind: "text",
  text,
});
const pong = (id: number): FromBrain => ({ type: "pong", id });
const answering: FromBrain = { type: "answering", loop: 1 };

function bench() {
  const sent: unknown[] = [];
  const later: (() => void)[] = [];
  const say = createOutbox((said) => sent.push(said), (callback) => later.push(callback));
  return { say, sent: () => sent.splice(0), later: () => later.splice(0) };
}

Deno.test("what is said in one breath is one message, in its order; what is said alone is no list", async () => {
  const { say, sent } = bench();
  say(pong(1));
  say(pong(2));
  deepEqual(sent(), []);
  await Promise.resolve();
  deepEqual(sent(), [[pong(1), pong(2)]]);
  say(pong(3));
  await Promise.resolve();
  deepEqual(sent(), [pong(3)]);
});

Deno.test("what nobody waits for goes with what somebody waits for, before it", async () => {
  const { say, sent, later } = bench();
  say(answering);
  say(delta("a"));
  await Promise.resolve();
  deepEqual(sent(), []);
  say(pong(1));
  await Promise.resolve();
  deepEqual(sent(), [[answering, delta("a"), pong(1)]]);
  for (const callback of later()) callback();
  deepEqual(sent(), [], "what was sent is not sent twice");
});

Deno.test("what nobody waits for goes by itself after a moment", async () => {
  const { say, sent, later } = bench();
  say(delta("a"));
  say(delta("b"));
  const callbacks = later();
  deepEqual([callbacks.length, sent()], [1, []]);
  callbacks[0]!();
  deepEqual(sent(), [[delta("a"), delta("b")]]);
  say(delta("c"));
  await Promise.resolve();
  later()[0]!();
  deepEqual(sent(), [delta("c")]);
});
