/**
 * An App for what needs no agents: a real database, a clock and timers that the test moves, a log that it
 * reads. tests/support.ts has the whole App.
 */
import type { App } from "../server/app.ts";
import { createBackups } from "../server/backup.ts";
import type { Config } from "../server/config.ts";
import { transact, type Tx } from "../server/db.ts";
import { createHub } from "../server/hub.ts";
import type { Timers } from "../server/timers.ts";
import { Turnstile } from "../server/turnstile.ts";
import { migratedDb } from "./migrated.ts";

export interface LogLine {
  level: "info" | "warn" | "error";
  message: string;
  fields: Record<string, unknown>;
}

export interface BareApp extends App, Disposable {
  timers: Timers;
  /** Moves the clock on and fires, in order and at their time, the timers that come due. */
  advance(ms: number): void;
  /** Sets the clock as a suspended laptop or a correction does: timers fire as if it had not happened. */
  setClock(nowMs: number): void;
  /** Milliseconds until each timer that waits. */
  waitingTimers(): number[];
  tx<T>(work: (tx: Tx) => T): T;
  lines: LogLine[];
}

export const START_MS = Date.parse("2026-01-02T03:04:05.000Z");

export function bareApp({ path = ":memory:", config = {} as Partial<Config> } = {}): BareApp {
  let nowMs = START_MS;
  const db = migratedDb(path, nowMs);
  const lines: LogLine[] = [];
  const line = (level: LogLine["level"]) => (message: string, fields = {}) =>
    void lines.push({ level, message, fields });
  const waiting = new Set<{ atMs: number; callback: () => void }>();
  const nextBy = (endMs: number) =>
    [...waiting].filter((t) => t.atMs <= endMs).sort((a, b) => a.atMs - b.atMs)[0];
  const app: BareApp = {
    config: { ...bareConfig, ...config },
    db,
    clock: { nowMs: () => nowMs },
    hub: createHub((error) => {
      throw error;
    }),
    log: { info: line("info"), warn: line("warn"), error: line("error") },
    agents: absent("agents"),
    catalog: absent("catalog"),
    backups: createBackups({ dataDir: { ...bareConfig, ...config }.dataDir, nowMs: () => nowMs }),
    turnstile: new Turnstile(),
    actor: "owner",
    lines,
    timers: {
      after(delayMs, callback) {
        const timer = { atMs: nowMs + delayMs, callback };
        waiting.add(timer);
        return () => void waiting.delete(timer);
      },
    },
    advance(ms) {
      const endMs = nowMs + ms;
      for (let timer = nextBy(endMs); timer; timer = nextBy(endMs)) {
        waiting.delete(timer);
        nowMs = Math.max(nowMs, timer.atMs);
        timer.callback();
      }
      nowMs = endMs;
    },
    setClock(ms) {
      for (const timer of waiting) timer.atMs += ms - nowMs;
      nowMs = ms;
    },
    waitingTimers: () => [...waiting].map((timer) => timer.atMs - nowMs),
    tx: (work) => transact(app, work),
    [Symbol.dispose]: () => db.close(),
  };
  return app;
}

const bareConfig: Config = {
  port: 0,
  host: "127.0.0.1",
  dataDir: "/nonexistent",
  logFormat: "human",
  maxRuns: 4,
  maxRunsPerProject: 0,
  maxJobs: 0,
  sandbox: "auto",
  endpoint: null,
  idleTimeoutMs: 1_000,
  demoPaceMs: 0,
  backupEveryHours: 24,
  maxCrashes: 3,
  notifyUrl: null,
  toolchains: [],
  handsLimits: {},
  mail: null,
  publicUrl: "http://localhost:4242",
  chromium: "",
  timeZone: "UTC",
};

/** A part of the App that the test says it does not need. */
function absent<T extends object>(name: string): T {
  return new Proxy({} as T, {
    get() {
      throw new Error(`This test's App has no ${name}`);
    },
  });
}
