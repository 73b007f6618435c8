/**
 * Work in flight, servers killed at random instants, and after each kill the proof that nothing was lost and
 * nothing done twice. All that is random comes from the seed; what is left to the machine is who is faster.
 */
import { strictEqual as equal } from "node:assert";
import { type FakeClaude, startFakeClaude } from "../fake_claude/mod.ts";
import { Client, tempDir } from "../gaffer.ts";
import { addProject, Rows } from "../journey_support.ts";
import { checkClaude } from "./check_claude.ts";
import { checkDatabase } from "./check_database.ts";
import { checkFiles, checkFilesAtRest, type Site } from "./check_files.ts";
import { checkHeard, checkPromises } from "./check_promises.ts";
import { checkRest } from "./check_rest.ts";
import { type Figures, figuresOf } from "./figures.ts";
import { keepJournal } from "./journal.ts";
import { describeKill, killPlan } from "./kill_plan.ts";
import { createMischief, type Mischief } from "./mischief.ts";
import { Person } from "./person.ts";
import type { Program } from "./program.ts";
import { Random } from "./random.ts";
import type { SmallDisk } from "./small_disk.ts";
import { chaosAgents, chaosRepo, commands } from "./story.ts";
import { Victim } from "./victim.ts";

export interface ChaosOptions {
  seed: number;
  program: Program;
  /** Ideas under way at the same time. */
  ideas: number;
  /** Without a sandbox, so that the person is asked for each command of an agent. */
  asks?: boolean;
  /** When nothing goes wrong any more, everything has to be done by then. */
  restMs: number;
}

const PROJECTS = 2;

/** Kills one server after the other. Throws, naming seed and kill, as soon as an invariant does not hold. */
export async function runChaos(options: ChaosOptions & { kills: number }): Promise<Figures> {
  const { seed, kills } = options;
  await using arena = await Arena.open(options);
  return await arena.through(async (moment) => {
    for (const kill of killPlan(seed, kills)) {
      moment(`kill ${describeKill(kill)}`);
      await arena.victim.liveAndDie(kill);
      await arena.check();
    }
  });
}

/**
 * Fills the disk under the data folder again and again, in the end for `lastFillMs`; every other time the server
 * is killed meanwhile.
 */
export async function runFullDisk(
  options: ChaosOptions & { disk: SmallDisk; fills: number; lastFillMs?: number },
): Promise<Figures> {
  const { seed, disk, fills, lastFillMs } = options;
  const random = new Random(`fills ${seed}`);
  await using arena = await Arena.open(options);
  const { victim } = arena;
  return await arena.through(async (moment) => {
    await victim.start();
    for (let fill = 1; fill <= fills; fill++) {
      await victim.passed("event", 1 + random.below(30));
      moment(`fill ${fill}`);
      disk.fill();
      arena.person.thinkUp();
      const fillMs = 200 + random.below(800);
      await wait(fill === fills ? lastFillMs ?? fillMs : fillMs);
      if (fill % 2 === 0) await victim.kill();
      disk.empty();
      if (fill % 2 === 0) {
        await arena.check();
        await victim.start();
      }
    }
    await victim.kill();
    await arena.check();
  });
}

/** A data folder, repositories, Claude, the person, and what must be true of them. */
class Arena implements AsyncDisposable {
  #isOver = false;
  /** Rejects when an agent is asked for what can't be. */
  readonly #wrong = Promise.withResolvers<never>();

  private constructor(
    readonly options: ChaosOptions,
    readonly dataDir: string,
    readonly sites: Site[],
    readonly fake: FakeClaude,
    readonly mischief: Mischief,
    readonly victim: Victim,
    readonly person: Person,
    readonly stack: AsyncDisposableStack,
  ) {}

  static async open(options: ChaosOptions & { disk?: SmallDisk }): Promise<Arena> {
    const { seed, ideas, disk, program, asks = false } = options;
    await using stack = new AsyncDisposableStack();
    const data = disk ?? stack.use(await tempDir());
    // Both are asked only once there is an arena.
    let arena: Arena | null = null;
    let hasCommands = true;
    const mischief = createMischief({
      seed,
      agents: chaosAgents(seed, () => hasCommands),
      // Silence ends with the server that waits for it.
      stall: () => arena!.victim.down(),
      isOver: () => arena!.#isOver || disk !== undefined,
    });
    const fake = stack.use(startFakeClaude({
      reply(request) {
        arena!.victim.bell.ring("request");
        try {
          return mischief.reply(request);
        } catch (error) {
          arena!.#wrong.reject(error);
          throw error;
        }
      },
    }));
    const repos = await Promise.all(Array.from({ length: PROJECTS }, chaosRepo));
    for (const repo of repos) stack.use(repo);
    const victim = stack.use(
      new Victim({
        dataDir: data.path,
        executable: program.executable ?? undefined,
        env: {
          ANTHROPIC_API_KEY: fake.apiKey,
          ANTHROPIC_BASE_URL: fake.url,
          // No death here is a job's own fault.
          GAFFER_MAX_CRASHES: "1000000",
          ...(asks && { GAFFER_SANDBOX: "off" }),
        },
        places: [data.path, ...repos.map(({ root }) => root)],
      }),
    );
    await victim.start();
    const sites = await Promise.all(repos.map(async (repo): Promise<Site> => {
      const { id: projectId, slug } = await addProject(new Client(victim.url!), repo, commands);
      return { projectId, slug, repo, base: await repo.git("rev-parse", "main") };
    }));
    const { confinement } = await new Client(victim.url!).get("/system/status");
    // Where there is no sandbox anyhow, only those who mean to be asked are.
    hasCommands = asks || confinement.kind === "bubblewrap";
    equal(await victim.stop(), 0);
    keepJournal(data.path);
    victim.lives.length = 0;
    const projectIds = sites.map(({ projectId }) => projectId);
    const person = new Person({ victim, seed, projectIds, ideas });
    arena = new Arena(
      options,
      data.path,
      sites,
      fake,
      mischief,
      victim,
      person,
      stack.move(),
    );
    return arena;
  }

  /** Between two servers: what must always be true. */
  async check(): Promise<void> {
    using rows = new Rows(this.dataDir);
    checkDatabase(rows);
    checkPromises(rows, this.person);
    checkClaude(rows, this.fake);
    await checkFiles(rows, this.dataDir, this.sites);
  }

  /** Lets the person work through `trouble`, which ends without a server, and then to the end of all work. */
  async through(trouble: (moment: (what: string) => void) => Promise<void>): Promise<Figures> {
    const { person, victim, options: { seed, program } } = this;
    let moment = "at the beginning";
    const working = person.work();
    const all = async () => {
      await trouble((what) => moment = what);
      moment = "at the end";
      return await this.#rest(working);
    };
    try {
      const ending = all();
      // A person or an agent who meets what must not be ends the trouble, too.
      return await Promise.race([ending, working.then(() => ending), this.#wrong.promise]);
    } catch (cause) {
      victim.giveUp(cause);
      const log = victim.output.split("\n").slice(-30).join("\n");
      const { message } = cause as Error;
      const what = `Chaos with seed ${seed} and ${program.what}, ${moment}`;
      throw new Error(`${what}: ${message}\n${log}`, { cause });
    }
  }

  async #rest(working: Promise<void>): Promise<Figures> {
    const { person, victim, fake, mischief, dataDir, options: { restMs } } = this;
    const sinceMs = Date.now();
    this.#isOver = true;
    person.finish();
    await victim.start();
    await within(restMs, working);
    await within(restMs, atRest(dataDir, victim));
    equal(await victim.stop(), 0);
    await this.check();
    using rows = new Rows(dataDir);
    checkRest(rows);
    checkHeard(rows, person, fake);
    for (const site of this.sites) await checkFilesAtRest(rows, dataDir, site);
    return figuresOf({ rows, fake, person, victim, mischief, restMs: Date.now() - sinceMs });
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stack.disposeAsync();
  }
}

/** Resolves when no job is left but upkeep. */
async function atRest(dataDir: string, { bell }: Victim): Promise<void> {
  while (true) {
    const seen = bell.count("event");
    using rows = new Rows(dataDir);
    const left = rows.one(`SELECT count(*) FROM jobs
      WHERE finished_at IS NULL AND (kind NOT IN ('prune', 'backup') OR status <> 'scheduled')`);
    if (left === 0) return;
    // The end of a job is no event; what it did was.
    await bell.counted("event", seen + 1, AbortSignal.timeout(100));
  }
}

async function within<T>(ms: number, promise: Promise<T>): Promise<T> {
  const late = Promise.withResolvers<never>();
  const timer = setTimeout(() => late.reject(new Error(`not at rest after ${ms} ms`)), ms);
  try {
    return await Promise.race([promise, late.promise]);
  } finally {
    clearTimeout(timer);
  }
}

const wait = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms));
