/** How a child process is confined: with bubblewrap where it works, and what every child sees of the environment. */
import { messageOf } from "../server/errors.ts";
import { CONFIG_FD, gitView } from "./git_view.ts";
import { isInside } from "./paths.ts";
import type { Place } from "./protocol.ts";
import type { Confinement } from "./runtime.ts";
import type { Toolchains } from "./toolchains.ts";

/** Home folder in a sandbox; its /tmp is private and gone with it. */
const SANDBOX_HOME = "/tmp/home";
/** Memory that files in the private /tmp may take. */
const TMP_BYTES = 2 * 1024 ** 3;
const TRIAL_TIMEOUT_MS = 5_000;

/** Taken over from the server's environment into that of commands. */
const inherited = ["LANG", "LC_ALL", "LC_CTYPE", "LC_MESSAGES", "TZ"];

/** All that a command sees of the environment; `home` is a private folder. */
export function scrubbedEnvironment(
  env: Record<string, string | undefined>,
  toolchains: Toolchains,
  home: string,
): Record<string, string> {
  const kept = inherited.flatMap((name) => env[name] ? [[name, env[name]]] : []);
  return {
    LANG: "C.UTF-8",
    ...Object.fromEntries(kept),
    ...toolchains.env,
    PATH: toolchains.path.join(":") || "/usr/local/bin:/usr/bin:/bin",
    HOME: home,
    TMPDIR: home === SANDBOX_HOME ? "/tmp" : home,
    TERM: "dumb",
    CI: "true",
    NO_COLOR: "1",
    GIT_OPTIONAL_LOCKS: "0",
    GIT_CONFIG_GLOBAL: "/dev/null",
    GIT_CONFIG_NOSYSTEM: "1",
    GIT_TERMINAL_PROMPT: "0",
  };
}

export const sandboxEnvironment = (
  env: Record<string, string | undefined>,
  toolchains: Toolchains,
) => scrubbedEnvironment(env, toolchains, SANDBOX_HOME);

// ---------------------------------------------------------------- bubblewrap

/** Shown in every sandbox, read-only. */
export const systemDirs = [
  "/usr",
  "/bin",
  "/sbin",
  "/lib",
  "/lib32",
  "/lib64",
  "/libx32",
  "/nix/store",
];
/** Of /etc only what programs need to run and what holds no secret. */
const systemFiles = [
  "alternatives",
  "ca-certificates",
  "crypto-policies",
  "fonts",
  "group",
  "hosts",
  "ld.so.cache",
  "ld.so.conf",
  "ld.so.conf.d",
  "localtime",
  "mime.types",
  "nsswitch.conf",
  "passwd",
  "pki/ca-trust",
  "pki/tls/certs",
  "protocols",
  "services",
  "ssl/certs",
  "ssl/openssl.cnf",
  "timezone",
].map((name) => `/etc/${name}`);

const namespaces = [
  ...["--unshare-all", "--die-with-parent", "--new-session", "--clearenv"],
  ...["--cap-drop", "ALL", "--hostname", "gaffer"],
];

export interface SandboxOptions {
  place: Place;
  toolchains: Toolchains;
  /** Environment of the process. */
  env: Record<string, string>;
  /** More that is shown read-only: [path here, path in the sandbox]. */
  shown: readonly (readonly [string, string])[];
  /** Never visible, whatever they lie in. */
  protectedPaths: readonly string[];
}

export interface SandboxPlan {
  /** Arguments for bubblewrap, up to the program to run. */
  args: string[];
  /** To be readable on file descriptor CONFIG_FD; null for none. */
  config: string | null;
}

/** What later arguments show lies over what earlier ones do; so the place comes after all that hides. */
export async function sandboxPlan(
  { place, toolchains, env, shown, protectedPaths }: SandboxOptions,
  signal: AbortSignal,
): Promise<SandboxPlan> {
  const { visible } = toolchains;
  const around = [...visible, ...shown.map(([path]) => path), ...systemDirs];
  const git = await gitView(place, signal);
  const args = [
    ...namespaces,
    ...await systemArgs(),
    ...["--proc", "/proc", "--dev", "/dev"],
    ...["--size", String(TMP_BYTES), "--tmpfs", "/tmp", "--dir", SANDBOX_HOME],
    ...visible.flatMap((path) => ["--ro-bind", path, path]),
    ...shown.flatMap(([path, at]) => ["--ro-bind", path, at]),
    ...await hide(protectedPaths.filter((path) => around.some((dir) => isInside(dir, path)))),
    ...[place.access === "write" ? "--bind" : "--ro-bind", place.dir, place.dir],
    ...await hide(protectedPaths.filter((path) => isInside(place.dir, path) && path !== place.dir)),
    ...git.args,
    ...Object.entries(env).flatMap(([name, value]) => ["--setenv", name, value]),
    ...["--remount-ro", "/", "--chdir", place.dir, "--"],
  ];
  return { args, config: git.config };
}

/** Merged systems have links at the root, older ones folders. */
async function systemArgs(): Promise<string[]> {
  const args = [];
  for (const dir of systemDirs) {
    const info = await Deno.lstat(dir).catch(() => null);
    if (info?.isSymlink) args.push("--symlink", await Deno.readLink(dir), dir);
    else if (info) args.push("--ro-bind", dir, dir);
  }
  return [...args, ...systemFiles.flatMap((path) => ["--ro-bind-try", path, path])];
}

async function hide(paths: string[]): Promise<string[]> {
  const args = [];
  for (const path of paths) {
    const info = await Deno.stat(path).catch(() => null);
    if (info?.isDirectory) args.push("--tmpfs", path);
    else if (info) args.push("--ro-bind", "/dev/null", path);
  }
  return args;
}

/**
 * Arguments for `sh` that start bubblewrap: a shell can hand it the config on a file descriptor, which
 * Deno's subprocesses can't. `exec` leaves no shell behind.
 */
export function bubblewrapCommand(bwrap: string, plan: SandboxPlan, program: string[]): string[] {
  const script = plan.config === null
    ? 'shift; exec "$@"'
    : `exec ${CONFIG_FD}<<END_OF_CONFIG\n$1\nEND_OF_CONFIG\nshift; exec "$@"`;
  return ["-c", script, "sh", plan.config ?? "", bwrap, ...plan.args, ...program];
}

// ---------------------------------------------------------------- what this machine has

/** Where programs are looked for that Gaffer itself starts. */
const programDirs = ["/usr/bin", "/bin", "/usr/local/bin", "/run/current-system/sw/bin"];

/** Absolute path of a program of the system; null when it has none. */
export async function findProgram(name: string): Promise<string | null> {
  for (const dir of programDirs) {
    const info = await Deno.stat(`${dir}/${name}`).catch(() => null);
    if (info?.isFile) return `${dir}/${name}`;
  }
  return null;
}

export interface FoundSandbox extends Confinement {
  /** Path of bubblewrap; null when it is not used. */
  bwrap: string | null;
}

let trial: Promise<FoundSandbox> | undefined;

/** Whether bubblewrap is there and works; tried once per process. */
export function findSandbox(mode: "auto" | "off"): Promise<FoundSandbox> {
  if (mode === "off") {
    return Promise.resolve(without("The sandbox is switched off by the setting sandbox"));
  }
  trial ??= tryBubblewrap();
  return trial;
}

async function tryBubblewrap(): Promise<FoundSandbox> {
  if (Deno.build.os !== "linux") {
    return without("Commands can be sandboxed on Linux only; run Gaffer there for that");
  }
  const bwrap = await findProgram("bwrap");
  if (!bwrap) {
    return without(
      "Install bubblewrap (apt install bubblewrap, dnf install bubblewrap, …) and start Gaffer again",
    );
  }
  const problem = await trialRun(bwrap);
  if (problem === null) return { kind: "bubblewrap", hint: "", bwrap };
  return without(
    `bubblewrap is installed, but it does not work here: ${problem}. Allow unprivileged user ` +
      "namespaces, then start Gaffer again",
  );
}

const without = (hint: string): FoundSandbox => ({ kind: "process", hint, bwrap: null });

/** Null when it worked. */
async function trialRun(bwrap: string): Promise<string | null> {
  try {
    const { success, stderr } = await new Deno.Command(bwrap, {
      args: [
        ...namespaces,
        ...await systemArgs(),
        ...["--proc", "/proc", "--dev", "/dev", "--size", "4096", "--tmpfs", "/tmp"],
        ...["--remount-ro", "/", "--", "/bin/sh", "-c", "exit 0"],
      ],
      clearEnv: true,
      stdin: "null",
      stdout: "null",
      stderr: "piped",
      signal: AbortSignal.timeout(TRIAL_TIMEOUT_MS),
    }).output();
    return success ? null : new TextDecoder().decode(stderr).trim().split("\n")[0] || "it failed";
  } catch (error) {
    return messageOf(error);
  }
}
