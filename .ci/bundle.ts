/**
 * What the executable has inside: an esbuild bundle (small, quick to load) and all that is read or shown. Its layout is
 * that of the repository, so that a file is found the same way in both.
 */
import { build, type Plugin, transform } from "esbuild";
import { join } from "node:path";

const root = join(import.meta.dirname!, "..");

/** Makes the bundle of Gaffer; `main.js` is what is run. The folder is made anew. */
export async function bundleGaffer(folder: string): Promise<void> {
  await bundle(folder, [
    "main.ts",
    "agents/brain.ts",
    "agents/hands_worker.ts",
    "server/backup_worker.ts",
    // Started from a bundle as it is, each loads its own code alone: of main.js the runtime reads all there is.
    ...["agents/hands.ts", "agents/proxy/entry.ts", "agents/diagrams/entry.ts"],
  ]);
  await copyFolder("static", folder);
  await shrinkScripts(join(folder, "static"));
  await copyFolder("agents/definitions", folder);
  await copyFolder("agents/planning/templates", folder);
  await copyFolder("agents/project_templates/built_in", folder);
  for (
    const [from, to] of [["htmx.min.js", "htmx.js"], ["ext/hx-sse.min.js", "hx-sse.js"]] as const
  ) {
    await Deno.copyFile(
      join(root, "node_modules/htmx.org/dist", from),
      join(folder, "static", to),
    );
  }
}

/** Bundles these entries; a later `stop()` of esbuild lets the process end. */
export async function bundle(outdir: string, entryPoints: string[]): Promise<void> {
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
    plugins: [withoutLocales, packed(outdir)],
    logLevel: "warning",
  });
}

/**
 * A library that a process of its own loads, and a quarter of all that is inside of the executable: the server, the
 * hands and every other process of it has a copy of that in its memory. Packed it is a third as much.
 */
const PACKED = { name: "beautiful-mermaid", gives: "renderMermaidSVG", folder: "agents/diagrams" };

const packed = (outdir: string): Plugin => ({
  name: "packed",
  setup({ onResolve, onLoad }) {
    const { name, gives, folder } = PACKED;
    onResolve({ filter: new RegExp(`^${name}$`) }, () => ({ path: name, namespace: "packed" }));
    onLoad({ filter: /./, namespace: "packed" }, async () => {
      const { outputFiles } = await build({
        absWorkingDir: root,
        stdin: { contents: `export { ${gives} } from "${name}"`, resolveDir: root },
        bundle: true,
        write: false,
        minify: true,
        format: "esm",
        platform: "node",
        target: "es2024",
      });
      const code = new Blob([outputFiles[0]!.contents as Uint8Array<ArrayBuffer>]).stream();
      const file = `${folder}/${name}.js.gz`;
      await Deno.mkdir(join(outdir, folder), { recursive: true });
      await Deno.writeFile(join(outdir, file), code.pipeThrough(new CompressionStream("gzip")));
      return {
        contents: `
const packed = await Deno.readFile(new URL("./${file}", import.meta.url));
const code = new Blob([packed]).stream().pipeThrough(new DecompressionStream("gzip"));
const text = encodeURIComponent(await new Response(code).text());
export const { ${gives} } = await import("data:text/javascript;charset=utf-8," + text);`,
      };
    });
  },
});

/** Of the fifty languages that zod brings along, Gaffer speaks the one that it loads by another path. */
const withoutLocales: Plugin = {
  name: "without-locales",
  setup({ onLoad }) {
    onLoad({ filter: /zod\/v4\/locales\/index\.js$/ }, () => ({ contents: "" }));
  },
};

/** What a page loads, without its comments and indentation. Names stay, as those of the bundle. */
async function shrinkScripts(folder: string): Promise<void> {
  for await (const { name } of Deno.readDir(folder)) {
    if (!name.endsWith(".js")) continue;
    const path = join(folder, name);
    const { code } = await transform(await Deno.readTextFile(path), { minifyWhitespace: true });
    await Deno.writeTextFile(path, code);
  }
}

async function copyFolder(name: string, to: string): Promise<void> {
  await Deno.mkdir(join(to, name), { recursive: true });
  for await (const entry of Deno.readDir(join(root, name))) {
    const path = `${name}/${entry.name}`;
    if (entry.isFile) await Deno.copyFile(join(root, path), join(to, path));
    else if (entry.isDirectory) await copyFolder(path, to);
  }
}
