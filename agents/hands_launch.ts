/** Works out how hands are started: which program, in which confinement, with which environment. */
import { carriedEnv } from "./carried_env.ts";
import { type HandsConfig, type HandsRole, isSandboxed } from "./hands_config.ts";
import { findProgram } from "./find_program.ts";
import { findSandbox, type FoundSandbox, tried } from "./find_sandbox.ts";
import { type HandsLimits, withChanges } from "./hands_limits.ts";
import {
  cacheDirOf,
  OwnRuntime,
  type OwnRuntimeOptions,
  RUNTIME_IN_SANDBOX,
  runtimeVariables,
} from "./own_runtime.ts";
import { isInside } from "./paths.ts";
import type { Place } from "./protocol.ts";
import {
  bubblewrapCommand,
  sandboxEnvironment,
  sandboxPlan,
  scrubbedEnvironment,
  systemDirs,
} from "./sandbox.ts";
import { AppError } from "../server/errors.ts";
import type { Log } from "../server/log.ts";
import { MARKER_VARIABLE } from "./sweep.ts";
import { openTempFolder, type TempFolder } from "./temp_folder.ts";
import { ulimits } from "./shell.ts";
import { whyNotShown } from "../server/shown_folders.ts";
import { findToolchains, type Toolchains, withFolders } from "./toolchains.ts";
import { proxyLaunch } from "./proxy_launch.ts";
import type { ProxyLaunch } from "./proxy_process.ts";
import { RELAY_SOCKET, relayEnvironment } from "./relay.ts";

export interface LaunchOptions extends OwnRuntimeOptions {
  sandbox: "auto" | "off";
  /** Absolute paths that hands must never see: the data folder. */
  protectedPaths: readonly string[];
  /** Of every place that has none of its own. */
  limits: HandsLimits;
  /** Absolute paths of folders with programs, shown in every place. */
  toolchains?: readonly string[];
  /** Port of the server itself; null while there is none. */
  ownPort?: () => number | null;
  log: Log;
}

/** How to start one child. */
export interface Launch {
  program: string;
  args: string[];
  env: Record<string, string>;
  /** In the environment of all it starts. */
  marker: string;
  /** To be removed when it has ended, if it could not do that itself. */
  tempDir: string | null;
  /** It starts programs that do not end with it. */
  mayLeave: boolean;
  /** What it and all that it starts may take. */
  limits: HandsLimits;
}

/**
 * Of the runtime's cache a sandbox gets an empty one. Showing it the server's transpiled files, read-only,
 * saves 20 ms where they are fresh and costs 170 where they are not: Deno insists on writing. So what V8 compiled is
 * not put there either, for nobody.
 */
const CACHE_IN_SANDBOX = "/tmp/.deno";
/** For what starts no programs. */
const NO_HOME = "/nonexistent";

/** Finds out once what the machine has, then plans each start. */
export class Launcher {
  readonly #options: LaunchOptions;
  readonly #runtime: OwnRuntime;
  readonly #env = Deno.env.toObject();
  #machine: Promise<Machine> | undefined;
  #temp: Promise<TempFolder> | undefined;
  #empty: Promise<string> | undefined;

  constructor(options: LaunchOptions) {
    this.#options = options;
    this.#runtime = new OwnRuntime(options);
  }

  /** Throws `unavailable` while the machine keeps it from being tried. */
  async sandbox(): Promise<FoundSandbox> {
    return tried(await findSandbox(this.#options.sandbox));
  }

  /** Absolute path of the shell. */
  async sh(): Promise<string> {
    return (await this.#findMachine()).sh;
  }

  /** Where hands have what goes with them; made at the first call. */
  async temp(): Promise<TempFolder> {
    const sh = await this.sh();
    return await (this.#temp ??= openTempFolder({ sh, log: this.#options.log }));
  }

  /** When nothing is started any more: removes what was made for it. */
  async close(): Promise<void> {
    const temp = await this.#temp;
    this.#temp = undefined;
    this.#empty = undefined;
    await temp?.close();
  }

  /** Names in the server's environment that hands get no value for. */
  async secretNames(): Promise<string[]> {
    const { toolchains } = await this.#findMachine();
    const given = new Set([
      ...Object.keys(sandboxEnvironment(this.#env, toolchains)),
      ...Object.keys(runtimeVariables("")),
      ...[MARKER_VARIABLE, "PWD", "OLDPWD", "SHLVL", "_"], // the shell's own
    ]);
    return Object.keys(this.#env).filter((name) => !given.has(name));
  }

  /** What holds for a place. */
  limitsOf({ limits = {} }: Place): HandsLimits {
    return withChanges(this.#options.limits, limits);
  }

  /** Plans the proxy for a place's sandbox; null: its commands reach no host. */
  async proxy({ reach }: Place, role: HandsRole): Promise<ProxyLaunch | null> {
    const { bwrap } = await this.sandbox();
    if (!reach || reach.hosts.length === 0 || role !== "sandboxed" || bwrap === null) return null;
    return proxyLaunch({
      reach,
      dir: (await this.temp()).path,
      args: this.#runtime.args("proxy"),
      env: runtimeVariables(cacheDirOf(this.#env)),
      serverEnv: this.#env,
      port: this.#options.ownPort?.() ?? null,
    });
  }

  /** `proxySocket`: of the place's proxy, which serves already. */
  async plan(
    place: Place,
    role: HandsRole,
    signal: AbortSignal,
    proxySocket: string | null = null,
  ): Promise<Launch> {
    const machine = await this.#findMachine();
    const { markerPrefix } = await this.temp();
    const marker = `${markerPrefix}${crypto.randomUUID()}`;
    const { cpuSeconds, fileBytes, openFiles, tasks } = this.limitsOf(place);
    const config = {
      role,
      dir: place.dir,
      access: place.access,
      hidden: this.#options.protectedPaths.filter((path) =>
        path !== place.dir && isInside(place.dir, path)
      ),
      sh: machine.sh,
      bash: machine.bash,
      limits: { cpuSeconds, fileBytes, openFiles, tasks },
      relay: proxySocket !== null,
      marker,
    };
    const sandbox = await this.sandbox();
    return isSandboxed(role) && sandbox.bwrap
      ? await this.#sandboxed(sandbox, { place, config, proxySocket }, signal)
      : await this.#bare(place, config);
  }

  /**
   * Plans how a program that the person named is started beside the hands of a place: in the same sandbox, without
   * the network. Throws `conflict` where there is none.
   */
  async program(
    place: Place,
    { command, args, env }: { command: string; args: string[]; env: Record<string, string> },
    signal: AbortSignal,
  ): Promise<Launch> {
    const { sh } = await this.#findMachine();
    const toolchains = await this.#toolchainsOf(place);
    const limits = this.limitsOf(place);
    const { bwrap, limitsTmp } = await this.sandbox();
    if (bwrap === null) {
      throw new AppError(
        "conflict",
        `Cannot start "${command}": programs of MCP servers run in a sandbox only. Install bubblewrap and ` +
          "start Gaffer again, or use a server that is reached over HTTP",
      );
    }
    const marker = `${(await this.temp()).markerPrefix}${crypto.randomUUID()}`;
    // The person's variables hold secrets.
    const carried = carriedEnv(env);
    const plan = await sandboxPlan({
      place,
      network: false,
      toolchains,
      env: { ...sandboxEnvironment(this.#env, toolchains), [MARKER_VARIABLE]: marker },
      keepsEnv: true,
      shown: [],
      protectedPaths: this.#options.protectedPaths,
      emptyFile: await this.#emptyFile(),
      tmp: limitsTmp ? limits : null,
    }, signal);
    // Within the sandbox: bubblewrap itself is not to be held back by them.
    const own = ulimits(limits, { isBash: false, ownNamespace: true });
    const limited = `{ ${own}; } 2>/dev/null; ${carried.script} exec "$@"`;
    return {
      program: sh,
      args: bubblewrapCommand(bwrap, plan, ["/bin/sh", "-c", limited, "sh", command, ...args]),
      env: carried.env,
      marker,
      tempDir: null,
      mayLeave: false,
      limits,
    };
  }

  /** With the folders that a person has named for all places, and for this one. */
  async #toolchainsOf(place: Place): Promise<Toolchains> {
    const { toolchains } = await this.#findMachine();
    const { protectedPaths, toolchains: named = [] } = this.#options;
    const home = this.#env.HOME ?? "";
    const mayShow = (path: string) =>
      ["", ...protectedPaths].every((dataDir) => whyNotShown(path, { home, dataDir }) === null);
    return await withFolders(toolchains, [...place.toolchains ?? [], ...named], mayShow);
  }

  async #sandboxed(
    { bwrap, limitsTmp }: FoundSandbox,
    { place, config, proxySocket }: {
      place: Place;
      config: Unfinished;
      proxySocket: string | null;
    },
    signal: AbortSignal,
  ): Promise<Launch> {
    const { sh } = await this.#findMachine();
    const toolchains = await this.#toolchainsOf(place);
    const limits = this.limitsOf(place);
    const shown = await this.#runtime.shown();
    if (proxySocket !== null) shown.push([proxySocket, RELAY_SOCKET]);
    const env = {
      ...sandboxEnvironment(this.#env, toolchains),
      ...proxySocket !== null && relayEnvironment,
    };
    const plan = await sandboxPlan({
      place,
      network: config.role === "networked",
      toolchains,
      env: { ...env, ...runtimeVariables(CACHE_IN_SANDBOX), [MARKER_VARIABLE]: config.marker },
      shown,
      protectedPaths: this.#options.protectedPaths,
      emptyFile: await this.#emptyFile(),
      tmp: limitsTmp ? limits : null,
    }, signal);
    const program = [
      RUNTIME_IN_SANDBOX,
      ...this.#runtime.args("hands", ["--no-code-cache"]),
      JSON.stringify({ ...config, env }),
    ];
    return {
      program: sh,
      args: bubblewrapCommand(bwrap!, plan, program),
      env: {},
      marker: config.marker,
      tempDir: null,
      mayLeave: false,
      limits,
    };
  }

  /** Programs that copy a folder can copy it, as they can't copy a device. */
  #emptyFile(): Promise<string> {
    this.#empty ??= (async () => {
      const path = `${(await this.temp()).path}/empty`;
      await Deno.writeFile(path, new Uint8Array(), { mode: 0o444 });
      return path;
    })();
    return this.#empty;
  }

  async #bare(place: Place, config: Unfinished): Promise<Launch> {
    const toolchains = await this.#toolchainsOf(place);
    const tempDir = config.role === "commands"
      ? await Deno.makeTempDir({ dir: (await this.temp()).path, prefix: "hands-" })
      : null;
    const env = scrubbedEnvironment(this.#env, toolchains, tempDir ?? NO_HOME);
    return {
      program: Deno.execPath(),
      args: [...this.#runtime.args("hands"), finish(config, { env, tempDir })],
      env: { ...env, ...runtimeVariables(cacheDirOf(this.#env)), [MARKER_VARIABLE]: config.marker },
      marker: config.marker,
      tempDir,
      mayLeave: config.role === "commands",
      limits: this.limitsOf(place),
    };
  }

  #findMachine(): Promise<Machine> {
    this.#machine ??= (async () => ({
      sh: findProgram("sh") ?? "/bin/sh",
      bash: findProgram("bash"),
      toolchains: await findToolchains({
        env: this.#env,
        systemDirs,
        protectedPaths: this.#options.protectedPaths,
      }),
    }))();
    return this.#machine;
  }
}

type Unfinished = Omit<HandsConfig, "env" | "tempDir">;

/** The last argument of hands. */
const finish = (config: Unfinished, rest: Pick<HandsConfig, "env" | "tempDir">): string =>
  JSON.stringify({ ...config, ...rest } satisfies HandsConfig);

interface Machine {
  sh: string;
  bash: string | null;
  toolchains: Toolchains;
}
