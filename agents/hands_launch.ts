/** Works out how hands are started: which program, in which confinement, with which environment. */
import { HANDS_ARGUMENT, type HandsConfig, type HandsRole, isSandboxed } from "./hands_config.ts";
import { findProgram } from "./find_program.ts";
import { findSandbox, type FoundSandbox } from "./find_sandbox.ts";
import type { HandsLimits } from "./hands_limits.ts";
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
import { findToolchains, type Toolchains } from "./toolchains.ts";

export interface LaunchOptions {
  /** Folder with main.ts, or the root of the bundle. */
  root: URL;
  /** This is one executable, which is started again. */
  compiled: boolean;
  sandbox: "auto" | "off";
  /** Absolute paths that hands must never see: the data folder. */
  protectedPaths: readonly string[];
  limits: HandsLimits;
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
}

/** Heap of the hands; a compiled executable has the limit that it was compiled with. */
const V8_FLAGS = "--v8-flags=--max-old-space-size=256";
/** Where a sandbox shows the runtime. */
const RUNTIME_IN_SANDBOX = "/run/gaffer/deno";
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
  readonly #env = Deno.env.toObject();
  #machine: Promise<Machine> | undefined;
  #temp: Promise<TempFolder> | undefined;
  #empty: Promise<string> | undefined;

  constructor(options: LaunchOptions) {
    this.#options = options;
  }

  sandbox(): Promise<FoundSandbox> {
    return findSandbox(this.#options.sandbox);
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

  async plan(place: Place, role: HandsRole, signal: AbortSignal): Promise<Launch> {
    const machine = await this.#findMachine();
    const { markerPrefix } = await this.temp();
    const marker = `${markerPrefix}${crypto.randomUUID()}`;
    const { cpuSeconds, fileBytes, openFiles } = this.#options.limits;
    const config = {
      role,
      dir: place.dir,
      access: place.access,
      hidden: this.#options.protectedPaths.filter((path) =>
        path !== place.dir && isInside(place.dir, path)
      ),
      sh: machine.sh,
      bash: machine.bash,
      limits: { cpuSeconds, fileBytes, openFiles },
      marker,
    };
    const sandbox = await this.sandbox();
    return isSandboxed(role) && sandbox.bwrap
      ? await this.#sandboxed(sandbox, place, config, signal)
      : await this.#bare(config);
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
    const { sh, toolchains } = await this.#findMachine();
    const { bwrap, limitsTmp } = await this.sandbox();
    if (bwrap === null) {
      throw new AppError(
        "conflict",
        `Cannot start "${command}": programs of MCP servers run in a sandbox only. Install bubblewrap and ` +
          "start Gaffer again, or use a server that is reached over HTTP",
      );
    }
    const marker = `${(await this.temp()).markerPrefix}${crypto.randomUUID()}`;
    const plan = await sandboxPlan({
      place,
      network: false,
      toolchains,
      env: { ...sandboxEnvironment(this.#env, toolchains), ...env, [MARKER_VARIABLE]: marker },
      shown: [],
      protectedPaths: this.#options.protectedPaths,
      emptyFile: await this.#emptyFile(),
      tmp: limitsTmp ? this.#options.limits : null,
    }, signal);
    return {
      program: sh,
      args: bubblewrapCommand(bwrap, plan, [command, ...args]),
      env: {},
      marker,
      tempDir: null,
      mayLeave: false,
    };
  }

  async #sandboxed(
    { bwrap, limitsTmp }: FoundSandbox,
    place: Place,
    config: Unfinished,
    signal: AbortSignal,
  ): Promise<Launch> {
    const { sh, toolchains } = await this.#findMachine();
    const env = sandboxEnvironment(this.#env, toolchains);
    const plan = await sandboxPlan({
      place,
      network: config.role === "networked",
      toolchains,
      env: { ...env, ...runtimeVariables(CACHE_IN_SANDBOX), [MARKER_VARIABLE]: config.marker },
      shown: await this.#codeInSandbox(),
      protectedPaths: this.#options.protectedPaths,
      emptyFile: await this.#emptyFile(),
      tmp: limitsTmp ? this.#options.limits : null,
    }, signal);
    const program = [
      RUNTIME_IN_SANDBOX,
      ...this.#runtimeArgs(["--no-code-cache"]),
      JSON.stringify({ ...config, env }),
    ];
    return {
      program: sh,
      args: bubblewrapCommand(bwrap!, plan, program),
      env: {},
      marker: config.marker,
      tempDir: null,
      mayLeave: false,
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

  async #bare(config: Unfinished): Promise<Launch> {
    const { toolchains } = await this.#findMachine();
    const tempDir = config.role === "commands"
      ? await Deno.makeTempDir({ dir: (await this.temp()).path, prefix: "hands-" })
      : null;
    const env = scrubbedEnvironment(this.#env, toolchains, tempDir ?? NO_HOME);
    return {
      program: Deno.execPath(),
      args: [...this.#runtimeArgs(), finish(config, { env, tempDir })],
      env: { ...env, ...runtimeVariables(this.#cacheDir()), [MARKER_VARIABLE]: config.marker },
      marker: config.marker,
      tempDir,
      mayLeave: config.role === "commands",
    };
  }

  /** What starts this very program as hands; the configuration follows as the last argument. */
  #runtimeArgs(more: string[] = []): string[] {
    const { compiled } = this.#options;
    if (compiled) return [HANDS_ARGUMENT];
    const run = ["run", "--allow-all", "--no-prompt", "--no-lock", V8_FLAGS, ...more];
    return isSource
      ? [
        ...[...run, "--cached-only", "--node-modules-dir=manual"],
        ...[`--config=${this.#path("deno.json")}`, this.#path("agents/hands.ts"), HANDS_ARGUMENT],
      ]
      : [...run, "--no-config", "--unstable-worker-options", this.#path("main.js"), HANDS_ARGUMENT];
  }

  /** Of our own code a sandbox shows what hands load: not the checkout, which may hold the data folder. */
  async #codeInSandbox(): Promise<[string, string][]> {
    const runtime: [string, string] = [await Deno.realPath(Deno.execPath()), RUNTIME_IN_SANDBOX];
    if (this.#options.compiled) return [runtime];
    const own = isSource ? handsCode.map((name) => this.#path(name)) : [this.#path("")];
    return [runtime, ...own.map((path): [string, string] => [path, path])];
  }

  #path(name: string): string {
    return decodeURIComponent(new URL(name, this.#options.root).pathname).replace(/\/$/, "");
  }

  #cacheDir(): string {
    const { DENO_DIR, XDG_CACHE_HOME, HOME } = this.#env;
    return DENO_DIR || (XDG_CACHE_HOME ? `${XDG_CACHE_HOME}/deno` : `${HOME}/.cache/deno`);
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

/** Whatever is imported from these must be among them. */
const handsCode = [
  ...["deno.json", "agents", "node_modules"],
  ...["server/disk.ts", "server/errors.ts", "server/machine_fault.ts"],
];

/** Not a bundle: there the files end in .js. */
const isSource = import.meta.url.endsWith(".ts");

const runtimeVariables = (cacheDir: string) => ({ DENO_DIR: cacheDir, DENO_NO_UPDATE_CHECK: "1" });
