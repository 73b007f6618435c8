/** What a row of the bench is, and how it is shown. */

export interface Row {
  name: string;
  unit: string;
  median: number;
  /** From the lower to the upper quartile of what was measured. */
  spread: number;
  /** Not more than this; null: the row only informs. */
  goal: number | null;
  /** The same figure of the best comparable program, where one runs beside us. */
  peer: number | null;
  /** What the platform alone needs, measured in the same run: nobody can be better. */
  limit: number | null;
  ok: boolean;
}

export type Measured = Pick<Row, "name" | "unit"> & {
  values: readonly number[];
  goal?: number;
  limit?: number | null;
  peer?: number | null;
};

/** Rows that are measured together. */
export interface Group {
  name: string;
  /** What `measure` can give, for `--only` to choose by. */
  rows: readonly string[];
  measure(): Promise<Measured[]>;
}

export function rowOf({ name, unit, values, goal, limit, peer }: Measured): Row {
  const median = quantile(values, 0.5);
  return {
    name,
    unit,
    median: round(median),
    spread: round(quantile(values, 0.75) - quantile(values, 0.25)),
    goal: goal === undefined ? null : round(goal),
    peer: typeof peer === "number" ? round(peer) : null,
    limit: typeof limit === "number" ? round(limit) : null,
    ok: goal === undefined || median <= goal,
  };
}

/** The smallest of the values that at least the share `q` of them does not exceed. */
export function quantile(values: readonly number[], q: number): number {
  if (values.length === 0) throw new Error("nothing was measured");
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.max(0, Math.ceil(q * sorted.length) - 1)]!;
}

const round = (n: number): number => Math.round(n * 100) / 100;

export function tableOf(rows: readonly Row[]): string {
  const header = ["row", "median", "spread", "goal", "limit", "peer", ""];
  const lines = rows.map((row) => [
    row.name,
    `${row.median} ${row.unit}`,
    `${row.spread}`,
    row.goal === null ? "" : `≤ ${row.goal}`,
    row.limit === null ? "" : `${row.limit}`,
    row.peer === null ? "" : `${row.peer}`,
    row.goal === null ? "" : row.ok ? "ok" : "missed",
  ]);
  const widths = header.map((_, i) =>
    Math.max(...[header, ...lines].map((line) => line[i]!.length))
  );
  return [header, ...lines]
    .map((line) => line.map((cell, i) => cell.padEnd(widths[i]!)).join("  ").trimEnd())
    .join("\n");
}
