/** The configuration: defaults < config.yaml < environment < flags; validated once, at start. */
import { parseArgs } from "node:util";
import { join, resolve } from "node:path";
import { parseDocument } from "yaml";
import { z } from "zod";
import { AppError } from "./errors.ts";
import { isTimeZone, machineTimeZone } from "./calendar.ts";
import { SECOND_MS } from "./clock.ts";
import { whyNotShown } from "./shown_folders.ts";
import { handsLimitBounds, type HandsLimitName, handsLimitNames } from "./states.ts";
import { fieldErrors, wrongInput } from "./wrong_input.ts";

const MAX_FOLDERS = 20;

/** People that one mail goes to. */
const MAIL_TO_MAX = 20;

const settingsSchema = z.strictObject({
  port: wholeNumber(0, 65_535),
  host: z.string().min(1),
  data: z.string().min(1),
  log: z.enum(["human", "json"]),
  max_runs: wholeNumber(1, 100),
  max_runs_per_project: wholeNumber(0, 100),
  max_jobs: wholeNumber(0, 1_000),
  sandbox: z.enum(["auto", "off"]),
  demo_pace_ms: wholeNumber(0, 1_000),
  backup_every_hours: wholeNumber(0, 720),
  max_crashes: wholeNumber(1, 1_000_000),
  notify_url: webAddress(),
  public_url: webAddress(),
  toolchains: folders(),
  hands_memory_mb: handsLimit("memory_mb"),
  hands_cpu_seconds: handsLimit("cpu_seconds"),
  hands_processes: handsLimit("processes"),
  hands_file_mb: handsLimit("file_mb"),
  hands_open_files: handsLimit("open_files"),
  smtp_url: smtpAddress(),
  mail_from: mailAddresses(1),
  mail_to: mailAddresses(MAIL_TO_MAX),
  chromium: z.string().trim().max(2_000).refine(
    (path) => path === "" || path.startsWith("/"),
    "expected the absolute path of a program",
  ),
  timezone: z.string().trim().refine(
    (name) => name === "" || isTimeZone(name),
    'expected the name of a time zone, such as "Europe/Berlin" or "UTC"',
  ),
});

/** In the environment and in flags it is text; and nothing else may pass for a number, as `true` would for 1. */
function wholeNumber(min: number, max: number) {
  return z.preprocess(
    (value) => typeof value === "string" && /^\d{1,9}$/.test(value) ? Number(value) : value,
    z.custom<number>(
      (value) => Number.isInteger(value) && Number(value) >= min && Number(value) <= max,
      `expected a whole number from ${min} to ${max}`,
    ),
  );
}

/** 0: as shipped, which for memory depends on the machine. */
function handsLimit(name: HandsLimitName) {
  const [min, max] = handsLimitBounds[name];
  return wholeNumber(0, max).refine((value) => value === 0 || value >= min, {
    error: `expected a whole number from ${min} to ${max}, or 0 for what is shipped`,
  });
}

/** In the environment it is text, as PATH is. What may not be shown is looked at when the data folder is known. */
function folders() {
  return z.preprocess(
    (value) => typeof value === "string" ? value.split(":").filter((path) => path !== "") : value,
    z.array(
      z.string({ error: "expected a list of absolute paths" }).trim()
        .startsWith("/", { error: "expected a list of absolute paths" }),
      { error: "expected a list of absolute paths" },
    ).max(MAX_FOLDERS, { error: `expected at most ${MAX_FOLDERS} folders` }),
  );
}

/** Empty: none. */
function webAddress() {
  return z.string().trim().max(2_000).refine(
    (text) => text === "" || (URL.canParse(text) && /^https?:$/.test(new URL(text).protocol)),
    "expected an http or https address",
  );
}

/** Empty: none. What is wrong of it is not repeated: it may hold a password. */
function smtpAddress() {
  return z.string().trim().max(2_000).refine(
    (text) => text === "" || isSmtpAddress(text),
    "expected smtp://user:password@host:587 or smtps://user:password@host:465",
  );
}

function isSmtpAddress(text: string): boolean {
  const url = URL.canParse(text) ? new URL(text) : null;
  if (url === null || !/^smtps?:$/.test(url.protocol) || url.hostname === "") return false;
  if (!/^\/?$/.test(url.pathname) || url.search !== "" || url.hash !== "") return false;
  try {
    return [url.username, url.password].map(decodeURIComponent).length === 2;
  } catch (error) {
    if (error instanceof URIError) return false;
    throw error;
  }
}

/** Addresses with commas between; empty: none. */
function mailAddresses(most: number) {
  const address = z.email();
  return z.string().trim().max(4_000).refine(
    (text) => {
      const list = addressesIn(text);
      return list.length <= most && list.every((one) => address.safeParse(one).success);
    },
    most === 1
      ? "expected a mail address"
      : `expected at most ${most} mail addresses with commas between`,
  );
}

const addressesIn = (text: string): string[] =>
  text.trim() === "" ? [] : text.split(",").map((one) => one.trim());

type Settings = z.infer<typeof settingsSchema>;

export interface Config {
  port: number;
  host: string;
  /** Absolute path of the data folder. */
  dataDir: string;
  logFormat: "human" | "json";
  /** Runs whose loops work at the same time. */
  maxRuns: number;
  /** Of those the runs of one project. 0: no limit but `maxRuns`. */
  maxRunsPerProject: number;
  /** Jobs of all queues that execute at the same time. 0: no limit but those of the queues. */
  maxJobs: number;
  /** `off`: do not use bubblewrap even where it works (commands then need a person's word). */
  sandbox: "auto" | "off";
  /** The model's endpoint; null: the demo model. */
  endpoint: { baseUrl: string; apiKey: string } | null;
  /** Silence after which a model request is given up. */
  idleTimeoutMs: number;
  /** Pause between the pieces the demo model streams, so that a person can watch. */
  demoPaceMs: number;
  /** 0: no backups by schedule. */
  backupEveryHours: number;
  /** So many deaths of the process while it executed one and the same job quarantine that job. */
  maxCrashes: number;
  /** Gets each new approval and alert as JSON, by POST; null: nobody is told so. May hold a password. */
  notifyUrl: string | null;
  /** Absolute paths of folders with programs that every sandbox shows, read-only and first on PATH. */
  toolchains: string[];
  /** Limits of what agents run; absent: as shipped. See `handsLimitBounds`. */
  handsLimits: Partial<Record<HandsLimitName, number>>;
  /** How mail of the same is sent, and to whom; null: none is. */
  mail: MailConfig | null;
  /** How the server is reached from where notifications are read, without a slash at its end. */
  publicUrl: string;
  /** Absolute path of the browser that makes PDF; "": whichever is found. */
  chromium: string;
  /** IANA name of the zone whose days and months limits and sums go by. */
  timeZone: string;
}

/** A mail server (whose address may hold a password), and the addresses that mail is from and to. */
export interface MailConfig {
  smtpUrl: string;
  from: string;
  to: string[];
}

const DEFAULT_BASE_URL = "https://api.anthropic.com";
const IDLE_TIMEOUT_MS = 120 * SECOND_MS;

/** Where the configuration comes from; all of it injectable for tests. */
export interface ConfigSources {
  args: string[];
  env: Record<string, string | undefined>;
  /** Text of a file, or null when there is none. */
  readFile: (path: string) => string | null;
  cwd: string;
  /** Started from a checkout: the data folder is then `./data`. */
  checkout: boolean;
  /** The zone of the machine; absent: as it says itself. */
  timeZone?: string;
}

/** Throws `invalid`, naming the file and line, the variable or the flag, and what was expected. */
export function loadConfig(sources: ConfigSources): Config {
  const { env } = sources;
  const flags = readFlags(sources.args);
  const fromEnv: Record<string, unknown> = {};
  for (const key of Object.keys(settingsSchema.shape)) {
    const value = env[`GAFFER_${key.toUpperCase()}`];
    if (value !== undefined && value !== "") fromEnv[key] = value;
  }
  const early = check({ ...defaults(sources), ...fromEnv, ...flags }, sources, {}, fromEnv, flags);
  const dataDir = resolve(sources.cwd, early.data);
  const file = readConfigFile(join(dataDir, "config.yaml"), sources);
  const settings = check(
    { ...defaults(sources), ...file, ...fromEnv, ...flags },
    sources,
    file,
    fromEnv,
    flags,
  );
  for (const path of settings.toolchains) {
    const why = whyNotShown(path, { home: env.HOME ?? "", dataDir });
    if (why === null) continue;
    throw wrong("toolchains", `"${path}" ${why}`, { ...settings }, sources, {
      file,
      fromEnv,
      flags,
    });
  }
  const apiKey = env.ANTHROPIC_API_KEY?.trim();
  return {
    port: settings.port,
    host: settings.host,
    dataDir,
    logFormat: settings.log,
    maxRuns: settings.max_runs,
    maxRunsPerProject: settings.max_runs_per_project,
    maxJobs: settings.max_jobs,
    sandbox: settings.sandbox,
    endpoint: apiKey
      ? { baseUrl: checkUrl(env.ANTHROPIC_BASE_URL || DEFAULT_BASE_URL), apiKey }
      : null,
    idleTimeoutMs: IDLE_TIMEOUT_MS,
    demoPaceMs: settings.demo_pace_ms,
    backupEveryHours: settings.backup_every_hours,
    maxCrashes: settings.max_crashes,
    notifyUrl: settings.notify_url || null,
    toolchains: settings.toolchains,
    handsLimits: Object.fromEntries(
      handsLimitNames.flatMap((name) => {
        const value = settings[`hands_${name}`];
        return value === 0 ? [] : [[name, value]];
      }),
    ),
    mail: mailIn(settings),
    publicUrl: (settings.public_url || `http://localhost:${settings.port}`).replace(/\/+$/, ""),
    chromium: settings.chromium,
    timeZone: settings.timezone || (sources.timeZone ?? machineTimeZone()),
  };
}

/** All three or none. Throws `invalid`. */
function mailIn({ smtp_url: smtpUrl, mail_from: from, mail_to: to }: Settings): MailConfig | null {
  if (smtpUrl === "" && from === "" && to === "") return null;
  for (const [key, value] of Object.entries({ smtp_url: smtpUrl, mail_from: from, mail_to: to })) {
    if (value !== "") continue;
    const message = "mail needs all of smtp_url, mail_from and mail_to";
    throw new AppError("invalid", `Cannot start: the setting "${key}" is missing: ${message}`, [
      { field: key, message },
    ]);
  }
  return { smtpUrl, from, to: addressesIn(to) };
}

function defaults({ env, checkout }: ConfigSources): Settings {
  const home = env.XDG_DATA_HOME || join(env.HOME || env.USERPROFILE || ".", ".local", "share");
  return {
    port: 4242,
    host: "127.0.0.1",
    data: checkout ? "data" : join(home, "gaffer"),
    log: "human",
    max_runs: 4,
    // Most people have one project at a time: any limit would leave slots idle while its work waits.
    max_runs_per_project: 0,
    max_jobs: 0,
    sandbox: "auto",
    demo_pace_ms: 12,
    backup_every_hours: 24,
    max_crashes: 3,
    notify_url: "",
    public_url: "",
    toolchains: [],
    hands_memory_mb: 0,
    hands_cpu_seconds: 0,
    hands_processes: 0,
    hands_file_mb: 0,
    hands_open_files: 0,
    smtp_url: "",
    mail_from: "",
    mail_to: "",
    chromium: "",
    timezone: "",
  };
}

function readFlags(args: string[]): Record<string, unknown> {
  try {
    const { values } = parseArgs({
      args,
      options: {
        port: { type: "string" },
        host: { type: "string" },
        data: { type: "string" },
        log: { type: "string" },
        sandbox: { type: "string" },
      },
    });
    return values;
  } catch (error) {
    const why = (error as Error).message;
    throw new AppError("invalid", `Cannot read the command line: ${why}. See gaffer help`, [], {
      cause: error,
    });
  }
}

function readConfigFile(path: string, { readFile }: ConfigSources): Record<string, unknown> {
  const text = readFile(path);
  if (text === null) return {};
  const document = parseDocument(text);
  const problem = document.errors[0];
  if (problem) {
    throw new AppError("invalid", `Cannot read ${path}: ${problem.message}`, [], {
      cause: problem,
    });
  }
  const value = document.toJS() ?? {};
  if (typeof value !== "object" || Array.isArray(value)) {
    throw new AppError("invalid", `Cannot read ${path}: expected "key: value" lines`);
  }
  if ("data" in value) {
    throw new AppError(
      "invalid",
      `Cannot read ${path}: the key "data" can't be in it, since the file lies in the data folder. ` +
        "Choose the folder with --data or GAFFER_DATA",
    );
  }
  return value;
}

function check(
  value: Record<string, unknown>,
  sources: ConfigSources,
  file: Record<string, unknown>,
  fromEnv: Record<string, unknown>,
  flags: Record<string, unknown>,
): Settings {
  const result = settingsSchema.safeParse(value, { error: wrongInput });
  if (result.success) return result.data;
  const [first] = result.error.issues;
  const message = first!.code === "unrecognized_keys" ? NO_SUCH_SETTING : first!.message;
  const key = fieldErrors([first!])[0]!.field.split(".")[0]!;
  throw wrong(key, message, value, sources, { file, fromEnv, flags });
}

const NO_SUCH_SETTING = `there is no such setting, but these: ${
  Object.keys(settingsSchema.shape).filter((key) => key !== "data").join(", ")
}`;

/** The refusal of one setting, with where it stands. */
function wrong(
  key: string,
  message: string,
  value: Record<string, unknown>,
  sources: ConfigSources,
  { file, fromEnv, flags }: Record<"file" | "fromEnv" | "flags", Record<string, unknown>>,
): AppError {
  const place = key in flags
    ? `the flag --${key}`
    : key in fromEnv
    ? `the variable GAFFER_${key.toUpperCase()}`
    : key in file
    ? `the key "${key}" in config.yaml${lineOf(key, value, sources)}`
    : `the setting "${key}"`;
  return new AppError("invalid", `Cannot start: ${place} is wrong: ${message}`, [
    { field: key, message },
  ]);
}

function lineOf(key: string, value: Record<string, unknown>, sources: ConfigSources): string {
  const path = join(resolve(sources.cwd, String(value.data)), "config.yaml");
  const lines = sources.readFile(path)?.split("\n") ?? [];
  const index = lines.findIndex((line) => line.startsWith(`${key}:`));
  return index < 0 ? "" : ` (line ${index + 1})`;
}

function checkUrl(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : null;
  if (url?.protocol !== "http:" && url?.protocol !== "https:") {
    throw new AppError(
      "invalid",
      `Cannot start: the variable ANTHROPIC_BASE_URL is wrong: expected an http or https address, got "${text}"`,
    );
  }
  return text.replace(/\/+$/, "");
}
