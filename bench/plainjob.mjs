// The same steps with plainjob, for Node: run in a folder where it and better-sqlite3 are installed
// (bench/plainjob.ts). Prints one line of JSON. Its writes are not safe from a loss of power (NORMAL).
import { readFileSync } from "node:fs";
import { better, defineQueue, defineWorker } from "plainjob";
import Database from "better-sqlite3";

const [folder, jobs, waiting] = [process.argv[2], Number(process.argv[3]), Number(process.argv[4])];
const logger = { error: console.error, warn() {}, info() {}, debug() {} };
let files = 0;
const open = () =>
  defineQueue({ connection: better(new Database(`${folder}/${files++}.db`)), logger });
const perJobUs = (begin, count) => (performance.now() - begin) * 1000 / count;

function enqueue() {
  const queue = open();
  const begin = performance.now();
  for (let n = 0; n < jobs; n++) queue.add("step", { ticketId: `ticket_${n}` });
  const us = perJobUs(begin, jobs);
  queue.close();
  return us;
}

async function drain(concurrency) {
  const queue = open();
  queue.addMany("step", Array.from({ length: jobs }, (_, n) => ({ ticketId: `ticket_${n}` })));
  let left = jobs;
  let finish;
  const finished = new Promise((resolve) => finish = resolve);
  const workers = Array.from({ length: concurrency }, () =>
    defineWorker("step", () => {
      if (--left === 0) finish();
    }, { queue, logger }));
  const begin = performance.now();
  for (const worker of workers) worker.start().catch(() => {});
  await finished;
  const us = perJobUs(begin, jobs);
  await Promise.all(workers.map((worker) => worker.stop()));
  queue.close();
  return us;
}

async function idleToStart(samples) {
  const queue = open();
  let begun;
  const worker = defineWorker("step", () => begun(), { queue, logger });
  worker.start().catch(() => {});
  const times = [];
  for (let n = 0; n < samples; n++) {
    await new Promise((resolve) => setTimeout(resolve, 37 * (n + 1)));
    const started = new Promise((resolve) => begun = resolve);
    const begin = performance.now();
    queue.add("step", {});
    await started;
    times.push(performance.now() - begin);
  }
  await worker.stop();
  queue.close();
  return times;
}

function claim() {
  const queue = open();
  for (let n = 0; n < waiting; n += 10_000) {
    queue.addMany("step", Array.from({ length: 10_000 }, (_, i) => ({ n: n + i })));
  }
  const times = Array.from({ length: 2_000 }, () => {
    const begin = performance.now();
    queue.getAndMarkJobAsProcessing("step");
    return performance.now() - begin;
  });
  queue.close();
  return times;
}

const repeated = async (work) => [await work(), await work(), await work()];
console.log(JSON.stringify({
  version:
    JSON.parse(readFileSync(`${import.meta.dirname}/node_modules/plainjob/package.json`)).version,
  enqueueUs: await repeated(enqueue),
  drain1Us: await repeated(() => drain(1)),
  drain10Us: await repeated(() => drain(10)),
  idleToStartMs: await idleToStart(7),
  claimMs: claim(),
}));
