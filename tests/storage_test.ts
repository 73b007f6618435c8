/** What happens while nothing can be saved (disk_test.ts: with a disk that really is full), and afterwards. */
import { deepStrictEqual as deepEqual, match, ok, strictEqual as equal, throws } from "node:assert";
import { join } from "node:path";
import type { RunEventBody } from "../agents/protocol.ts";
import { sandboxFinder, tried } from "../agents/find_sandbox.ts";
import { GitError } from "../agents/git/git_error.ts";
import type { Confinement } from "../agents/runtime.ts";
import { MACHINE_FAULT_PAUSE_MS } from "../queue/execution.ts";
import type { AnyJobHandler } from "../queue/job.ts";
import { enqueue, getJob } from "../queue/queue.ts";
import { createRunner, DB_RETRY_MS, SAFETY_POLL_MS } from "../queue/runner.ts";
import { machineWaits } from "../queue/stats.ts";
import { DAY_MS, HOUR_MS, MINUTE_MS, SECOND_MS } from "../server/clock.ts";
import { openDb, transact } from "../server/db.ts";
import { AppError } from "../server/errors.ts";
import type { HubMessage } from "../server/hub.ts";
import {
  type MachineFault,
  machineFaultOf,
  machineFaults,
  Unavailable,
} from "../server/machine_fault.ts";
import { failureOf } from "../server/services/faults.ts";
import { learnConfinement, proveWhenPossible } from "../server/start_agents.ts";
import { findStorageFault, RETRY_EVERY_MS, watchStorage } from "../server/storage.ts";
import { type BareApp, bareApp, START_MS } from "./bare_app.ts";
import { handIn, never, poolFor, recorder } from "./brain_support.ts";
import { answer, startFakeClaude, toolUse } from "./fake_claude/mod.ts";
import { tempDir } from "./gaffer.ts";
import { bench } from "./http_support.ts";
import { runSpec, typesOf } from "./loop_support.ts";

/** From now on no transaction begins. Returns what mends it. */
function breakWrites(app: BareApp, message = "database or disk is full"): () => void {
  const { exec } = app.db;
  app.db.exec = () => {
    throw new Error(message);
  };
  return () => void (app.db.exec = exec);
}

const done = { type: "done" } as const;
const kinds = (messages: HubMessage[]): string[] => messages.map(({ kind }) => kind);

// ------------------------------------------------------------------ what an error means

Deno.test("the machine's faults are known by SQLite's, git's and the system's words, also as a cause", () => {
  const cases: [string, MachineFault | null][] = [
    ["database or disk is full", "disk_full"],
    ["No space left on device (os error 28)", "disk_full"],
    ["fatal: cannot create directory at 'a': No space left on device", "disk_full"],
    ["Disk quota exceeded (os error 122)", "disk_full"],
    ["attempt to write a readonly database", "read_only"],
    ["Read-only file system (os error 30): open '/data/x'", "read_only"],
    ["disk I/O error", "disk_error"],
    ["unable to open database file", "disk_error"],
    ["database disk image is malformed", "damaged"],
    ["malformed database schema (ideas)", "damaged"],
    ["file is not a database", "damaged"],
    ["database is locked", "locked"],
    ["Too many open files (os error 24)", "out_of_files"],
    ["UNIQUE constraint failed: jobs.unique_key", null],
    ["No such file or directory (os error 2)", null],
  ];
  for (const [message, fault] of cases) {
    equal(machineFaultOf(new Error(message)), fault, message);
    equal(machineFaultOf(new Error("Cannot do it", { cause: new Error(message) })), fault);
    equal(machineFaultOf(message), fault, "a thread's and a process's errors are only text");
  }
  equal(machineFaultOf(new Unavailable("read_only", "save it")), "read_only");
  equal(machineFaultOf(undefined), null);
});

Deno.test("every refusal says what was attempted, what is wrong and how to mend it", () => {
  for (const [fault, { what, mend }] of Object.entries(machineFaults)) {
    const { code, message } = new Unavailable(fault as MachineFault, "save it");
    equal(code, "unavailable");
    equal(message, `Cannot save it: ${what}. ${mend}`);
  }
});

Deno.test("a full disk never uses up the last attempt, whoever's words are for it", () => {
  const last = { attempt: 8, maxAttempts: 8 };
  const of = (error: unknown) => failureOf(error, last, never);
  equal(of(new Error("No space left on device (os error 28)")), null);
  equal(of(new Unavailable("disk_full", "save it")), null);
  equal(of(new Error("a bug")), "internal");
  equal(of(gitSays("fatal: unable to write loose object file: No space left on device")), null);
  equal(of(gitSays("fatal: not a git repository")), "repository");
  equal(of(new AppError("conflict", 'a file is called "No space left on device"')), "repository");
});

const gitSays = (stderr: string) =>
  GitError.of("make a commit", "/repo", { code: 128, stdout: "", stderr, truncated: false });

Deno.test("git's words tell the machine's faults, also those that do not say why a write failed", () => {
  const cases: [string, MachineFault | null][] = [
    ["fatal: could not write to 'a/.git': No space left on device", "disk_full"],
    ["fatal: sha1 file '/r/.git/index.lock' write error. Out of diskspace", "disk_full"],
    ["error: unable to write file f2\nfatal: Could not reset index file", "disk_full"],
    ["fatal: cannot update ref 'refs/heads/a': couldn't write '/r/a.lock'", "disk_full"],
    ["error: failed to write new configuration file /r/.git/config.lock", "disk_full"],
    ["fatal: unable to write new index file", "disk_full"],
    ["fatal: Unable to create '/r/.git/index.lock': Read-only file system", "read_only"],
    ['error: open("a"): Too many open files', "out_of_files"],
    ["fatal: Unable to create '/r/.git/index.lock': File exists.", null],
    ["fatal: Unable to create '/r/.git/index.lock': Permission denied", null],
  ];
  for (const [stderr, fault] of cases) {
    const error = gitSays(stderr);
    equal(machineFaultOf(error), fault, stderr);
    equal(error.code, fault === null ? "conflict" : "unavailable");
  }
});

// ------------------------------------------------------------------ transact()

Deno.test("a write that the disk does not take is refused as unavailable, once told, and nothing is left", () => {
  using app = bareApp();
  const messages: HubMessage[] = [];
  app.hub.subscribe((message) => messages.push(message));
  const repaired = breakWrites(app);
  for (let n = 0; n < 3; n++) {
    throws(() => app.tx((tx) => tx.emit({ type: "note" })), {
      name: "Unavailable",
      code: "unavailable",
      message: /^Cannot save it: the disk with the data folder is full\. Free some space on it; /,
    });
  }
  deepEqual(app.db.fault, { kind: "disk_full", since: new Date(START_MS).toISOString() });
  deepEqual(kinds(messages), ["storage"]);
  repaired();
  equal(app.tx((tx) => tx.emit({ type: "note" })).seq, 1);
});

Deno.test("a disk that fills up in the middle of a transaction takes all of it back", async () => {
  await using temp = await tempDir();
  using app = bareApp({ path: join(temp.path, "gaffer.db") });
  app.tx((tx) => tx.emit({ type: "before" }));
  // SQLite's own limit gives SQLite's own error, after some pages have been written.
  app.db.exec("PRAGMA max_page_count = 1");
  throws(() =>
    app.tx((tx) => {
      for (let n = 0; n < 50; n++) tx.emit({ type: "note", data: "x".repeat(10_000) });
    }), { code: "unavailable" });
  equal(app.db.inTransaction, false);
  equal(app.db.prepare("SELECT count(*) AS n FROM events").get()!.n, 1);
  equal(app.tx((tx) => tx.emit({ type: "small enough" })).seq, 2);
});

Deno.test("a lock that another program holds is refused too, but not remembered", () => {
  using app = bareApp();
  const repaired = breakWrites(app, "database is locked");
  throws(() => app.tx(() => {}), {
    code: "unavailable",
    message: /another program holds the data/,
  });
  equal(app.db.fault, null);
  repaired();
});

Deno.test("a refusal of our own is none of the machine's, whatever its words", () => {
  using app = bareApp();
  const refusal = new AppError("conflict", 'Cannot merge: git says "No space left on device"');
  throws(() =>
    app.tx(() => {
      throw refusal;
    }), (error) => error === refusal);
  equal(app.db.fault, null);
});

// ------------------------------------------------------------------ watchStorage()

Deno.test("once writes fail they are tried until they succeed; then pages and queue are told", () => {
  using app = bareApp();
  const stop = watchStorage(app, app.timers);
  const messages: HubMessage[] = [];
  app.hub.subscribe((message) => messages.push(message));
  const repaired = breakWrites(app);
  throws(() => app.tx(() => {}));
  deepEqual(app.lines.map(({ level, message }) => [level, message]), [[
    "error",
    "nothing can be saved",
  ]]);
  app.advance(10 * RETRY_EVERY_MS);
  ok(app.db.fault !== null);
  equal(app.lines.length, 1, "it is said once");
  repaired();
  app.advance(RETRY_EVERY_MS);
  equal(app.db.fault, null);
  deepEqual(kinds(messages), ["storage", "storage", "jobs"]);
  match(app.lines.at(-1)!.message, /is kept again/);
  deepEqual(app.waitingTimers(), [], "and nothing is asked any more");
  stop();
  equal(app.hub.listeners, 1);
});

Deno.test("a small write that succeeds by luck does not end it: only a real look does", () => {
  using app = bareApp();
  watchStorage(app, app.timers);
  const repaired = breakWrites(app);
  throws(() => app.tx(() => {}));
  repaired();
  app.tx((tx) => tx.emit({ type: "note" }));
  ok(app.db.fault !== null);
  app.advance(RETRY_EVERY_MS);
  equal(app.db.fault, null);
});

Deno.test("what SQLite only calls an I/O error is named as the system names it, where it does", () => {
  using full = bareApp({ config: { dataDir: "/proc" } });
  watchStorage(full, full.timers);
  breakWrites(full, "disk I/O error");
  throws(() => full.tx(() => {}), { message: /the disk with the data folder is full/ });
  equal(full.db.fault?.kind, "disk_full");
  using broken = bareApp();
  watchStorage(broken, broken.timers);
  breakWrites(broken, "disk I/O error");
  throws(() => broken.tx(() => {}), { message: /the disk with the data folder fails/ });
});

Deno.test("damage is not over because some page can be written", () => {
  using app = bareApp();
  watchStorage(app, app.timers);
  const repaired = breakWrites(app, "database disk image is malformed");
  throws(() => app.tx(() => {}), { message: /Stop Gaffer and restore a backup/ });
  repaired();
  app.advance(10 * RETRY_EVERY_MS);
  equal(app.db.fault?.kind, "damaged");
});

Deno.test("a disk without room is full, although a small write may still fit", () => {
  using app = bareApp({ config: { dataDir: "/proc" } }); // there, no byte is ever free
  equal(findStorageFault(app)?.kind, "disk_full");
  using roomy = bareApp();
  equal(findStorageFault(roomy), null);
});

// ------------------------------------------------------------------ the queue

function queue(handle: AnyJobHandler["run"]) {
  const app = bareApp();
  const calls: string[] = [];
  const handler = {
    kind: "advance_ticket",
    run: (args: never, context: never) => {
      calls.push("called");
      return handle(args, context);
    },
  } as AnyJobHandler;
  const runner = createRunner({
    app,
    handlers: [handler],
    limits: { queues: { agents: 1, steps: 1, merges: 1, forges: 1, upkeep: 1 }, crashes: 3 },
    bootId: "boot",
    timers: app.timers,
  });
  const stopWatching = watchStorage(app, app.timers);
  return {
    app,
    calls,
    runner,
    add: () =>
      app.tx((tx) =>
        enqueue(tx, { kind: "advance_ticket", args: { ticketId: "t" }, uniqueKey: "ticket:t" })
      )!,
    [Symbol.dispose]() {
      stopWatching();
      app[Symbol.dispose]();
    },
  };
}

Deno.test("while nothing can be saved no job begins, and nobody is asked in a hurry; then they go on", async () => {
  using q = queue(() => Promise.resolve(done));
  q.runner.start();
  await q.runner.idle();
  const repaired = breakWrites(q.app);
  throws(() => q.app.tx(() => {}));
  const { exec } = q.app.db;
  let asked = 0;
  q.app.db.exec = (sql) => {
    asked++;
    exec(sql);
  };
  q.app.advance(MINUTE_MS);
  equal(asked, MINUTE_MS / RETRY_EVERY_MS, "only by what watches the disk");
  repaired();
  const id = q.add();
  await Promise.resolve();
  equal(q.calls.length, 0, "the fault is not over yet");
  q.app.advance(RETRY_EVERY_MS);
  await q.runner.idle();
  deepEqual([q.calls.length, getJob(q.app.db, id).status], [1, "completed"]);
});

Deno.test("a job that meets a full disk or too many open files waits for it, and loses no attempt", async () => {
  const errors = ["No space left on device (os error 28)", "Too many open files (os error 24)"];
  for (const message of errors) {
    let broken = true;
    using q = queue(() => broken ? Promise.reject(new Error(message)) : Promise.resolve(done));
    q.runner.start();
    const id = q.add();
    await q.runner.idle();
    for (let n = 2; n < 30; n++) {
      q.app.advance(MACHINE_FAULT_PAUSE_MS);
      await q.runner.idle();
      const job = getJob(q.app.db, id);
      deepEqual([job.status, job.attempt, q.calls.length], ["scheduled", 0, n]);
      const { message, failure } = job.errors.at(-1)!;
      match(message, /^(The disk .* is full\. Free some space|Gaffer has as many files)/);
      equal(failure, "machine_fault");
      equal(machineWaits(q.app.db)("ticket:t")?.reason, message);
    }
    broken = false;
    q.app.advance(MACHINE_FAULT_PAUSE_MS);
    await q.runner.idle();
    equal(getJob(q.app.db, id).status, "completed");
    equal(machineWaits(q.app.db)("ticket:t"), null);
  }
});

Deno.test("the end of a job that the disk did not take is recorded later, without a line for each try", async () => {
  const end = Promise.withResolvers<{ type: "done" }>();
  using q = queue(() => end.promise);
  q.runner.start();
  const id = q.add();
  while (q.calls.length === 0) await Promise.resolve();
  const repaired = breakWrites(q.app);
  end.resolve(done);
  while (q.app.db.fault === null) await new Promise<void>((resolve) => setImmediate(resolve));
  q.app.advance(20 * DB_RETRY_MS);
  equal(getJob(q.app.db, id).status, "executing");
  equal(q.app.lines.length, 1);
  repaired();
  q.app.advance(RETRY_EVERY_MS + DB_RETRY_MS);
  await q.runner.idle();
  deepEqual([getJob(q.app.db, id).status, q.calls.length], ["completed", 1]);
});

Deno.test("should the news of the end be missed, the queue looks again by itself", async () => {
  using q = queue(() => Promise.resolve(done));
  q.runner.start();
  const id = q.add();
  q.app.db.fault = { kind: "disk_full", since: "" };
  await Promise.resolve();
  q.app.db.fault = null; // nobody rings
  q.app.advance(SAFETY_POLL_MS);
  await q.runner.idle();
  equal(getJob(q.app.db, id).status, "completed");
});

// ------------------------------------------------------------------ a paid turn

Deno.test("a turn that is paid for is kept until it can be saved, and not paid for again", async () => {
  await using fake = startFakeClaude();
  using brains = poolFor(fake);
  fake.enqueue(handIn);
  let refusals = 2;
  const log: RunEventBody[] = [];
  const { host } = recorder({
    append(event) {
      if (event.type === "turn_finished" && refusals-- > 0) {
        throw new Unavailable("disk_full", "save it");
      }
      log.push(event);
    },
  });
  const outcome = await brains.run(runSpec(), [], 0, host, never);
  equal(outcome.type, "succeeded");
  deepEqual(typesOf(log), ["turn_started", "turn_finished"]);
  equal(fake.paidTurns, 1);
});

Deno.test("an answer outlives hours of a full disk, and is asked for once", async () => {
  using app = bareApp();
  await using fake = startFakeClaude();
  using brains = poolFor(fake, { timers: app.timers, heartbeatMs: DAY_MS });
  fake.enqueue(handIn);
  const full = Promise.withResolvers<void>();
  let isFull = true;
  let tries = 0;
  const log: RunEventBody[] = [];
  const { host } = recorder({
    append(event) {
      if (event.type === "turn_finished") {
        tries++;
        full.resolve();
        if (isFull) throw new Unavailable("disk_full", "save it");
      }
      log.push(event);
    },
  });
  const outcome = brains.run(runSpec(), [], 0, host, never);
  await full.promise;
  for (let passedMs = 0; passedMs < HOUR_MS; passedMs += MINUTE_MS) {
    app.advance(MINUTE_MS);
    await new Promise<void>((resolve) => setImmediate(resolve)); // what was refused is to be tried again
  }
  ok(tries >= HOUR_MS / MINUTE_MS, "it is tried again and again");
  isFull = false;
  app.advance(SECOND_MS);
  equal((await outcome).type, "succeeded");
  deepEqual(typesOf(log), ["turn_started", "turn_finished"]);
  equal(fake.requests.length, 1);
});

Deno.test("the time in which an answer waits for the disk is none of the run's", async () => {
  await using fake = startFakeClaude();
  using brains = poolFor(fake);
  fake.enqueue(answer(toolUse("Edit", {})), handIn);
  let refusals = 2;
  let fullAtMs = 0;
  let waitedMs = 0;
  const reached: { elapsedMs: number; passedMs: number }[] = [];
  const beganMs = performance.now();
  const { host } = recorder({
    append(event) {
      const nowMs = performance.now();
      if (event.type === "turn_started") {
        reached.push({ elapsedMs: event.elapsedMs!, passedMs: nowMs - beganMs });
      }
      if (event.type !== "turn_finished" || event.turn !== 1) return;
      fullAtMs ||= nowMs;
      if (refusals-- > 0) throw new Unavailable("disk_full", "save it");
      waitedMs = nowMs - fullAtMs;
    },
  });
  equal((await brains.run(runSpec(), [], 0, host, never)).type, "succeeded");
  const [, second] = reached;
  ok(waitedMs > 0 && second!.elapsedMs <= Math.ceil(second!.passedMs - waitedMs));
});

Deno.test("a run that is stopped while its turn can't be saved stops within its grace", async () => {
  await using fake = startFakeClaude();
  using brains = poolFor(fake, { stopGraceMs: 50 });
  fake.enqueue(handIn);
  const stop = new AbortController();
  const { host } = recorder({
    append(event) {
      if (event.type !== "turn_finished") return;
      stop.abort();
      throw new Unavailable("disk_full", "save it");
    },
  });
  deepEqual(await brains.run(runSpec(), [], 0, host, stop.signal), { type: "stopped" });
});

// ------------------------------------------------------------------ the proof that agents are confined

Deno.test("what the machine kept from being proven is tried again; a hole stays a hole", async () => {
  using app = bareApp();
  // The pause between two tries keeps no process alive.
  using _alive = keepAlive();
  const prove = async (...answers: (string | null)[]) => {
    const given = [...answers];
    const hole = await proveWhenPossible(() => Promise.resolve(given.shift()!), app.log, never, 0);
    return [hole, given.length];
  };
  const full = "could not be proven (No space left on device (os error 28))";
  const files = "has a hole (the canary could not run: Too many open files (os error 24))";
  deepEqual(await prove(null), [null, 0]);
  deepEqual(await prove(full, files, null), [null, 0]);
  deepEqual(await prove(full, "it could read a file", null), ["it could read a file", 1]);
  equal(app.lines.length, 3);
  const slow = "could not be proven (Hands were lost: it did not start in time)";
  deepEqual(await prove(slow, "has a hole (no answer)", slow, null), [null, 0]);
  deepEqual(await prove(slow, slow, slow, slow, null), [slow, 1], "told, and not tried for ever");
});

Deno.test("a sandbox that can't be tried for want of open files is tried again, and nothing runs without meanwhile", async () => {
  const problem = "Too many open files (os error 24)";
  let lacking = true;
  let tries = 0;
  const find = sandboxFinder({
    bwrap: "/usr/bin/bwrap",
    pauseMs: 0,
    tryIt: () => {
      tries++;
      return Promise.resolve(lacking ? problem : null);
    },
  });
  const hands = {
    async confinement() {
      const { kind, hint } = tried(await find());
      return { kind, hint };
    },
  };
  const confinement: Confinement = { kind: "process", hint: "" };
  const first = await find();
  deepEqual([first.kind, first.untried], ["process", true]);
  match(first.hint, /could not be tried yet: Too many open files/);
  const unsettled = await learnConfinement(hands, confinement);
  match(unsettled!, /as many files and connections open as the system lets it/);
  equal(machineFaultOf(unsettled!), "out_of_files", "so the proof is tried again");
  deepEqual(confinement, { kind: "process", hint: "" });

  lacking = false;
  equal(await learnConfinement(hands, confinement), null);
  deepEqual(confinement, { kind: "bubblewrap", hint: "" });
  const before = tries;
  deepEqual((await find()).limitsTmp, true);
  equal(tries, before, "what was found is remembered");
});

Deno.test("a sandbox that does not work is not tried for ever, whatever words it has for that", async () => {
  let tries = 0;
  const find = sandboxFinder({
    bwrap: "/usr/bin/bwrap",
    pauseMs: 0,
    tryIt: () => {
      tries++;
      return Promise.resolve("bwrap: Creating new namespace failed: No space left on device");
    },
  });
  const found = tried(await find());
  deepEqual([found.kind, found.untried], ["process", undefined]);
  match(found.hint, /it does not work here: .*No space left/);
  const before = tries;
  await find();
  equal(tries, before);
  equal(tried(await sandboxFinder({ bwrap: null })()).kind, "process");
});

Deno.test("a stop does not wait for a proof that can't be made", async () => {
  using app = bareApp();
  const stop = new AbortController();
  const proven = proveWhenPossible(() => Promise.resolve("disk I/O error"), app.log, stop.signal);
  stop.abort();
  equal(await proven, "disk I/O error");
});

// ------------------------------------------------------------------ requests

function site() {
  return bench({
    api: (api) => {
      api.post("/notes", { summary: "Notes", out: () => anything() }, ({ app }) => {
        transact(app, (tx) => tx.emit({ type: "note" }));
        return { noted: true };
      });
      api.get("/notes", { summary: "Notes", out: () => anything() }, ({ app }) => ({
        notes: app.db.prepare("SELECT count(*) AS n FROM events").get()!.n,
      }));
      api.post("/files", { summary: "Files", out: () => anything() }, () => {
        throw new Error("Too many open files (os error 24)");
      });
    },
    pages: (pages) => {
      pages.post("/note", (c) => {
        transact(c.var.app, (tx) => tx.emit({ type: "note" }));
        return c.redirect("/", 303);
      });
      pages.get("/", (c) => c.text("a page"));
    },
  });
}
// deno-lint-ignore no-explicit-any
const anything = (): any => ({ safeParse: (data: unknown) => ({ success: true, data }) });

Deno.test("a change is answered with 503, why, what to do and when to come back; pages are still served", async () => {
  using b = site();
  const repaired = breakWrites(b.app);
  const refused = await b.post("/notes");
  equal(refused.status, 503);
  equal(refused.headers.get("content-type"), "application/problem+json");
  match(refused.headers.get("retry-after")!, /^[1-9]\d*$/);
  const problem = await refused.json();
  equal(problem.code, "unavailable");
  match(
    problem.detail,
    /^Cannot save it: the disk .* is full\. Free some space on it; .* by itself$/,
  );
  equal((await b.http.request("/api/v1/notes")).status, 200);
  equal((await b.http.request("/")).status, 200);
  const page = await b.http.request("/note", { method: "POST" });
  equal(page.status, 503);
  match(page.headers.get("retry-after")!, /^\d+$/);
  match(b.shown.at(-1)!.message, /the disk with the data folder is full/);
  equal(b.app.lines.length, 0, "a full disk is no fault of each request");
  repaired();
  equal((await b.post("/notes")).status, 200);
});

Deno.test("what else the machine lacks is answered so, too", async () => {
  using b = site();
  const refused = await b.post("/files");
  equal(refused.status, 503);
  match((await refused.json()).detail, /as many files and connections open.*ulimit -n/);
});

Deno.test("a request that could not be saved may be sent again with its Idempotency-Key", async () => {
  for (const failing of ["BEGIN", "COMMIT"]) {
    using b = site();
    const send = () => b.post("/notes", {}, { "idempotency-key": "once" });
    const { exec } = b.app.db;
    b.app.db.exec = (sql) => {
      if (sql.startsWith(failing)) throw new Error("database or disk is full");
      exec(sql);
    };
    equal((await send()).status, 503, failing);
    b.app.db.exec = exec;
    equal((await send()).status, 200);
    const notes = await (await b.http.request("/api/v1/notes")).json();
    equal(notes.notes, 1);
    const third = await send();
    equal(third.headers.get("idempotency-replayed"), "true");
    equal((await (await b.http.request("/api/v1/notes")).json()).notes, 1);
  }
});

Deno.test("/healthz finds out that nothing can be saved, says since when, and is ok again afterwards", async () => {
  using b = site();
  watchStorage(b.app, b.app.timers);
  equal((await b.http.request("/healthz")).status, 200);
  const repaired = breakWrites(b.app, "attempt to write a readonly database");
  const bad = await b.http.request("/healthz");
  equal(bad.status, 503);
  const since = new Date(START_MS).toISOString();
  deepEqual(await bad.json(), {
    status: "unavailable",
    failing: "writes",
    since,
    what: machineFaults.read_only.what,
    mend: machineFaults.read_only.mend,
  });
  deepEqual(b.app.db.fault, { kind: "read_only", since }, "the pages say it from now on");
  repaired();
  b.app.advance(RETRY_EVERY_MS);
  equal((await b.http.request("/healthz")).status, 200);
});

Deno.test("/healthz of a database that is closed is 503, and the process lives", async () => {
  using b = bench({ app: bareApp() });
  const db = openDb(":memory:");
  db.close();
  b.app.db.prepare = db.prepare;
  const bad = await b.http.request("/healthz");
  deepEqual([bad.status, (await bad.json()).failing], [503, "reads"]);
});

function keepAlive(): Disposable {
  const timer = setInterval(() => {}, 1_000);
  return { [Symbol.dispose]: () => clearInterval(timer) };
}
