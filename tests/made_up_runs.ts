/** Runs drawn by lot, for what must hold for every one. A failing one is named by its seed. */
import { noUsage } from "../agents/protocol.ts";
import {
  answer,
  broken,
  call,
  type Play,
  runSpec,
  type Scripted,
  seeded,
  stopped,
  submit,
  text,
} from "./loop_support.ts";

export const SEEDS = Array.from({ length: 60 }, (_, index) => index + 1);

/** A run with all that can happen on the way, which ends by submitting, by failing, or at a limit. */
export function madeUpRun(seed: number): Play {
  const random = seeded(seed);
  const oneOf = <T>(...items: T[]): T => items[Math.floor(random() * items.length)]!;
  const script: Scripted[] = [];
  for (let turn = 0; turn < 12; turn++) {
    const calls = Array.from(
      { length: 1 + Math.floor(random() * 3) },
      (_, i) => call(`${turn}.${i}`, oneOf("Read", "Edit"), { path: oneOf("x", "y") }),
    );
    script.push(oneOf<Scripted>(
      answer(text("Next."), ...calls),
      answer({ type: "thinking", thinking: "", signature: `s${turn}` }, ...calls),
      answer(...calls),
      answer(text("I am done, am I not?")),
      answer(),
      stopped("pause_turn", text("…")),
      stopped("max_tokens", call("cut", "Edit")),
      broken("overloaded"),
      broken("stream_broken", { usage: { ...noUsage, inputTokens: 700, outputTokens: 1 } }),
    ));
  }
  script.push(oneOf<Scripted>(submit({ seed }), { ...stopped("refusal"), refusal: "bio" }));
  return {
    script,
    requestMs: 700,
    spec: runSpec({
      limits: {
        maxTurns: oneOf(8, 14),
        maxTokens: 50_000_000,
        maxCostMicroUsd: 100_000_000,
        timeoutMs: 600_000,
      },
    }),
    tools: ({ id, name, input }) =>
      name === "submit_result"
        ? {}
        : { content: `${name} ${input.path}`, isError: id.endsWith("2") },
  };
}
