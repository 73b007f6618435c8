/** How this very program is started again as another part of it: from source, from a bundle, or as one executable. */
import { DIAGRAMS_ARGUMENT } from "./diagrams/protocol.ts";
import { HANDS_ARGUMENT } from "./hands_config.ts";
import { PROXY_ARGUMENT } from "./proxy/protocol.ts";

export interface OwnRuntimeOptions {
  /** Folder with main.ts, or the root of the bundle. */
  root: URL;
  /** This is one executable, which is started again. */
  compiled: boolean;
}

/** What a child of ours is: its first argument, its file without the ending, and its heap in MB. */
const parts = {
  hands: { argument: HANDS_ARGUMENT, file: "agents/hands", heapMb: 256 },
  /** It only passes bytes on. */
  proxy: { argument: PROXY_ARGUMENT, file: "agents/proxy/entry", heapMb: 64 },
  diagrams: { argument: DIAGRAMS_ARGUMENT, file: "agents/diagrams/entry", heapMb: 256 },
} as const;

/** Where a sandbox shows the runtime. */
export const RUNTIME_IN_SANDBOX = "/run/gaffer/deno";

/** Whatever is imported from these by hands must be among them. */
const handsCode = [
  ...["deno.json", "agents", "node_modules"],
  ...["server/disk.ts", "server/errors.ts", "server/machine_fault.ts"],
];

/** Not a bundle: there the files end in .js. */
const isSource = import.meta.url.endsWith(".ts");

/** A file of this program that is run apart, named without its ending, as "agents/brain". */
export const ownFile = (name: string, root: URL): URL =>
  new URL(`${name}.${isSource ? "ts" : "js"}`, root);

export class OwnRuntime {
  readonly #options: OwnRuntimeOptions;

  constructor(options: OwnRuntimeOptions) {
    this.#options = options;
  }

  /** Arguments for the runtime. A compiled executable has the heap limit that it was compiled with. */
  args(part: keyof typeof parts, more: readonly string[] = []): string[] {
    const { argument, file, heapMb } = parts[part];
    if (this.#options.compiled) return [argument];
    const heap = `--v8-flags=--max-old-space-size=${heapMb}`;
    const run = ["run", "--allow-all", "--no-prompt", "--no-lock", heap, ...more];
    return isSource
      ? [
        ...[...run, "--cached-only", "--node-modules-dir=manual"],
        ...[`--config=${this.#path("deno.json")}`, this.#path(`${file}.ts`), argument],
      ]
      : [...run, "--no-config", "--unstable-worker-options", this.#path(`${file}.js`), argument];
  }

  /** Of our own code a sandbox shows what hands load: not the checkout, which may hold the data folder. */
  async shown(): Promise<[string, string][]> {
    const runtime: [string, string] = [await Deno.realPath(Deno.execPath()), RUNTIME_IN_SANDBOX];
    if (this.#options.compiled) return [runtime];
    const own = isSource ? handsCode.map((name) => this.#path(name)) : [this.#path("")];
    return [runtime, ...own.map((path): [string, string] => [path, path])];
  }

  #path(name: string): string {
    return decodeURIComponent(new URL(name, this.#options.root).pathname).replace(/\/$/, "");
  }
}

/** Variables that the runtime itself wants. */
export const runtimeVariables = (cacheDir: string): Record<string, string> => ({
  DENO_DIR: cacheDir,
  DENO_NO_UPDATE_CHECK: "1",
});

/** The runtime's cache, by the environment of the server. */
export function cacheDirOf({ DENO_DIR, XDG_CACHE_HOME, HOME }: Record<string, string | undefined>) {
  return DENO_DIR || (XDG_CACHE_HOME ? `${XDG_CACHE_HOME}/deno` : `${HOME}/.cache/deno`);
}
