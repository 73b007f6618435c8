/**
 * Whatever runs do side by side, whenever the server dies, whatever prices and limits change to: what is spent, in
 * doubt and reserved together is never more than a limit allowed when it was let go, and all accounts agree with the
 * bill of a fake that knows what each request really cost.
 */
import { ok, strictEqual as equal } from "node:assert";
import { costOf, resolveModel } from "../agents/models.ts";
import { noUsage, type Price, type RunEventBody, type Usage } from "../agents/protocol.ts";
import { OverBudget, Paused } from "../agents/runtime.ts";
import { HOUR_MS } from "../server/clock.ts";
import { AppError } from "../server/errors.ts";
import type { Run } from "../server/records.ts";
import type { LimitPeriod, LimitScope, LimitUnit } from "../server/states.ts";
import { cancelRun } from "../server/services/cancelling.ts";
import { changeLimits } from "../server/services/limits.ts";
import { pauseRun } from "../server/services/run_control.ts";
import { listLimits } from "../server/store/limits.ts";
import { readRunLog } from "../server/store/run_log.ts";
import { answered, broken, paidApp, says, workingRun } from "./budgets_support.ts";
import { randomFrom, shrink } from "./shrink.ts";
import type { TestApp } from "./support.ts";

const RUNS = 6;
const agents = ["clarifier", "researcher"] as const;

/** `who` is one of the runs; the shares are of what a request may use at most. */
type Step =
  | { do: "ask"; who: number; prompt: number; output: number; searches: number }
  | { do: "answer"; who: number; share: number }
  | {
    do: "break";
    who: number;
    how: "rate_limited" | "stream_broken" | "output_limit";
    share: number;
  }
  | { do: "die" }
  | { do: "cancel"; who: number }
  | { do: "pause"; who: number }
  | { do: "pass"; hours: number }
  | { do: "price"; factor: number }
  | {
    do: "limit";
    scope: LimitScope;
    of: number;
    period: LimitPeriod;
    unit: LimitUnit;
    amount: number;
  };

function randomSteps(seed: number, count: number): Step[] {
  const random = randomFrom(seed);
  const below = (n: number) => Math.floor(random() * n);
  const one = <T>(of: readonly T[]): T => of[below(of.length)]!;
  const limit = (): Step => {
    const unit = one(["micro_usd", "tokens"] as const);
    return {
      do: "limit",
      scope: one(["all", "project", "agent"] as const),
      of: below(2),
      period: one(["day", "month"] as const),
      unit,
      amount: below(unit === "tokens" ? 60_000 : 900_000),
    };
  };
  const steps: Step[] = [limit(), limit()];
  while (steps.length < count) {
    const who = below(RUNS);
    const share = random();
    const kinds: [weight: number, step: () => Step][] = [
      [10, () => {
        // Some agents have the web: each search is paid beside its tokens.
        const searches = below(2) * below(5);
        return { do: "ask", who, prompt: below(8_000), output: 1 + below(4_000), searches };
      }],
      [9, () => ({ do: "answer", who, share })],
      [3, () => ({
        do: "break",
        who,
        how: one(["rate_limited", "stream_broken", "output_limit"] as const),
        share,
      })],
      [2, () => ({ do: "die" })],
      [1, () => ({ do: "cancel", who })],
      [1, () => ({ do: "pause", who })],
      [2, () => ({ do: "pass", hours: below(30) })],
      [1, () => ({ do: "price", factor: 1 + below(3) })],
      [2, limit],
    ];
    let at = random() * kinds.reduce((sum, [weight]) => sum + weight, 0);
    steps.push(kinds.find(([weight]) => (at -= weight) < 0)![1]());
  }
  return steps;
}

/** A request that the fake has begun to work on. */
interface Asked {
  prompt: number;
  output: number;
  /** At most. */
  searches: number;
  price: Price;
}

/** One run as the fake and its loop know it. */
interface Player {
  run: Run;
  turn: number;
  asked: Asked | null;
  /** The process died in the midst of a request: the next life begins with saying so. */
  cutOff: boolean;
  over: boolean;
}

class World implements Disposable {
  readonly app: TestApp = paidApp("2026-11-30T20:00:00.000Z");
  readonly #projects = [this.app.project({ slug: "a" }), this.app.project({ slug: "b" })];
  readonly #players: Player[];
  #factor = 1;
  /** What the fake bills for requests whose end was told, and at most for those of which nobody heard again. */
  #bill = { told: 0, untold: 0, searches: 0 };

  constructor() {
    this.#players = Array.from({ length: RUNS }, (_, i) => ({
      run: workingRun(this.app, this.#projects[i % 2]!.id, agents[i % 3 === 0 ? 1 : 0]),
      turn: 0,
      asked: null,
      cutOff: false,
      over: false,
    }));
  }

  play(step: Step): void {
    const { app } = this;
    switch (step.do) {
      case "ask":
        return this.#ask(this.#players[step.who]!, step);
      case "answer":
      case "break":
        return this.#end(this.#players[step.who]!, step);
      case "die":
        // Some requests had been answered, for all the fake knows, and are paid.
        for (const player of this.#players) if (player.asked) this.#lose(player);
        return;
      case "cancel":
        return this.#cancel(this.#players[step.who]!);
      case "pause": {
        const player = this.#players[step.who]!;
        if (!player.over && player.asked === null) pauseRun(app, player.run.id);
        return;
      }
      case "pass":
        return app.advance(step.hours * HOUR_MS);
      case "price":
        this.#factor = step.factor;
        return;
      case "limit": {
        const { scope, of, period, unit } = step;
        const scopeId = { all: "", project: this.#projects[of]!.id, agent: agents[of]! }[scope];
        // Lowered below what is used it lets nothing more go; how far it was used before is nobody's fault.
        const [now] = this.#limits().filter((l) =>
          l.scope === scope && l.scopeId === scopeId && l.period === period && l.unit === unit
        );
        const amount = Math.max(
          step.amount,
          now ? now.spent + now.doubt + now.reserved : this.#used(step, scopeId),
        );
        return changeLimits(app, [{ scope, scopeId, period, unit, amount }]);
      }
    }
  }

  /** What the new limit would find used already. */
  #used({ scope, period, unit }: Extract<Step, { do: "limit" }>, scopeId: string): number {
    const day = this.#today;
    const row = this.app.db.prepare(`
      SELECT spent_${unit} + doubt_${unit} + reserved_${unit} AS n FROM usage_windows
      WHERE scope = :scope AND scope_id = :scopeId AND period = :period AND start = :start
    `).get({ scope, scopeId, period, start: period === "day" ? day : day.slice(0, 7) });
    return Number(row?.n ?? 0);
  }

  get #today(): string {
    return new Date(this.app.clock.nowMs()).toISOString().slice(0, 10);
  }

  #limits = () => listLimits(this.app.db, this.#today);

  #price(): Price {
    const { price } = resolveModel("opus", null);
    return {
      ...price,
      input: price.input * this.#factor,
      cacheWrite5m: price.cacheWrite5m * this.#factor,
      output: price.output * this.#factor,
    };
  }

  #ask(player: Player, { prompt, output, searches }: Extract<Step, { do: "ask" }>): void {
    if (player.over || player.asked) return;
    if (player.cutOff) {
      says(this.app, player.run, broken(player.turn, "worker_lost"));
      player.cutOff = false;
    }
    const price = this.#price();
    const worst: Usage = {
      ...noUsage,
      cacheWrite5mTokens: prompt,
      outputTokens: output,
      webSearches: searches,
    };
    const event: RunEventBody = {
      type: "turn_started",
      turn: player.turn + 1,
      maxOutputTokens: output,
      worstCostMicroUsd: costOf(worst, price),
      worstTokens: prompt + output,
    };
    try {
      says(this.app, player.run, event);
    } catch (error) {
      if (error instanceof OverBudget || error instanceof Paused) return;
      throw error;
    }
    player.turn++;
    player.asked = { prompt, output, searches, price };
  }

  #usage({ prompt, output, searches }: Asked, share: number): Usage {
    const written = Math.floor(prompt * share);
    return {
      ...noUsage,
      inputTokens: Math.floor((prompt - written) / 2),
      cacheWrite5mTokens: written,
      outputTokens: Math.floor(output * share),
      webSearches: Math.round(searches * share),
    };
  }

  #end(player: Player, step: Extract<Step, { do: "answer" | "break" }>): void {
    const { asked } = player;
    if (!asked) return;
    const usage = this.#usage(asked, step.share);
    const cost = costOf(usage, asked.price);
    player.asked = null;
    if (step.do === "break" && step.how === "rate_limited") {
      return says(this.app, player.run, broken(player.turn, "rate_limited"));
    }
    if (step.do === "break" && step.how === "stream_broken") {
      // It told of its prompt, and was billed for more.
      const told = { ...usage, outputTokens: 0, webSearches: 0 };
      const toldCost = costOf(told, asked.price);
      this.#bill.told += toldCost;
      this.#bill.untold += cost - toldCost;
      const event = { ...broken(player.turn, step.how), usage: told, costMicroUsd: toldCost };
      return says(this.app, player.run, event as RunEventBody);
    }
    this.#bill.told += cost;
    this.#bill.searches += usage.webSearches ?? 0;
    const whole = { usage, costMicroUsd: cost };
    const event = step.do === "answer"
      ? { ...answered(player.turn, 0), ...whole }
      : { ...broken(player.turn, step.how), ...whole };
    says(this.app, player.run, event as RunEventBody);
  }

  #lose(player: Player): void {
    this.#bill.untold += costOf(this.#usage(player.asked!, 1), player.asked!.price);
    player.asked = null;
    player.cutOff = true;
  }

  #cancel(player: Player): void {
    if (player.over) return;
    if (player.asked) this.#lose(player);
    cancelRun(this.app, player.run.id);
    player.over = true;
  }

  check(): void {
    for (const { amount, spent, doubt, reserved, ...limit } of this.#limits()) {
      ok(spent >= 0 && doubt >= 0 && reserved >= 0, `a sum of ${limit.id} is below nothing`);
      ok(
        spent + doubt + reserved <= amount,
        `${limit.scope} ${limit.period} ${limit.unit}: ${spent} + ${doubt} + ${reserved} > ${amount}`,
      );
    }
    const { db } = this.app;
    const one = (sql: string) => Number(db.prepare(sql).get()!.n ?? 0);
    const ofTurns = this.#players.flatMap(({ run }) => readRunLog(db, run.id)).reduce(
      (sum, { body }) => "costMicroUsd" in body ? sum + body.costMicroUsd : sum,
      0,
    );
    equal(ofTurns, this.#bill.told, "the turns' costs are what was billed");
    const perDay = "scope = 'all' AND period = 'day'";
    for (
      const sql of [
        "SELECT sum(cost_micro_usd) AS n FROM turn_usage",
        "SELECT sum(cost_micro_usd) AS n FROM runs",
        `SELECT sum(spent_micro_usd) AS n FROM usage_windows WHERE ${perDay}`,
        "SELECT sum(spent_micro_usd) AS n FROM usage_windows WHERE scope = 'all' AND period = 'month'",
        "SELECT sum(spent_micro_usd) AS n FROM usage_windows WHERE scope = 'project' AND period = 'day'",
        "SELECT sum(spent_micro_usd) AS n FROM usage_windows WHERE scope = 'agent' AND period = 'month'",
      ]
    ) equal(one(sql), ofTurns, sql);
    for (const table of ["turn_usage", "runs"]) {
      equal(one(`SELECT sum(web_searches) AS n FROM ${table}`), this.#bill.searches, table);
    }
    const unknown = one(
      `SELECT sum(doubt_micro_usd + reserved_micro_usd) AS n FROM usage_windows WHERE ${perDay}`,
    );
    ok(this.#bill.untold <= unknown, "what nobody was told of is counted at no less than it was");
  }

  [Symbol.dispose]() {
    this.app[Symbol.dispose]();
  }
}

function play(steps: readonly Step[]): void {
  using world = new World();
  for (const step of steps) {
    try {
      world.play(step);
    } catch (error) {
      // What a person or a loop may not do at that moment; nothing else is to be thrown.
      if (!(error instanceof AppError)) throw error;
    }
    world.check();
  }
}

const SEEDS = 40;
const STEPS = 60;

Deno.test("no order of runs, crashes, prices and limits passes a limit, and every account agrees with the bill", () => {
  for (let seed = 1; seed <= SEEDS; seed++) {
    const steps = randomSteps(seed, STEPS);
    try {
      play(steps);
    } catch {
      const { smallest, cause } = shrink(steps, play);
      throw new Error(`Seed ${seed}, ${JSON.stringify(smallest)}`, { cause });
    }
  }
});
