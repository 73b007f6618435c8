/**
 * Makes dist/gaffer: an esbuild bundle (small, quick to load), then `deno compile` of it with everything
 * inside that runs or is shown. The layout of the bundle is that of the repository, so that a file is
 * found the same way in both.
 */
import { build, stop } from "esbuild";
import { join } from "node:path";

const root = join(import.meta.dirname!, "..");
const bundle = join(root, "dist", "bundle");

await Deno.remove(join(root, "dist"), { recursive: true }).catch(() => {});
await Deno.mkdir(bundle, { recursive: true });
await build({
  absWorkingDir: root,
  entryPoints: ["main.ts", "agents/brain.ts", "agents/hands_worker.ts"],
  outdir: bundle,
  outbase: root,
  bundle: true,
  splitting: true,
  minify: true,
  keepNames: true,
  format: "esm",
  platform: "node",
  target: "es2024",
  jsx: "automatic",
  jsxImportSource: "preact",
  // Packages written as CommonJS ask for Node's own modules through require.
  banner: {
    js: 'import { createRequire as __createRequire } from "node:module"; ' +
      "const require = __createRequire(import.meta.url);",
  },
  logLevel: "warning",
});
await stop();

await copyFolder("static");
await copyFolder("agents/definitions");
for (
  const [from, to] of [["htmx.min.js", "htmx.js"], ["ext/hx-sse.min.js", "hx-sse.js"]] as const
) {
  await Deno.copyFile(
    join(root, "node_modules/htmx.org/dist", from),
    join(bundle, "static", to),
  );
}

const { code } = await new Deno.Command(Deno.execPath(), {
  cwd: bundle,
  args: [
    "compile",
    "--allow-all",
    "--no-prompt",
    "--no-check",
    "--no-config",
    "--no-lock",
    "--node-modules-dir=none",
    "--unstable-worker-options",
    "--include=agents",
    "--include=static",
    `--output=${join(root, "dist", "gaffer")}`,
    "main.js",
  ],
}).spawn().status;
if (code !== 0) Deno.exit(code);
const { size } = await Deno.stat(join(root, "dist", "gaffer"));
console.log(`dist/gaffer: ${(size / 1_000_000).toFixed(1)} MB`);

async function copyFolder(name: string): Promise<void> {
  await Deno.mkdir(join(bundle, name), { recursive: true });
  for await (const entry of Deno.readDir(join(root, name))) {
    if (!entry.isFile) continue;
    await Deno.copyFile(join(root, name, entry.name), join(bundle, name, entry.name));
  }
}
