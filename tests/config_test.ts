/** The configuration: where each value may come from, which wins, and how a wrong one is refused. */
import { deepStrictEqual as deepEqual, strictEqual as equal, throws } from "node:assert";
import { type Config, loadConfig } from "../server/config.ts";
import { AppError } from "../server/errors.ts";

interface Sources {
  args?: string[];
  env?: Record<string, string>;
  /** By absolute path. */
  files?: Record<string, string>;
  checkout?: boolean;
}

const load = ({ args = [], env = {}, files = {}, checkout = true }: Sources = {}): Config =>
  loadConfig({
    args,
    env: { HOME: "/home/pat", ...env },
    readFile: (path) => files[path] ?? null,
    cwd: "/work/checkout",
    checkout,
    timeZone: "Europe/Oslo",
  });

/** The config.yaml of the folder that a checkout uses. */
const withFile = (text: string): Sources => ({
  files: { "/work/checkout/data/config.yaml": text },
});

function refused(sources: Sources, message: RegExp, field?: string): void {
  throws(() => load(sources), (error: unknown) => {
    if (!(error instanceof AppError)) return false;
    equal(error.code, "invalid");
    if (field !== undefined) deepEqual(error.fields.map((wrong) => wrong.field), [field]);
    return message.test(error.message);
  });
}

Deno.test("without any setting it serves this machine alone, with the demo model", () => {
  deepEqual(load(), {
    port: 4242,
    host: "127.0.0.1",
    dataDir: "/work/checkout/data",
    logFormat: "human",
    maxRuns: 4,
    maxRunsPerProject: 0,
    maxJobs: 0,
    sandbox: "auto",
    endpoint: null,
    idleTimeoutMs: 120_000,
    demoPaceMs: 12,
    backupEveryHours: 24,
    maxCrashes: 3,
    notifyUrl: null,
    toolchains: [],
    handsLimits: {},
    mail: null,
    publicUrl: "http://localhost:4242",
    chromium: "",
    timeZone: "Europe/Oslo",
  });
});

Deno.test("the executable keeps its data where the person's programs do", () => {
  const dataDir = (env: Record<string, string>) => load({ env, checkout: false }).dataDir;
  equal(dataDir({}), "/home/pat/.local/share/gaffer");
  equal(dataDir({ XDG_DATA_HOME: "/data/pat" }), "/data/pat/gaffer");
  equal(dataDir({ HOME: "", USERPROFILE: "/users/pat" }), "/users/pat/.local/share/gaffer");
});

Deno.test("a flag wins over the environment, that over config.yaml, that over the default", () => {
  const file = withFile("port: 1001\n");
  const env = { GAFFER_PORT: "1002" };
  equal(load(file).port, 1001);
  equal(load({ ...file, env }).port, 1002);
  equal(load({ ...file, env, args: ["--port", "1003"] }).port, 1003);
});

Deno.test("every setting can come from config.yaml and from the environment", () => {
  const file = withFile(
    "port: 0\nhost: '::1'\nlog: json\nmax_runs: 9\nmax_runs_per_project: 3\nmax_jobs: 11\nsandbox: off\n" +
      "demo_pace_ms: 0\nnotify_url: https://ntfy.sh?topic=me\npublic_url: https://gaffer.example/\n" +
      "chromium: /opt/chromium/chrome\ntimezone: America/Lima\nsmtp_url: smtps://me:p%40ss@mail.example\nmail_from: gaffer@example.org\n" +
      "mail_to: ana@example.org, bo@example.org\n",
  );
  const env = {
    GAFFER_PORT: "0",
    GAFFER_HOST: "::1",
    GAFFER_LOG: "json",
    GAFFER_MAX_RUNS: "9",
    GAFFER_MAX_RUNS_PER_PROJECT: "3",
    GAFFER_MAX_JOBS: "11",
    GAFFER_SANDBOX: "off",
    GAFFER_DEMO_PACE_MS: "0",
    GAFFER_NOTIFY_URL: "https://ntfy.sh?topic=me",
    GAFFER_PUBLIC_URL: "https://gaffer.example/",
    GAFFER_CHROMIUM: "/opt/chromium/chrome",
    GAFFER_TIMEZONE: "America/Lima",
    GAFFER_SMTP_URL: "smtps://me:p%40ss@mail.example",
    GAFFER_MAIL_FROM: "gaffer@example.org",
    GAFFER_MAIL_TO: "ana@example.org,bo@example.org",
  };
  const expected = {
    ...load(),
    port: 0,
    host: "::1",
    logFormat: "json",
    maxRuns: 9,
    maxRunsPerProject: 3,
    maxJobs: 11,
    sandbox: "off",
    demoPaceMs: 0,
    notifyUrl: "https://ntfy.sh?topic=me",
    publicUrl: "https://gaffer.example",
    chromium: "/opt/chromium/chrome",
    timeZone: "America/Lima",
    mail: {
      smtpUrl: "smtps://me:p%40ss@mail.example",
      from: "gaffer@example.org",
      to: ["ana@example.org", "bo@example.org"],
    },
  };
  deepEqual(load(file), expected);
  deepEqual(load({ env }), expected);
});

Deno.test("mail needs a server and both addresses, and what is wrong of them tells no password", () => {
  const good = {
    smtp_url: "smtp://me:hush@mail.example:587",
    mail_from: "a@b.cc",
    mail_to: "c@d.ee",
  };
  const withMail = (changes: Partial<typeof good>) =>
    withFile(Object.entries({ ...good, ...changes }).map((line) => line.join(": ")).join("\n"));
  equal(load(withMail({})).mail?.to.length, 1);
  for (const key of Object.keys(good)) {
    refused(withMail({ [key]: '""' }), /mail needs all of smtp_url, mail_from and mail_to/, key);
  }
  for (const smtp_url of ["http://me:hush@mail.example", "smtp://me:hush@", "smtp://h/hush?x=1"]) {
    refused(
      withMail({ smtp_url }),
      /^(?!.*hush).*expected smtp:\/\/user:password@host:587/,
      "smtp_url",
    );
  }
  refused(withMail({ mail_from: "a@b.cc, c@d.ee" }), /expected a mail address/, "mail_from");
  refused(withMail({ mail_to: "c@d.ee, nobody" }), /at most 20 mail addresses/, "mail_to");
});

Deno.test("config.yaml is that of the data folder which flag or environment name", () => {
  const files = { "/work/checkout/other/config.yaml": "port: 1001\n" };
  equal(load({ files }).port, 4242);
  equal(load({ files, args: ["--data", "other"] }).port, 1001);
  equal(load({ files, env: { GAFFER_DATA: "/work/checkout/other" } }).port, 1001);
});

Deno.test("folders with tools and limits of what agents run can be set, and 0 is what is shipped", () => {
  const set = load(
    withFile(
      "toolchains: [/opt/node, /opt/go]\nhands_memory_mb: 2048\nhands_cpu_seconds: 60\n" +
        "hands_processes: 64\nhands_file_mb: 0\nhands_open_files: 256\n",
    ),
  );
  deepEqual(set.toolchains, ["/opt/node", "/opt/go"]);
  const handsLimits = { memory_mb: 2048, cpu_seconds: 60, processes: 64, open_files: 256 };
  deepEqual(set.handsLimits, handsLimits);
  const env = {
    GAFFER_TOOLCHAINS: "/opt/node:/opt/go",
    GAFFER_HANDS_MEMORY_MB: "2048",
    GAFFER_HANDS_CPU_SECONDS: "60",
    GAFFER_HANDS_PROCESSES: "64",
    GAFFER_HANDS_OPEN_FILES: "256",
  };
  deepEqual(load({ env }), set);
});

Deno.test("a limit of what agents run that is out of its bounds is refused with them", () => {
  refused(withFile("hands_memory_mb: 100\n"), /"hands_memory_mb".*from 256 to 1048576, or 0/);
  refused(withFile("hands_processes: 1\n"), /"hands_processes".*from 32 to 32768/);
  refused({ env: { GAFFER_HANDS_CPU_SECONDS: "86401" } }, /GAFFER_HANDS_CPU_SECONDS is wrong/);
  refused({ env: { GAFFER_HANDS_OPEN_FILES: "all" } }, /HANDS_OPEN_FILES is wrong.*whole number/);
});

Deno.test("a folder with tools that holds secrets, or leads to them, is refused with why", () => {
  const wrong: [string, RegExp][] = [
    ["/", /"\/" is everything/],
    ["/home/pat", /is your home folder, or holds it/],
    ["/home/", /is your home folder, or holds it/],
    ["/home/pat/.ssh", /lies in \/home\/pat\/\.ssh, which may hold secrets/],
    ["/home/pat/.cargo", /holds .*\/home\/pat\/\.cargo\/credentials\.toml/],
    ["/work/checkout/data", /is Gaffer's data folder/],
    ["/work/checkout", /is Gaffer's data folder, holds it/],
    ["/work/checkout/data/projects/x", /data folder, holds it or lies in it/],
    ["/proc", /\/proc, which may hold secrets/],
    ["/proc/1/root", /lies in \/proc/],
    ["/var", /holds or lies in \/var\/run/],
    ["/etc/ssl", /lies in \/etc/],
    ["/opt/../home/pat", /has "\." or "\.\." in it/],
  ];
  for (const [path, why] of wrong) {
    refused(withFile(`log: json\ntoolchains: ["${path}"]\n`), why, "toolchains");
    refused(withFile(`log: json\ntoolchains: ["${path}"]\n`), /\(line 2\)/);
  }
  refused(withFile("toolchains: [bin]\n"), /expected a list of absolute paths/, "toolchains");
  refused(withFile("toolchains: {a: 1}\n"), /expected a list of absolute paths/, "toolchains");
  refused({ env: { GAFFER_TOOLCHAINS: "/opt:/home/pat" } }, /GAFFER_TOOLCHAINS is wrong.*home/);
  for (const path of ["/opt/node", "/home/pat/tools", "/home/pat/.cargo/bin", "/srv/go/"]) {
    deepEqual(load(withFile(`toolchains: ["${path}"]\n`)).toolchains, [path]);
  }
});

Deno.test("an empty config.yaml and an empty variable change nothing", () => {
  deepEqual(load({ ...withFile("# nothing yet\n"), env: { GAFFER_PORT: "" } }), load());
});

Deno.test("a wrong value in config.yaml is refused with its key and line", () => {
  refused(
    withFile("host: 127.0.0.1\nport: many\n"),
    /^Cannot start: the key "port" in config.yaml \(line 2\) is wrong: expected a whole number from 0 to 65535$/,
    "port",
  );
  refused(withFile("chromium: chrome\n"), /expected the absolute path of a program/, "chromium");
  refused(withFile("timezone: +01:00\n"), /expected the name of a time zone, such as/, "timezone");
  refused(
    withFile("log: loud\n"),
    /"log" in config.yaml \(line 1\) .*expected one of "human", "json"$/,
    "log",
  );
  refused(withFile("\n\nmax_runs: 0\n"), /\(line 3\).*from 1 to 100/, "max_runs");
  refused(withFile("max_jobs: few\n"), /from 0 to 1000/, "max_jobs");
});

Deno.test("what only passes for a number is refused", () => {
  for (const value of ["true", "null", "[]", "1.5", "-1", "65536", '" "', '"0x10"', "1e3.5"]) {
    refused(withFile(`port: ${value}\n`), /"port".*whole number/, "port");
  }
  refused({ env: { GAFFER_PORT: " " } }, /GAFFER_PORT.*whole number/, "port");
});

Deno.test("an unknown key in config.yaml is refused with its line", () => {
  refused(
    withFile("log: json\nprot: 80\n"),
    /^Cannot start: the key "prot" in config.yaml \(line 2\) is wrong: there is no such setting, but these: port, host/,
    "prot",
  );
});

Deno.test("the data folder can't be chosen from inside of it", () => {
  refused(withFile("data: /elsewhere\n"), /config.yaml: the key "data" can't be in it.*--data/);
});

Deno.test("a config.yaml that is no YAML, or no keys and values, is refused with its path", () => {
  refused(
    withFile("port: 1\nport: 2\n"),
    /^Cannot read \/work\/checkout\/data\/config.yaml: .*line 2/s,
  );
  refused(withFile("port: [1\n"), /^Cannot read .*config.yaml: .*line/s);
  refused(withFile("- port\n"), /config.yaml: expected "key: value" lines/);
  refused(withFile("just words\n"), /config.yaml: expected "key: value" lines/);
});

Deno.test("a wrong variable is refused by its name", () => {
  refused({ env: { GAFFER_PORT: "99999" } }, /the variable GAFFER_PORT is wrong/, "port");
  refused({ env: { GAFFER_SANDBOX: "on" } }, /the variable GAFFER_SANDBOX is wrong/, "sandbox");
});

Deno.test("a wrong flag is refused by its name", () => {
  refused({ args: ["--port", "-1"] }, /Cannot read the command line/);
  refused({ args: ["--port=-1"] }, /the flag --port is wrong/, "port");
  refused({ args: ["--log", "loud"] }, /the flag --log is wrong/, "log");
  refused(
    { args: ["--host", ""] },
    /the flag --host is wrong: expected a text that is not empty/,
    "host",
  );
});

Deno.test("what is no flag, or has no value, is refused", () => {
  refused({ args: ["--fast"] }, /^Cannot read the command line: .*--fast.* See gaffer help$/);
  refused({ args: ["here"] }, /^Cannot read the command line: .*here/);
  refused({ args: ["--port"] }, /^Cannot read the command line: .*--port/);
});

Deno.test("the wrong one of two places is blamed: a good flag over a wrong variable is enough", () => {
  equal(load({ env: { GAFFER_PORT: "many" }, args: ["--port", "1"] }).port, 1);
  refused(
    { ...withFile("port: 1\n"), env: { GAFFER_PORT: "many" } },
    /the variable GAFFER_PORT is wrong/,
  );
});

Deno.test("with a key the agents use the Claude API, or the endpoint that was named", () => {
  const endpoint = (env: Record<string, string>) => load({ env }).endpoint;
  const key = { ANTHROPIC_API_KEY: " key\n" };
  deepEqual(endpoint(key), { baseUrl: "https://api.anthropic.com", apiKey: "key" });
  deepEqual(endpoint({ ...key, ANTHROPIC_BASE_URL: "http://127.0.0.1:8080/claude//" }), {
    baseUrl: "http://127.0.0.1:8080/claude",
    apiKey: "key",
  });
  equal(endpoint({ ANTHROPIC_BASE_URL: "http://127.0.0.1:8080" }), null);
  equal(endpoint({ ANTHROPIC_API_KEY: "  " }), null);
});

Deno.test("an endpoint that is no web address is refused", () => {
  for (const address of ["api.anthropic.com", "ftp://example.org", "http://"]) {
    refused(
      { env: { ANTHROPIC_API_KEY: "key", ANTHROPIC_BASE_URL: address } },
      /the variable ANTHROPIC_BASE_URL is wrong: expected an http or https address/,
    );
  }
});

Deno.test("addresses that are none are refused by name, and not repeated: one may hold a password", () => {
  for (const key of ["NOTIFY_URL", "PUBLIC_URL"]) {
    for (const wrong of ["ntfy.sh/hush", "file:///etc/passwd", "http://"]) {
      throws(
        () => load({ env: { [`GAFFER_${key}`]: wrong } }),
        (error: Error) =>
          error.message.includes(`GAFFER_${key} is wrong: expected an http`) &&
          !error.message.includes("hush"),
      );
    }
  }
});
