/**
 * Makes dist/gaffer: an esbuild bundle (small, quick to load), then `deno compile` of it with everything
 * inside that runs or is shown. The layout of the bundle is that of the repository, so that a file is
 * found the same way in both. `--bare` also makes dist/bare, a server of three lines in the same form,
 * which the bench compares with.
 */
import { build, type Plugin, stop, transform } from "esbuild";
import { join } from "node:path";

const root = join(import.meta.dirname!, "..");
const dist = join(root, "dist");

/** Of the fifty languages that zod brings along, Gaffer speaks the one that it loads by another path. */
const withoutLocales: Plugin = {
  name: "without-locales",
  setup({ onLoad }) {
    onLoad({ filter: /zod\/v4\/locales\/index\.js$/ }, () => ({ contents: "" }));
  },
};

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
await bundle(gaffer, [
  "main.ts",
  "agents/brain.ts",
  "agents/hands_worker.ts",
  "server/backup_worker.ts",
]);
await copyFolder("static", gaffer);
await shrinkScripts(join(gaffer, "static"));
await copyFolder("agents/definitions", gaffer);
await copyFolder("agents/planning/templates", gaffer);
await copyFolder("agents/project_templates/built_in", gaffer);
for (
  const [from, to] of [["htmx.min.js", "htmx.js"], ["ext/hx-sse.min.js", "hx-sse.js"]] as const
) {
  await Deno.copyFile(
    join(root, "node_modules/htmx.org/dist", from),
    join(gaffer, "static", to),
  );
}
await compile(gaffer, "main.js", "gaffer", ["agents", "server", "static"]);
if (Deno.args.includes("--bare")) {
  const bare = join(dist, "bare_bundle");
  await bundle(bare, ["bench/bare.ts"]);
  await compile(bare, "bench/bare.js", "bare", []);
}
await stop();

async function bundle(outdir: string, entryPoints: string[]): Promise<void> {
  await Deno.mkdir(outdir, { recursive: true });
  await build({
    absWorkingDir: root,
    entryPoints,
    outdir,
    outbase: root,
    bundle: true,
    splitting: true,
    // Names stay as they are: a stack trace in a log must be readable.
    minifyWhitespace: true,
    minifySyntax: true,
    format: "esm",
    platform: "node",
    target: "es2024",
    jsx: "automatic",
    jsxImportSource: "preact",
    // The same code as modules: the CommonJS that Node's condition picks loads three times as long.
    alias: { yaml: join(root, "node_modules/yaml/browser/index.js") },
    plugins: [withoutLocales],
    logLevel: "warning",
  });
}

/** What a page loads, without its comments and indentation. Names stay, as those of the bundle. */
async function shrinkScripts(folder: string): Promise<void> {
  for await (const { name } of Deno.readDir(folder)) {
    if (!name.endsWith(".js")) continue;
    const path = join(folder, name);
    const { code } = await transform(await Deno.readTextFile(path), { minifyWhitespace: true });
    await Deno.writeTextFile(path, code);
  }
}

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

async function copyFolder(name: string, to: string): Promise<void> {
  await Deno.mkdir(join(to, name), { recursive: true });
  for await (const entry of Deno.readDir(join(root, name))) {
    const path = `${name}/${entry.name}`;
    if (entry.isFile) await Deno.copyFile(join(root, path), join(to, path));
    else if (entry.isDirectory) await copyFolder(path, to);
  }
}

function ignoreMissing(error: unknown): void {
  if (!(error instanceof Deno.errors.NotFound)) throw error;
}
