/** How a child process is confined: with bubblewrap where it works, and what every child sees of the environment. */
import { CONFIG_FD, gitView } from "./git_view.ts";
import { isInside } from "./paths.ts";
import type { HandsLimits } from "./hands_limits.ts";
import type { Place } from "./protocol.ts";
import type { Toolchains } from "./toolchains.ts";

/** Home folder in a sandbox, whose /tmp is private and gone with it; a place may bring a home that lasts. */
const SANDBOX_HOME = "/tmp/home";

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

/** What resolving names needs besides; of no use without the network. */
const networkFiles = ["gai.conf", "host.conf", "resolv.conf"].map((name) => `/etc/${name}`);

export interface SandboxOptions {
  place: Place;
  /** It shares the machine's network, this machine's own services included. */
  network: boolean;
  toolchains: Toolchains;
  /** Environment of the process; it can be read by who looks at the arguments. */
  env: Record<string, string>;
  /** What starts the sandbox has no variable but such as are meant for the process, too. */
  keepsEnv?: boolean;
  /** More that is shown read-only: [path here, path in the sandbox]. */
  shown: readonly (readonly [string, string])[];
  /** Never visible, whatever they lie in. */
  protectedPaths: readonly string[];
  /** Absolute path of an empty file, shown in place of what is masked. */
  emptyFile: string;
  tmp: TmpLimits | null;
}

/** Most that the files in memory may take; null: half of the machine's, bubblewrap knows no limit before 0.7. */
export type TmpLimits = Pick<HandsLimits, "tmpBytes" | "shmBytes">;

export interface SandboxPlan {
  /** Arguments for bubblewrap, up to the program to run. */
  args: string[];
  /** To be readable on file descriptor CONFIG_FD; null for none. */
  config: string | null;
}

/** Variables that the shell which starts bubblewrap sets by itself. */
const shellsOwn = ["PWD", "OLDPWD", "SHLVL", "_"];

/** Namespaces of its own, and the system's files: what every sandbox begins with. */
export function baseArgs(tmp: TmpLimits | null, network = false, keepsEnv = false): string[] {
  const size = (bytes: number | undefined) => bytes === undefined ? [] : ["--size", String(bytes)];
  return [
    ...["--unshare-all", ...(network ? ["--share-net"] : [])],
    ...["--die-with-parent", "--new-session"],
    ...keepsEnv ? shellsOwn.flatMap((name) => ["--unsetenv", name]) : ["--clearenv"],
    ...["--cap-drop", "ALL", "--hostname", "gaffer"],
    ...systemArgs(),
    ...(network ? networkFiles.flatMap((path) => ["--ro-bind-try", path, path]) : []),
    ...["--proc", "/proc", "--dev", "/dev"],
    ...[...size(tmp?.shmBytes), "--tmpfs", "/dev/shm", "--remount-ro", "/dev"],
    ...[...size(tmp?.tmpBytes), "--tmpfs", "/tmp"],
  ];
}

/** What later arguments show lies over what earlier ones do; so the place comes after all that hides. */
export async function sandboxPlan(
  { place, network, toolchains, env, keepsEnv, shown, protectedPaths, emptyFile, tmp }:
    SandboxOptions,
  signal: AbortSignal,
): Promise<SandboxPlan> {
  const { visible } = toolchains;
  const around = [...visible, ...shown.map(([path]) => path), ...systemDirs];
  const git = await gitView(place, signal);
  const args = [
    ...baseArgs(tmp, network, keepsEnv),
    ...(place.homeDir ? ["--bind", place.homeDir, SANDBOX_HOME] : ["--dir", SANDBOX_HOME]),
    ...visible.flatMap((path) => ["--ro-bind", path, path]),
    ...shown.flatMap(([path, at]) => ["--ro-bind", path, at]),
    ...await hide(protectedPaths.filter((path) => around.some((dir) => isInside(dir, path)))),
    ...[place.access === "write" ? "--bind" : "--ro-bind", place.dir, place.dir],
    ...await hide(protectedPaths.filter((path) => isInside(place.dir, path) && path !== place.dir)),
    ...git.args,
    ...await hide(place.masked ?? [], emptyFile),
    ...Object.entries(env).flatMap(([name, value]) => ["--setenv", name, value]),
    ...["--remount-ro", "/", "--chdir", place.dir, "--"],
  ];
  return { args, config: git.config };
}

/** Merged systems have links at the root, older ones folders. */
function systemArgs(): string[] {
  const args = systemDirs.flatMap((dir) => {
    const info = lstat(dir);
    if (info?.isSymlink) return ["--symlink", Deno.readLinkSync(dir), dir];
    return info ? ["--ro-bind", dir, dir] : [];
  });
  return [...args, ...systemFiles.flatMap((path) => ["--ro-bind-try", path, path])];
}

function lstat(path: string): Deno.FileInfo | null {
  try {
    return Deno.lstatSync(path);
  } catch {
    return null; // not there, or not for us: then not for a sandbox either
  }
}

async function hide(paths: readonly string[], empty = "/dev/null"): Promise<string[]> {
  const args = [];
  for (const path of paths) {
    const info = await Deno.stat(path).catch(() => null);
    if (info?.isDirectory) args.push("--tmpfs", path, "--remount-ro", path);
    else if (info) args.push("--ro-bind", empty, path);
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
