/**
 * The queue: beside a bare loop that sends SQLite the same statements (the limit), and beside plainjob. All in
 * the same run, taking turns, so that what else the machine does falls on each of them alike.
 */
import { join } from "node:path";
import { tempDir } from "../tests/gaffer.ts";
import { cpuMs, gafferOn, serve } from "./programs.ts";
import { measurePlainjob, type PlainjobFigures } from "./plainjob.ts";
import { BareQueue } from "./queue_bare.ts";
import * as ours from "./queue_ours.ts";
import type { Sync } from "./queue_ours.ts";
import { type Group, type Measured, quantile } from "./table.ts";

const JOBS = 5_000;
const ROUNDS = 5;
const STARTS = 50;
const MILLION = 1_000_000;
const CLAIMS = 2_000;
const FEW = 1_000;
const CLAIMS_OF_FEW = 500;
/** Enough to make the log as long as it gets: a new one is slower, since each commit makes its file longer. */
const WARM_UP_JOBS = 20_000;
/** At least this share of the limit. */
const SHARE = 0.8;
/**
 * BullMQ 6.7 on Redis with every write synced, in microseconds per job: the fastest peer that is as safe from a
 * loss of power. It needs a server of its own, so it was measured once, on a machine of this size.
 */
const BULLMQ_US = [1e6 / 2_097, 1e6 / 2_097, 1e6 / 1_799, 1e6 / 5_186];
/** NORMAL drains at least so much faster than plainjob. */
const FASTER = 1.5;
const CLAIM_P99_MS = 0.4;
const IDLE_SETTLE_MS = 10_000;
const IDLE_MS = 20_000;

const steps = ["enqueue, one by one", "enqueue, ten at once", "drain, 1 slot", "drain, 10 slots"];
const modes: Sync[] = ["FULL", "NORMAL"];
const START = "idle to start, p50";
const CLAIM = "claim with 1,000,000 waiting";
const COMMITTED = "claim and commit with 1,000,000 waiting";
const CLAIM_QUANTILES = [0.5, 0.99];
const FLAT = "drain with 1,000,000 waiting, times that with 1,000";
const IDLE = "idle server, CPU per second";
const at = (row: string) => (q: number) => `${row}, p${q * 100}`;
const of = (mode: Sync) => (row: string) => `queue ${mode}: ${row}`;

export const queue: Group = {
  name: "queue",
  rows: [
    ...modes.flatMap((mode) =>
      [...steps, START, ...[CLAIM, COMMITTED].flatMap((row) => CLAIM_QUANTILES.map(at(row))), FLAT]
        .map(of(mode))
    ),
    IDLE,
  ],
  async measure() {
    const peer = await measurePlainjob(JOBS, MILLION);
    console.log(
      typeof peer === "string"
        ? peer
        : `Queue: beside plainjob ${peer.version}, which writes as NORMAL`,
    );
    const figures = typeof peer === "string" ? null : peer;
    const rows: Measured[] = [];
    for (const mode of modes) {
      rows.push(...await measureSteps(mode, figures), ...await measureMillion(mode, figures));
    }
    rows.push(await measureIdle());
    return rows;
  },
};

async function measureSteps(mode: Sync, peer: PlainjobFigures | null): Promise<Measured[]> {
  await using temp = await tempDir("gaffer-bench-");
  const times: Record<string, { ours: number[]; bare: number[] }> = {};
  const note = (step: string, bare: number, our: number) => {
    (times[step] ??= { ours: [], bare: [] }).bare.push(bare);
    times[step]!.ours.push(our);
  };
  for (let round = 0; round < ROUNDS; round++) {
    const path = (name: string) => join(temp.path, `${name}_${round}.db`);
    using bare = new BareQueue(path("bare"), mode);
    using app = ours.openQueue(path("ours"), mode);
    bare.warmUp(WARM_UP_JOBS);
    ours.warmUp(app, WARM_UP_JOBS);
    note(steps[0]!, bare.enqueue(JOBS, 1), ours.enqueueOneByOne(app, JOBS));
    note(steps[1]!, bare.enqueue(JOBS, 10), await ours.enqueueTenAtOnce(app, JOBS));
    // Both have as many waiting now.
    note(steps[2]!, bare.drain(JOBS, 1), await ours.drain(app, JOBS, 1));
    note(steps[3]!, bare.drain(JOBS, 10), await ours.drain(app, JOBS, 10));
  }
  const peers = [peer?.enqueueUs, undefined, peer?.drain1Us, peer?.drain10Us];
  return steps.map((step, n) => {
    const { ours, bare } = times[step]!;
    const limit = quantile(bare, 0.5);
    const theirs = peers[n] ? quantile(peers[n], 0.5) : null;
    const goal = mode === "FULL"
      ? Math.min(limit / SHARE, BULLMQ_US[n]!)
      : n >= 2 && theirs !== null
      ? theirs / FASTER
      : undefined;
    return {
      name: of(mode)(step),
      unit: "µs per job",
      values: ours,
      limit,
      peer: theirs,
      ...goal === undefined ? {} : { goal },
    };
  });
}

async function measureMillion(mode: Sync, peer: PlainjobFigures | null): Promise<Measured[]> {
  await using temp = await tempDir("gaffer-bench-");
  using app = ours.openQueue(join(temp.path, "gaffer.db"), mode);
  ours.warmUp(app, WARM_UP_JOBS);
  const starts = await ours.idleToStart(app, STARTS);
  const few: number[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    ours.fill(app, 2 * FEW);
    few.push(await ours.drain(app, FEW, 10));
    await ours.drain(app, FEW, 10);
  }
  ours.fillFast(app, FEW);
  const fewClaims = ours.claimTimes(app, CLAIMS_OF_FEW);
  ours.fillFast(app, MILLION);
  const claims = ours.claimTimes(app, CLAIMS);
  const many: number[] = [];
  for (let round = 0; round < ROUNDS; round++) many.push(await ours.drain(app, FEW, 10));
  const usual = quantile(few, 0.5);
  return [
    {
      name: of(mode)(START),
      unit: "ms",
      values: starts,
      goal: 3,
      peer: peer ? quantile(peer.idleToStartMs, 0.5) : null,
    },
    ...CLAIM_QUANTILES.map((q) => ({
      name: of(mode)(at(CLAIM)(q)),
      unit: "ms",
      values: [quantile(claims.map(({ ownMs }) => ownMs), q)],
      ...q === 0.99 ? { goal: CLAIM_P99_MS } : {},
      limit: quantile(fewClaims.map(({ ownMs }) => ownMs), q), // the same with a thousand waiting
    })),
    ...CLAIM_QUANTILES.map((q) => ({
      name: of(mode)(at(COMMITTED)(q)),
      unit: "ms",
      values: [quantile(claims.map(({ wholeMs }) => wholeMs), q)],
      // Where each commit is synced, this is the disk's own figure.
      ...q === 0.99 && mode === "NORMAL" ? { goal: CLAIM_P99_MS } : {},
      limit: quantile(fewClaims.map(({ wholeMs }) => wholeMs), q),
      peer: peer ? quantile(peer.claimMs, q) : null,
    })),
    { name: of(mode)(FLAT), unit: "times", values: many.map((us) => us / usual), goal: 1.5 },
  ];
}

async function measureIdle(): Promise<Measured> {
  await using temp = await tempDir("gaffer-bench-");
  await using served = await serve(gafferOn(join(temp.path, "data")), temp.path);
  await new Promise((resolve) => setTimeout(resolve, IDLE_SETTLE_MS));
  const before = await cpuMs(served.pid);
  await new Promise((resolve) => setTimeout(resolve, IDLE_MS));
  const perSecond = (await cpuMs(served.pid) - before) / (IDLE_MS / 1_000);
  return { name: IDLE, unit: "ms", values: [perSecond], goal: 2 };
}
