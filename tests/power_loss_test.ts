/**
 * Power loss: what is left of the write-ahead log, cut or torn anywhere, gives exactly the commits before that
 * place, and the server starts on it and goes on.
 */
import { deepStrictEqual as deepEqual, ok, strictEqual as equal } from "node:assert";
import { Buffer } from "node:buffer";
import { DatabaseSync } from "node:sqlite";
import { join } from "node:path";
import { migrate, openDb } from "../server/db.ts";
import { readLength } from "./chaos/length.ts";
import { Random } from "./chaos/random.ts";
import { chaosAgents, chaosRepo, commands, titleOf } from "./chaos/story.ts";
import { Images, readWal, type Whole } from "./chaos/wal.ts";
import { startFakeClaude } from "./fake_claude/mod.ts";
import { Client, startGaffer, tempDir } from "./gaffer.ts";
import type { TestRepo } from "./git_support.ts";
import { addProject, answerAll } from "./journey_support.ts";

const { seed, kills, isLong } = readLength();
const cases = isLong ? 50 * kills : 600;
const IDEAS = 4;
/** Fewer in the log are too few to be cut. */
const LEAST_COMMITS = 60;
/** Of the log, where most cases are cut: reading a long one takes long. */
const BEGINNING_BYTES = 1_000_000;
/** Of the smallest index. */
const INDEX_BYTES = 32_768;
/** Servers that are started on what is left. */
const starts = isLong ? Math.ceil(kills / 40) : 1;

/** In memory where the system has such a folder: thousands of databases are written. */
async function scratch() {
  const memory = await Deno.stat("/dev/shm").then((info) => info.isDirectory, () => false);
  const path = await Deno.makeTempDir({ ...(memory && { dir: "/dev/shm" }), prefix: "gaffer-" });
  return { path, [Symbol.asyncDispose]: () => Deno.remove(path, { recursive: true }) };
}

Deno.test("after a power cut the database has exactly a prefix of its commits, and serves", async (t) => {
  await using fake = startFakeClaude({ reply: chaosAgents(seed) });
  await using data = await tempDir();
  await using repo = await chaosRepo();
  const env = { ANTHROPIC_API_KEY: fake.apiKey, ANTHROPIC_BASE_URL: fake.url };
  await work(data.path, repo, env);
  const base = await Deno.readFile(join(data.path, "gaffer.db"));
  const log = await Deno.readFile(join(data.path, "gaffer.db-wal"));
  const wal = readWal(log);
  const { commits } = wal;
  await using place = await scratch();
  const path = join(place.path, "gaffer.db");

  /** Opens what a power cut left, as the server does, and gives the file once its log is in it. */
  const recover = (damage: Damage): Uint8Array => {
    const left = damage.left();
    Deno.writeFileSync(path, left.base ?? base);
    Deno.writeFileSync(`${path}-wal`, left.log);
    if (left.index) Deno.writeFileSync(`${path}-shm`, left.index);
    const db = openDb(path);
    deepEqual(migrate(db, "2026-01-02T03:04:05.000Z"), []);
    db.close();
    return Deno.readFileSync(path);
  };

  const checkPrefixes = (whole: Whole, random: Random, count: number) => {
    const images = new Images(whole);
    const cases = damages(whole, random, count).toSorted((a, b) => a.commits - b.commits);
    for (const damage of cases) {
      const image = images.after(damage.commits);
      ok(isSame(recover(damage), image), `${damage.what} leaves ${damage.commits} commits`);
    }
  };

  await t.step(`${cases} cut or torn logs give what was committed before`, () => {
    const random = new Random(`power ${seed}`);
    // A log is read from its beginning each time, so most cases have the first part of it.
    const beginning = log.subarray(0, commits.findLast(({ end }) => end <= BEGINNING_BYTES)!.end);
    const few = Math.floor(cases / 20);
    checkPrefixes({ base, log: beginning, wal: readWal(beginning) }, random, cases - few);
    checkPrefixes({ base, log, wal }, random, few);
    console.log(`${cases} cases on a log of ${commits.length} commits, ${log.length} bytes`);
  });

  await t.step("each prefix is whole: intact, complete, and longer than the one before", () => {
    const images = new Images({ base, log, wal });
    let before = -1;
    for (let count = 0; count <= commits.length; count++) {
      Deno.writeFileSync(path, images.after(count));
      const last = checkWhole(path);
      ok(last >= before, `the history ends at ${last} after ${before}`);
      before = last;
    }
    const all = { what: "nothing", commits: commits.length, left: () => ({ log }) };
    Deno.writeFileSync(path, recover(all));
    equal(checkWhole(path), before, "SQLite itself finds no more in the whole log");
  });

  await t.step("a server starts on it and goes on to the end", async () => {
    const random = new Random(`starts ${seed}`);
    for (let start = 0; start < starts; start++) {
      const cut = 1 + random.below(commits.length);
      for (const name of ["gaffer.db-shm", "gaffer.db-wal"]) {
        await Deno.remove(join(data.path, name)).catch(() => {});
      }
      await Deno.writeFile(join(data.path, "gaffer.db"), base);
      const end = commits[cut - 1]!.end + random.below(4_000);
      await Deno.writeFile(join(data.path, "gaffer.db-wal"), log.subarray(0, end));
      await using gaffer = await startGaffer({ dataDir: data.path, env });
      await refined(new Client(gaffer.url));
      equal(await gaffer.stop(), 0);
      checkWhole(join(data.path, "gaffer.db"));
    }
  });
});

/** A real server at work, killed with a log that is not yet in its database. */
async function work(
  dataDir: string,
  repo: TestRepo,
  env: Record<string, string>,
): Promise<void> {
  {
    // The tables are in the database itself once a server has ended in order.
    await using first = await startGaffer({ dataDir, env });
    equal(await first.stop(), 0);
  }
  await using gaffer = await startGaffer({ dataDir, env });
  const client = new Client(gaffer.url);
  const { id } = await addProject(client, repo, commands);
  for (let n = 1; n <= IDEAS; n++) {
    await client.post(`/projects/${id}/ideas`, { title: titleOf(n) });
  }
  await refined(client);
  // A log that was copied into the database just now begins anew.
  for (let n = IDEAS + 1; await commitsIn(dataDir) < LEAST_COMMITS; n++) {
    const idea = await client.post(`/projects/${id}/ideas`, { title: titleOf(n) });
    await client.post(`/ideas/${idea.id}/reject`, { reason: "It is only for the log" });
  }
  await gaffer.kill();
}

const commitsIn = async (dataDir: string): Promise<number> =>
  readWal(await Deno.readFile(join(dataDir, "gaffer.db-wal"))).commits.length;

/** Answers what is asked until every idea is ready, or was rejected. */
async function refined(client: Client): Promise<void> {
  const [project] = (await client.get("/projects")).items;
  if (!project) return; // cut off before there was one
  const { items } = await client.get(`/projects/${project.id}/ideas`);
  for (const { id } of items) {
    const path = `/ideas/${id}`;
    const { status } = await client.until(path, (i) => /questions|ready|rejected/.test(i.status));
    if (status === "questions") await answerAll(client, id);
    await client.until(path, (i) => /ready|rejected/.test(i.status));
  }
}

/** What a power cut did, and how many commits of the log must be left. */
interface Damage {
  what: string;
  commits: number;
  /** What is on the disk; made when it is needed, since it is large. */
  left(): { log: Uint8Array; base?: Uint8Array; index?: Uint8Array };
}

/** Cuts around commits and at random; sectors torn; a checkpoint cut off; an index of nonsense. */
function damages({ base, log, wal }: Whole, random: Random, count: number): Damage[] {
  const { commits, pageBytes } = wal;
  const used = commits.at(-1)!.end;
  const upTo = (end: number) => commits.filter((commit) => commit.end <= end).length;
  const noise = Uint8Array.from({ length: 4 * INDEX_BYTES }, () => random.below(256));
  const nonsense = (length: number) => {
    const from = random.below(noise.length - length);
    return noise.subarray(from, from + length);
  };

  const cut = (end: number, index?: Uint8Array): Damage => ({
    what: `cut at ${end}${index ? " with an index of nonsense" : ""}`,
    commits: upTo(end),
    left: () => ({ log: log.subarray(0, end), ...(index && { index }) }),
  });
  /** Sectors got to the disk in no order, or were never written. */
  const torn = (): Damage => {
    const sector = random.pick([512, 4_096]);
    const parts = Array.from({ length: 1 + random.below(3) }, () => {
      const at = Math.floor(random.below(used) / sector) * sector;
      const bytes = random.next() < 0.5 ? nonsense(sector) : new Uint8Array(sector);
      return { at, bytes: bytes.subarray(0, used - at) };
    });
    const first = Math.min(
      ...parts.map(({ at, bytes }) => {
        const changed = bytes.findIndex((byte, index) => byte !== log[at + index]);
        return changed < 0 ? used : at + changed;
      }),
    );
    const left = () => {
      const copy = log.slice(0, used);
      for (const { at, bytes } of parts) copy.set(bytes, at);
      return { log: copy };
    };
    return { what: `torn at ${first}`, commits: upTo(first), left };
  };
  /** The log was being copied into the database: any of its pages may be half there. */
  const checkpoint = (): Damage => {
    const logged = new Set(commits.flatMap(({ pages }) => pages.map(({ number }) => number - 1)));
    const half = base.slice();
    for (const page of logged) {
      const at = page * pageBytes + 512 * random.below(pageBytes / 512);
      if (at < half.length && random.next() < 0.3) half.set(nonsense(512), at);
    }
    const left = () => ({ log, base: half });
    return { what: "a checkpoint cut off", commits: commits.length, left };
  };

  return Array.from({ length: count }, (): Damage => {
    switch (random.weighted({ commit: 20, cut: 30, torn: 45, checkpoint: 1, index: 4 })) {
      case "commit":
        return cut(random.pick(commits).end - 1 + random.below(3));
      case "cut":
        return cut(random.below(log.length + 1));
      case "torn":
        return torn();
      case "checkpoint":
        return checkpoint();
      case "index":
        return cut(random.below(used), nonsense(INDEX_BYTES));
    }
  });
}

/** Intact, nothing points to what is not there, numbered without a gap. Gives the number of the last event. */
function checkWhole(path: string): number {
  const db = new DatabaseSync(path);
  try {
    const one = (sql: string) => Object.values(db.prepare(sql).get()!)[0];
    const none = (sql: string) => deepEqual(db.prepare(sql).all(), [], sql);
    equal(one("PRAGMA integrity_check"), "ok");
    none("PRAGMA foreign_key_check");
    equal(one("SELECT count(*) - coalesce(max(seq), 0) FROM events"), 0);
    none(
      "SELECT run_id FROM events WHERE run_id IS NOT NULL GROUP BY run_id HAVING count(*) <> max(number)",
    );
    // In a table without a row, even NULL is "not in" it: hence what is asked first.
    none("SELECT seq FROM events WHERE run_id IS NOT NULL AND run_id NOT IN (SELECT id FROM runs)");
    none(
      "SELECT seq FROM events WHERE idea_id IS NOT NULL AND idea_id NOT IN (SELECT id FROM ideas)",
    );
    none(
      "SELECT seq FROM events WHERE project_id IS NOT NULL AND project_id NOT IN (SELECT id FROM projects)",
    );
    none(
      "SELECT id FROM jobs WHERE kind = 'run_agent' AND args ->> 'runId' NOT IN (SELECT id FROM runs)",
    );
    none(
      "SELECT id FROM runs WHERE status = 'queued' AND id NOT IN (SELECT args ->> 'runId' FROM jobs WHERE kind = 'run_agent')",
    );
    return Number(one("SELECT coalesce(max(seq), 0) FROM events"));
  } finally {
    db.close();
  }
}

const isSame = (a: Uint8Array, b: Uint8Array): boolean => Buffer.compare(a, b) === 0;
