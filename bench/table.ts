/** What a measurement is, and how it is shown. */

export interface Row {
  name: string;
  unit: string;
  median: number;
  /** Largest less smallest of the values measured. */
  spread: number;
  /** Not more than this; null: the row only informs. */
  goal: number | null;
  /** The same figure of the best comparable program, when it runs beside us. */
  peer: number | null;
  /** What the platform alone needs, measured in the same run: nobody can be better. */
  limit: number | null;
  ok: boolean;
}

export type Measured = Pick<Row, "name" | "unit"> & {
  values: number[];
  goal?: number;
  limit?: number;
};

export function rowOf({ name, unit, values, goal = null!, limit = null! }: Measured): Row {
  const sorted = values.toSorted((a, b) => a - b);
  const median = quantile(sorted, 0.5);
  return {
    name,
    unit,
    median: round(median),
    spread: round(sorted.at(-1)! - sorted[0]!),
    goal,
    peer: null,
    limit: limit === null ? null : round(limit),
    ok: goal === null || median <= goal,
  };
}

/** Of sorted values; between two of them it takes the upper one. */
export const quantile = (sorted: number[], q: number): number =>
  sorted[Math.min(sorted.length - 1, Math.ceil(q * sorted.length) - (q === 0 ? 0 : 1))]!;

const round = (n: number): number => Math.round(n * 100) / 100;

export function printTable(rows: Row[]): void {
  const header = ["row", "median", "spread", "goal", "limit", ""];
  const lines = rows.map((row) => [
    row.name,
    `${row.median} ${row.unit}`,
    `${row.spread}`,
    row.goal === null ? "" : `≤ ${row.goal}`,
    row.limit === null ? "" : `${row.limit}`,
    row.goal === null ? "" : row.ok ? "ok" : "missed",
  ]);
  const widths = header.map((_, i) =>
    Math.max(...[header, ...lines].map((line) => line[i]!.length))
  );
  for (const line of [header, ...lines]) {
    console.log(line.map((cell, i) => cell.padEnd(widths[i]!)).join("  ").trimEnd());
  }
}
