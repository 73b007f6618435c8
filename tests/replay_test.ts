/** What replay() makes of logs: of real ones the same once more, of impossible ones the first event that is wrong. */
import { deepStrictEqual as deepEqual, rejects, strictEqual as equal } from "node:assert";
import { STUCK_AFTER } from "../agents/loop/circles.ts";
import { replay } from "../agents/loop/replay.ts";
import { demoModel } from "../agents/models.ts";
import type { RunEventBody, RunOutcome } from "../agents/protocol.ts";
import { AppError } from "../server/errors.ts";
import type { Job, Run } from "../server/records.ts";
import { giveUpJob } from "../server/services/jobs.ts";
import type { FailureReason } from "../server/states.ts";
import { appendRunEvent, readRunLog } from "../server/store/run_log.ts";
import { listIdeaRuns } from "../server/store/runs.ts";
import {
  answer,
  broken,
  call,
  type Play,
  play,
  runSpec,
  type Scripted,
  stopped,
  submit,
  text,
  usage,
} from "./loop_support.ts";
import { madeUpRun, SEEDS } from "./made_up_runs.ts";
import { Stage } from "./recorded_runs.ts";
import { stories } from "./recorded_stories.ts";
import { executeRun, type TestApp, testApp } from "./support.ts";

/** The log that the server has of a whole run. */
async function recorded(options: Play): Promise<RunEventBody[]> {
  const { log, outcome } = await play(options);
  return [{ type: "started", spec: options.spec ?? runSpec() }, ...log, ...endOf(outcome)];
}

function endOf(outcome: RunOutcome): RunEventBody[] {
  switch (outcome.type) {
    case "succeeded":
      return [{ type: "succeeded", result: outcome.result }];
    case "failed":
      return [{ type: "failed", reason: outcome.reason, message: outcome.message }];
    case "retry":
      return [{ type: "waiting", reason: outcome.message, failure: outcome.reason }];
    default:
      return [];
  }
}

async function sameAgain(log: RunEventBody[], where = ""): Promise<void> {
  const { events, equal: isEqual, firstDifference } = await replay(log);
  deepEqual(firstDifference, null, `${where} ${JSON.stringify(firstDifference)}`);
  equal(isEqual, true);
  deepEqual(events.length, log.length, where);
}

async function firstWrong(log: RunEventBody[]) {
  const { equal: isEqual, firstDifference, events } = await replay(log);
  equal(isEqual, false, "the replay found nothing");
  deepEqual(events, log.slice(0, firstDifference!.number - 1));
  return firstDifference!;
}

// ---------------------------------------------------------------- the same again

for (const story of stories) {
  Deno.test(`a recorded run comes out the same, from any beginning of its log: ${story.name}`, async () => {
    await using stage = new Stage(story);
    const { log } = await stage.record();
    for (let length = 0; length <= log.length; length++) {
      await sameAgain(log.slice(0, length), `after event ${length}`);
    }
  });
}

Deno.test("runs drawn by lot come out the same, and so do those that were killed on the way", async () => {
  for (const seed of SEEDS.slice(0, 30)) {
    const options = madeUpRun(seed);
    const whole = await play(options);
    const start: RunEventBody = { type: "started", spec: options.spec! };
    await sameAgain([start, ...whole.log, ...endOf(whole.outcome)], `seed ${seed}`);
    for (let length = 0; length < whole.log.length; length += 4) {
      const log = whole.log.slice(0, length);
      const done = log.filter(({ type }) => type === "turn_finished" || type === "turn_failed");
      const later = await play({ ...options, log, script: options.script.slice(done.length) });
      await sameAgain(
        [start, ...later.log, ...endOf(later.outcome)],
        `seed ${seed}, killed after ${length}`,
      );
    }
  }
});

Deno.test("a run that was told of its time, and then ran out of it, comes out the same", async () => {
  const spec = runSpec();
  spec.limits.timeoutMs = 10_000;
  const script = ["a", "b", "c"].map((id) => answer(call(id, "Read", { id })));
  const log = await recorded({ spec, script, requestMs: 4_100 });
  deepEqual(log.findLast((event) => event.type === "note")?.elapsedMs, 8_202);
  equal(log.at(-1)!.type, "failed");
  await sameAgain(log);
});

Deno.test("waits that were drawn by lot, and those that a server asked for, come out the same", async () => {
  for (const random of [0, 0.123, 0.999]) {
    await sameAgain(
      await recorded({
        random,
        script: [
          broken("overloaded"),
          broken("rate_limited", { retryAfterMs: 7_000 }),
          broken("stream_broken", { usage: usage(500, 1) }),
          submit(),
        ],
      }),
    );
  }
  const longWait = await recorded({
    script: [broken("rate_limited", { retryAfterMs: 3_600_000 })],
  });
  equal(longWait.at(-1)!.type, "waiting");
  await sameAgain(longWait);
});

Deno.test("a run that was stopped in a request, and told what it had cost, comes out the same", async () => {
  const stop = new AbortController();
  const giveUp = () => (stop.abort(), broken("worker_lost", { usage: usage(300, 2) }));
  const first = await play({ script: [giveUp], signal: stop.signal });
  deepEqual(first.outcome, { type: "stopped" });
  const later = await play({ log: first.log, script: [submit()] });
  await sameAgain([{ type: "started", spec: runSpec() }, ...later.log, ...endOf(later.outcome)]);
});

Deno.test("what a person says, pauses, forks or cancels is taken over as it is", async () => {
  const [started, sent, answered, begun, finished] = await recorded({
    script: [answer(call("a", "Read")), submit()],
  });
  const note: RunEventBody = { type: "note", text: "You go in circles, I think", by: "owner" };
  const paused: RunEventBody = { type: "waiting", reason: "Paused by owner", failure: null };
  const resumed: RunEventBody = { type: "resumed", reason: "Resumed by owner" };
  const cancelled: RunEventBody = { type: "cancelled", by: "owner" };
  for (
    const log of [
      [note, paused, resumed, started!, sent!, answered!, begun!, finished!, cancelled],
      [started!, note, sent!, note, answered!, begun!, note, finished!, note, paused, cancelled],
      [started!, sent!, cancelled],
      [started!, sent!, answered!, paused, resumed, begun!, paused, resumed, finished!, cancelled],
      [started!, sent!, answered!, begun!, cancelled],
    ]
  ) {
    await sameAgain(structuredClone(log), log.map(({ type }) => type).join(", "));
  }
});

/** Each is the loop's own, or may come from outside; who adds one has to say which. */
const isOfLoop: Record<FailureReason, boolean> = {
  ...all(true, "rate_limited", "overloaded", "network", "server_error", "stream_broken"),
  ...all(true, "authentication", "billing", "permission", "spend_limit", "model_not_found"),
  ...all(true, "invalid_request", "refusal", "output_limit", "context_full"),
  ...all(true, "max_turns", "max_tokens", "max_cost", "stuck", "no_result"),
  // The loop comes to these, too.
  ...all(false, "timed_out", "stalled", "worker_lost", "internal", "machine_fault", "budget"),
  ...all(false, "quarantined", "unconfined", "commands_not_allowed", "repository", "cancelled"),
  // Of tickets only, so far.
  ...all(
    false,
    "agent_blocked",
    "taken_over",
    "demo_limit",
    "denied",
    "checks_failed",
    "setup_failed",
  ),
  ...all(false, "checks_misconfigured"),
  ...all(false, "setup_offline"),
  ...all(false, "no_changes", "merge_conflict", "merge_checks_failed", "dependency_cancelled"),
};

function all<R extends FailureReason>(of: boolean, ...reasons: R[]): Record<R, boolean> {
  return Object.fromEntries(reasons.map((reason) => [reason, of])) as Record<R, boolean>;
}

for (const [reason, ofLoop] of Object.entries(isOfLoop) as [FailureReason, boolean][]) {
  const failed: RunEventBody = { type: "failed", reason, message: "from outside" };
  const what = ofLoop
    ? "is found to be wrong where the loop would not have come to it"
    : "is taken over wherever the server put it";
  Deno.test(`a run that failed with ${reason} ${what}`, async () => {
    const log = await recorded({ script: [answer(call("a", "Read")), submit()] });
    const paused: RunEventBody = { type: "waiting", reason: "Paused by owner", failure: null };
    const resumed: RunEventBody = { type: "resumed", reason: "Resumed by owner" };
    for (let length = 1; length < log.length; length++) {
      const begin = log.slice(0, length);
      for (const between of [[], [paused], [paused, resumed]]) {
        const whole: RunEventBody[] = [...begin, ...between, failed];
        if (ofLoop) deepEqual((await firstWrong(whole)).recorded, failed);
        else await sameAgain(whole, `after event ${length} and ${between.length} more`);
      }
    }
  });
}

Deno.test("a run that the server ended for its job, or for what it met, comes out the same", async () => {
  const ends: ((app: TestApp, run: Run) => unknown)[] = [
    ...(["internal", "timed_out", "quarantined"] as const).map(
      (failure) => (app: TestApp, run: Run) => {
        const job = { kind: "run_agent", args: { runId: run.id } } as unknown as Job;
        app.tx((tx) => giveUpJob(app, tx, job, "It was given up", failure));
      },
    ),
    ...(["commands_not_allowed", "repository", undefined] as const).map((failure) => {
      return (app: TestApp, run: Run) => {
        app.agents.run = () =>
          Promise.reject(new AppError("conflict", "It can't", [], { failure }));
        return executeRun(
          app,
          run.id,
          { attempt: 1, maxAttempts: 100 },
          new AbortController().signal,
        );
      };
    }),
  ];
  for (const end of ends) {
    using app = testApp();
    const idea = await app.idea("refining");
    const [run] = listIdeaRuns(app.db, idea.id);
    const whole = await recorded({
      spec: runSpec({ runId: run!.id }),
      script: [answer(call("a", "Read")), submit()],
    });
    const begin = whole.slice(0, -3);
    app.tx((tx) => begin.forEach((event) => appendRunEvent(tx, run!, event)));
    await end(app, run!);
    const log = readRunLog(app.db, run!.id).map(({ body }) => body);
    deepEqual([log.length, log.at(-1)!.type], [begin.length + 1, "failed"]);
    await sameAgain(log);
  }
});

Deno.test("a log of the first version, which told less, comes out the same", async () => {
  const options: Play = { script: [broken("overloaded"), answer(call("a", "Read")), submit()] };
  const log = await recorded(options);
  const older = JSON.parse(JSON.stringify(log), function (key, value) {
    const isNew = key === "elapsedMs" || (key === "durationMs" && this.type === "turn_failed");
    return isNew ? undefined : value;
  }) as RunEventBody[];
  await sameAgain(older);
  // A request that a restart cut off had no end of its own.
  await sameAgain([...older.slice(0, 2), ...older.slice(1)]);
});

Deno.test("a log without a beginning is nothing to replay", async () => {
  deepEqual(await replay([]), { events: [], equal: true, firstDifference: null });
  await sameAgain([{ type: "waiting", reason: "Paused", failure: null }]);
});

Deno.test("a run of the demo model comes out the same", async () => {
  const spec = runSpec({ model: demoModel });
  await sameAgain(await recorded({ spec, script: [submit()] }));
});

// ---------------------------------------------------------------- what can't be

Deno.test("a reminder that the loop would not have given is the first difference", async () => {
  const log = await recorded({ script: [answer(text("Done?")), submit()] });
  const index = log.findIndex(({ type }) => type === "nudge");
  const wrong = structuredClone(log);
  wrong[index] = { type: "nudge", text: "Something else" };
  deepEqual(await firstWrong(wrong), {
    number: index + 1,
    recorded: wrong[index],
    replayed: log[index],
  });
  const without = log.toSpliced(index, 1);
  deepEqual((await firstWrong(without)).number, index + 1);
});

Deno.test("a cost that does not follow from the usage is found", async () => {
  const log = await recorded({ script: [submit()] });
  const wrong = structuredClone(log);
  const turn = wrong.find((event) => event.type === "turn_finished")!;
  turn.costMicroUsd += 1;
  const found = await firstWrong(wrong);
  equal(found.number, wrong.indexOf(turn) + 1);
});

Deno.test("a result that nobody handed in is found", async () => {
  const log = await recorded({ script: [submit({ n: 1 })] });
  const wrong: RunEventBody[] = [...log.slice(0, -1), { type: "succeeded", result: { n: 2 } }];
  deepEqual((await firstWrong(wrong)).replayed, { type: "succeeded", result: { n: 1 } });
  const early: RunEventBody[] = [log[0]!, { type: "succeeded", result: { n: 1 } }];
  equal((await firstWrong(early)).number, 2);
});

Deno.test("a run that went on where it should have been stopped is found", async () => {
  const again = Array.from({ length: STUCK_AFTER }, (_, i) => answer(call(`c${i}`, "Read")));
  const tools: Play["tools"] = ({ name }) => name === "submit_result" ? {} : { content: "same" };
  const log = await recorded({ script: again, tools });
  const sent: RunEventBody = { type: "turn_started", turn: 6, maxOutputTokens: 16_384 };
  const found = await firstWrong([...log.slice(0, -1), sent]);
  deepEqual([found.number, found.replayed], [log.length, null], "the loop had come to its end");
  const otherwise: RunEventBody = { type: "failed", reason: "no_result", message: "gave up" };
  deepEqual((await firstWrong([...log.slice(0, -1), otherwise])).replayed, log.at(-1));
});

Deno.test("an answer to no request, and a try too many, are found", async () => {
  const log = await recorded({ script: [answer(call("a", "Read")), submit()] });
  equal((await firstWrong(log.toSpliced(1, 1))).number, 2);
  const tries: Scripted[] = Array(4).fill(broken("overloaded"));
  const failed = await recorded({ script: tries });
  const last = failed.findLast((event) => event.type === "turn_failed")!;
  const wrong = failed.map((event) => event === last ? { ...last, retryInMs: 8_000 } : event);
  equal((await firstWrong(wrong)).number, wrong.length - 1);
});

Deno.test("an answer that was cut off twice ends the run, and a log that says otherwise is wrong", async () => {
  const cut = stopped("max_tokens", text("so long"));
  const log = await recorded({ script: [cut, cut] });
  await sameAgain(log);
  const wrong: RunEventBody[] = [
    ...log.slice(0, -1),
    { type: "turn_started", turn: 1, maxOutputTokens: 1 },
  ];
  equal((await firstWrong(wrong)).number, log.length);
});

Deno.test("an event of a newer version is refused, naming run and number", async () => {
  const log = await recorded({ script: [submit()] });
  const newer = { type: "teleported", to: "mars" } as unknown as RunEventBody;
  await rejects(replay(log.toSpliced(3, 0, newer)), {
    code: "conflict",
    message: /run "run_1": its event 4 is of the type "teleported".*newer/,
  });
});
