/**
 * Makes dist/gaffer: an esbuild bundle (small, quick to load), then `deno compile` of it with everything
 * inside that runs or is shown. The layout of the bundle is that of the repository, so that a file is
 * found the same way in both. `--bare` also makes dist/bare, a server of three lines in the same form,
 * which the bench compares with.
 */
import { stop } from "esbuild";
import { join } from "node:path";
import { bundle, bundleGaffer } from "./bundle.ts";

const root = join(import.meta.dirname!, "..");
const dist = join(root, "dist");

const v8Flags = [
  // Compiled at once instead of function by function, all of it goes into the code cache that later starts
  // load: they take a quarter less time.
  "--no-lazy",
  // A server that has nothing to do gives back the memory that it no longer needs after seconds, not after
  // three quarters of a minute: 15 MB.
  "--gc-memory-reducer-start-delay-ms=1000",
  "--memory-reducer-delay-ms=1000",
  "--memory-pool-timeout=2",
];

await Deno.remove(dist, { recursive: true }).catch(ignoreMissing);
const gaffer = join(dist, "bundle");
await bundleGaffer(gaffer);
await compile(gaffer, "main.js", "gaffer", ["agents", "server", "static"]);
if (Deno.args.includes("--bare")) {
  const bare = join(dist, "bare_bundle");
  await bundle(bare, ["bench/bare.ts"]);
  await compile(bare, "bench/bare.js", "bare", []);
}
await stop();

async function compile(
  folder: string,
  entry: string,
  name: string,
  included: string[],
): Promise<void> {
  const output = join(dist, name);
  const { code } = await new Deno.Command(Deno.execPath(), {
    cwd: folder,
    args: [
      "compile",
      "--allow-all",
      "--no-prompt",
      "--no-check",
      "--no-config",
      "--no-lock",
      "--node-modules-dir=none",
      "--unstable-worker-options",
      // The signal of a request tells that whoever asked has left, and nothing else.
      "--unstable-no-legacy-abort",
      `--v8-flags=${v8Flags.join(",")}`,
      ...included.map((path) => `--include=${path}`),
      `--output=${output}`,
      entry,
    ],
  }).spawn().status;
  if (code !== 0) Deno.exit(code);
  const { size } = await Deno.stat(output);
  console.log(`dist/${name}: ${(size / 1_000_000).toFixed(1)} MB`);
}

function ignoreMissing(error: unknown): void {
  if (!(error instanceof Deno.errors.NotFound)) throw error;
}
