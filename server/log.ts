/** Structured log lines on standard error. Values that hold secrets are never passed in. */
export interface Log {
  info(message: string, fields?: Record<string, unknown>): void;
  warn(message: string, fields?: Record<string, unknown>): void;
  error(message: string, fields?: Record<string, unknown>): void;
}

const encoder = new TextEncoder();

/** `json`: one object a line; `human`: "12:30:01 warn  message key=value". */
export function createLog(format: "human" | "json", nowMs: () => number): Log {
  const write = (level: string) => (message: string, fields: Record<string, unknown> = {}) => {
    const at = new Date(nowMs()).toISOString();
    const line = format === "json"
      ? JSON.stringify({ at, level, message, ...fields })
      : `${at.slice(11, 19)} ${level.padEnd(5)} ${message}${
        Object.entries(fields).map(([k, v]) => ` ${k}=${JSON.stringify(v)}`).join("")
      }`;
    Deno.stderr.writeSync(encoder.encode(line + "\n"));
  };
  return { info: write("info"), warn: write("warn"), error: write("error") };
}

/** For tests that do not look at the log. */
export const silentLog: Log = { info: () => {}, warn: () => {}, error: () => {} };
