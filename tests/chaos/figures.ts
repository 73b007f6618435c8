/** What a chaos run came to, in numbers. */
import type { FakeClaude } from "../fake_claude/mod.ts";
import type { Rows } from "../journey_support.ts";
import type { Mischief } from "./mischief.ts";
import type { Person } from "./person.ts";
import type { Victim } from "./victim.ts";

export interface Figures {
  kills: number;
  ideas: number;
  accepted: number;
  /** Those by kind. */
  acts: Record<string, number>;
  replayed: number;
  repeated: number;
  refused: number;
  putOff: number;
  jobs: number;
  runs: number;
  turns: number;
  toolCalls: number;
  requests: number;
  /** Answers that were paid, in full or in part, and never came to the log. */
  paidInVain: number;
  tricks: Record<string, number>;
  retried: Record<string, number>;
  /** Jobs that a killed server had been at. */
  orphans: number;
  /** From the last kill until everything was done and checked. */
  restMs: number;
  /** From the start of the process. */
  firstAnswerMs: Spread;
  /** To the moment when the first job of the killed server runs again. */
  firstOrphanMs: Spread;
}

export interface Spread {
  count: number;
  p50: number;
  max: number;
}

export function figuresOf(
  { rows, fake, person, victim, mischief, restMs }: {
    rows: Rows;
    fake: FakeClaude;
    person: Person;
    victim: Victim;
    mischief: Mischief;
    restMs: number;
  },
): Figures {
  const count = (sql: string): number => rows.one(sql);
  const orphans = orphansOf(rows);
  const answered = victim.lives.filter(({ answeredMs }) => answeredMs !== null);
  return {
    kills: victim.kills,
    ideas: count("SELECT count(*) FROM ideas"),
    accepted: person.accepted.length,
    acts: countBy(person.accepted, ({ kind }) => kind),
    replayed: person.replayed,
    repeated: person.repeated,
    refused: person.refused,
    putOff: person.putOff,
    jobs: count("SELECT count(*) FROM jobs"),
    runs: count("SELECT count(*) FROM runs"),
    turns: count("SELECT count(*) FROM events WHERE type = 'turn_finished'"),
    toolCalls: count("SELECT count(*) FROM events WHERE type = 'tool_finished'"),
    requests: fake.accepted.length,
    paidInVain: fake.paidTurns - count("SELECT count(*) FROM events WHERE type = 'turn_finished'"),
    tricks: Object.fromEntries(mischief.played),
    retried: Object.fromEntries(person.retried),
    orphans: orphans.length,
    restMs,
    firstAnswerMs: spread(answered.map((life) => life.answeredMs! - life.startedMs)),
    firstOrphanMs: spread(
      answered.flatMap(({ startedMs }, index) => {
        const endMs = answered[index + 1]?.startedMs ?? Infinity;
        const first = orphans.find((atMs) => atMs >= startedMs && atMs < endMs);
        return first === undefined ? [] : [first - startedMs];
      }),
    ),
  };
}

/** When jobs that a killed server had been at were taken up again, in order. */
function orphansOf(rows: Rows): number[] {
  const back = new Set<number>();
  const taken: number[] = [];
  const bootOf = new Map<number, string>();
  for (
    const { job_id, came, went, boot: by, at_ms } of rows.all(
      "SELECT * FROM job_moves ORDER BY move",
    )
  ) {
    if (went === "executing") {
      if (back.delete(job_id) && bootOf.get(job_id) !== by) taken.push(at_ms);
      bootOf.set(job_id, by);
    } else if (came === "executing" && went === "available") {
      back.add(job_id);
    }
  }
  return taken;
}

function countBy<T>(items: readonly T[], keyOf: (item: T) => string): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const item of items) counts[keyOf(item)] = (counts[keyOf(item)] ?? 0) + 1;
  return counts;
}

function spread(values: number[]): Spread {
  const sorted = values.toSorted((a, b) => a - b);
  return {
    count: sorted.length,
    p50: sorted[Math.floor(sorted.length / 2)] ?? 0,
    max: sorted.at(-1) ?? 0,
  };
}
