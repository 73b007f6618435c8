/** Pools of brains for tests: real workers, a server's side in memory, and actors in place of brains. */
import { type BrainHost, type Brains, type BrainsOptions, createBrains } from "../agents/brains.ts";
import type { RunEventBody, ToolCall, ToolResult } from "../agents/protocol.ts";
import { silentLog } from "../server/log.ts";
import { answer, type FakeClaude, toolUse } from "./fake_claude/mod.ts";

export const root = new URL("../", import.meta.url);
export const never = new AbortController().signal;
export const handIn = answer(toolUse("submit_result", { status: "done" }));

export type Pool = Brains & Disposable;

export function pool(options: Partial<BrainsOptions> = {}): Pool {
  const brains = createBrains({
    root,
    compiled: false,
    endpoint: { kind: "demo", paceMs: 0 },
    size: 1,
    log: silentLog,
    ...options,
  });
  return { ...brains, [Symbol.dispose]: () => brains.close() };
}

export const poolFor = (fake: FakeClaude, options: Partial<BrainsOptions> = {}): Pool =>
  pool({
    endpoint: {
      kind: "endpoint",
      baseUrl: fake.url,
      apiKey: fake.apiKey,
      idleTimeoutMs: 10_000,
    },
    ...options,
  });

/** A server's side in memory: every call succeeds, and everything is written down in order. */
export function recorder(changes: Partial<BrainHost> = {}) {
  const log: RunEventBody[] = [];
  const seen: string[] = [];
  const host: BrainHost = {
    append(event) {
      log.push(event);
      seen.push(event.type);
    },
    tools: (_turn, calls) => Promise.resolve({ results: calls.map(resultOf), suspended: false }),
    delta: (turn, kind, text) => void seen.push(`${turn} ${kind}: ${text}`),
    ...changes,
  };
  return { host, log, seen };
}

export const resultOf = (call: ToolCall): ToolResult => ({
  callId: call.id,
  content: "done",
  isError: false,
  durationMs: 1,
  ...(call.name === "submit_result" && { final: true }),
});

/** A worker that says what it is told to, in place of a brain. `post` sends; `message` is what came. */
export function actor(onMessage: string): Pick<BrainsOptions, "entry" | "permissions"> {
  const code = `const post = (m) => self.postMessage(m);
    const me = crypto.randomUUID();
    const end = (loop, message) =>
      post({ type: "outcome", loop, outcome: { type: "failed", reason: "internal", message } });
    self.onmessage = ({ data: message }) => {
      if (message.type === "init") post({ type: "ready" });
      ${onMessage}
    };`;
  return {
    entry: new URL(`data:application/javascript,${encodeURIComponent(code)}`),
    permissions: "none" as unknown as Deno.PermissionOptionsObject,
  };
}
