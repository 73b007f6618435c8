/** The tree shows the architecture; this test keeps the arrows between its parts pointing one way. */
import { deepStrictEqual as deepEqual, ok } from "node:assert";
import { dirname, join, relative } from "node:path";

const root = join(import.meta.dirname!, "..");

/** Part of the tree a file belongs to; the first that matches. */
const parts: [name: string, pattern: RegExp][] = [
  // Wires everything: reads flags and configuration, owns the order of start and stop.
  ["main", /^(main|server\/(command|listening|serve|start_agents|work))\.ts$/],
  // Pure values and functions that every part may use.
  [
    "leaf",
    /^server\/(states|errors|machine_fault|calendar|clock|criteria|disk|log|once|records|shown_folders|suggestion|timers|version|wrong_input)\.ts$/,
  ],
  // What server, brain and hands may say to each other.
  ["protocol", /^agents\/(protocol|results|models|paths)\.ts$/],
  ["routes", /^server\/routes\//],
  ["pages", /^server\/pages\//],
  [
    "http",
    /^server\/(api|assets|auth|body_limit|http|idempotency|late_routes|openapi|problem|sse)\.ts$/,
  ],
  ["services", /^server\/(services\/|outputs\/|inputs\.ts)/],
  ["store", /^server\/store\//],
  [
    "base",
    /^server\/(app|config|data_folder|database_file|db|hub|new_events|sql_parameters|storage|turnstile)\.ts$|^server\/migrations\//,
  ],
  ["base", /^server\/(backup|backup_copy|backup_worker|open_database|restore)\.ts$/],
  ["handlers", /^queue\/handlers\//],
  ["queue", /^queue\//],
  ["demo", /^agents\/demo\//],
  ["tools", /^agents\/tools\//],
  ["agents", /^agents\//],
  ["views", /^views\//],
];

/** What each part may import; itself always, and leaves. */
const arrows: Record<string, string[]> = {
  main: [
    ...["routes", "http", "services", "store", "base"],
    ...["handlers", "queue", "agents", "protocol", "views"],
  ],
  routes: ["pages", "http", "services", "store", "base", "queue", "views"],
  pages: ["http", "services", "store", "queue", "agents", "views"],
  http: ["store", "base"],
  services: ["store", "queue", "agents", "tools", "demo", "protocol", "base"],
  store: ["base", "protocol"],
  base: [],
  leaf: [],
  handlers: ["services", "queue"],
  queue: ["base"],
  agents: ["protocol", "tools", "demo"],
  tools: ["protocol", "agents"],
  demo: ["protocol"],
  protocol: [],
  views: [],
};

/** What it may import types of besides: they are gone at run time. */
const typeArrows: Record<string, string[]> = {
  base: ["agents"],
  leaf: ["protocol", "base"],
  routes: ["agents", "protocol"],
  pages: ["base", "protocol"],
  views: ["protocol"],
};

const importPattern =
  /(?:^|\n)\s*(import|export)(\s+type)?\s+(?:[^"';]*?\s+from\s+)?["'](\.{1,2}\/[^"']+)["']/g;

/** Name of a package, with its scope and without the path in it; types are gone at run time. */
const libraryPattern =
  /(?:^|\n)import\s+(?!type\b)(?:[^"';]*?\s+from\s+)?"((?!node:)@?\w[\w-]*(?:\/(?<=@[\w-]+\/)[\w-]+)?)/g;

/** What is loaded when it is used first points the same way as what is loaded at once. */
const lateImportPattern = /\bimport\("(\.{1,2}\/[^"]+)"\)/g;

function partOf(path: string): string {
  return parts.find(([, pattern]) => pattern.test(path))?.[0] ?? `unknown (${path})`;
}

async function* sources(dir: string): AsyncGenerator<string> {
  for await (const entry of Deno.readDir(join(root, dir))) {
    const path = dir ? `${dir}/${entry.name}` : entry.name;
    if (entry.isDirectory) yield* sources(path);
    else if (/\.tsx?$/.test(entry.name)) yield path;
  }
}

interface Import {
  from: string;
  to: string;
  types: boolean;
  late: boolean;
}

async function imports(): Promise<Import[]> {
  const found = [];
  for (const dir of ["server", "agents", "queue", "views"]) {
    for await (const from of sources(dir)) found.push(...await importsOf(from));
  }
  found.push(...await importsOf("main.ts"));
  return found;
}

async function importsOf(from: string): Promise<Import[]> {
  const text = await Deno.readTextFile(join(root, from));
  const to = (target: string) => relative(root, join(root, dirname(from), target));
  return [
    ...[...text.matchAll(importPattern)].map(([, , types, target]) => (
      { from, to: to(target!), types: types !== undefined, late: false }
    )),
    ...[...text.matchAll(lateImportPattern)].map(([, target]) => (
      { from, to: to(target!), types: false, late: true }
    )),
  ];
}

Deno.test("imports point one way between the layers", async () => {
  const all = await imports();
  const wrong = all.filter(({ from, to, types }) => {
    const [a, b] = [partOf(from), partOf(to)];
    if (a === b || b === "leaf") return false;
    const allowed = [...arrows[a] ?? [], ...types ? typeArrows[a] ?? [] : []];
    return !allowed.includes(b);
  });
  deepEqual(wrong.map(({ from, to }) => `${from} (${partOf(from)}) → ${to} (${partOf(to)})`), []);
  ok(all.length > 300, "the test looked at the files");
});

Deno.test("no import leads round in a circle", async () => {
  const graph = new Map<string, string[]>();
  for (const { from, to, types, late } of await imports()) {
    if (!types && !late) graph.set(from, [...graph.get(from) ?? [], to]);
  }
  const circles: string[][] = [];
  const finished = new Set<string>();
  const visit = (file: string, path: string[]) => {
    const start = path.indexOf(file);
    if (start >= 0) return void circles.push(path.slice(start));
    if (finished.has(file)) return;
    for (const next of graph.get(file) ?? []) visit(next, [...path, file]);
    finished.add(file);
  };
  for (const file of graph.keys()) visit(file, []);
  deepEqual(circles, []);
});

/** These files, and all that they load before they can run. */
async function loadedBy(...entries: string[]): Promise<Set<string>> {
  const used = new Map<string, string[]>();
  for (const { from, to, types, late } of await imports()) {
    if (!types && !late) used.set(from, [...used.get(from) ?? [], to]);
  }
  const loaded = new Set(entries);
  for (const file of loaded) for (const to of used.get(file) ?? []) loaded.add(to);
  return loaded;
}

Deno.test("a brain has a copy of little: no module of Node's, which take megabytes, and no demo that nobody asked for", async () => {
  const loaded = [...await loadedBy("agents/brain.ts")];
  ok(loaded.includes("agents/loop/fold.ts"));
  const node = [];
  for (const file of loaded) {
    const text = await Deno.readTextFile(join(root, file));
    if (/^import\s+(?!type\b)[^;]*"node:/m.test(text)) node.push(file);
  }
  const demo = loaded.filter((file) => /^agents\/demo\/(?!events|tokens)/.test(file));
  deepEqual([node, demo], [[], []]);
});

Deno.test("a start loads what the first page needs: the other routes, the work and large libraries come when they are used", async () => {
  const started = await loadedBy("main.ts", "server/command.ts");
  const libraries = new Set<string>();
  for (const file of started) {
    const text = await Deno.readTextFile(join(root, file));
    for (const [, name] of text.matchAll(libraryPattern)) libraries.add(name!);
  }
  const files = [...started].filter((file) => /^server\/routes\/|^queue\/handlers\//.test(file));
  deepEqual(
    files.sort(),
    ["api.ts", "page.ts", "pages.tsx"].map((name) => `server/routes/${name}`),
  );
  deepEqual(
    [...libraries].sort(),
    ["croner", "hono", "preact", "preact-render-to-string", "yaml", "zod"],
    "load a new one with await import(…) where it is used first",
  );
});

Deno.test("only one file knows the vendor's SDK, and only one writes through the SQLite driver", async () => {
  const users = { "@anthropic-ai/sdk": [] as string[], "node:sqlite": [] as string[] };
  for (const dir of ["server", "agents", "queue", "views"]) {
    for await (const path of sources(dir)) {
      const text = await Deno.readTextFile(join(root, path));
      for (const name of Object.keys(users) as (keyof typeof users)[]) {
        if (text.includes(`from "${name}`)) users[name].push(path);
      }
    }
  }
  users["node:sqlite"].sort();
  deepEqual(users, {
    "@anthropic-ai/sdk": ["agents/loop/claude.ts"],
    // The first only reads, but for a copy that is no database yet.
    "node:sqlite": ["server/database_file.ts", "server/db.ts"],
  });
});

Deno.test("the server keeps no state in its modules: what lasts is in the App", async () => {
  // A WeakMap holds what belongs to its keys, and goes with them.
  const kept: string[] = [];
  let looked = 0;
  for (const dir of ["server", "queue", "views"]) {
    for await (const path of sources(dir)) {
      const text = await Deno.readTextFile(join(root, path));
      const found = text.matchAll(
        /^(?:export )?(?:let .*|const .* = new (?!(?:TextEncoder|WeakMap)\b)\w+.*\(\);)$/gm,
      );
      kept.push(...[...found].map(([line]) => `${path}: ${line}`));
      looked++;
    }
  }
  deepEqual(kept, []);
  ok(looked > 100, "the test looked at the files");
});

Deno.test("git is started in its one module only", async () => {
  const places: string[] = [];
  for (const dir of ["server", "agents", "queue", "views"]) {
    for await (const path of sources(dir)) {
      const text = await Deno.readTextFile(join(root, path));
      // Its name as a program, or what finds it; a call of the module's own functions names neither.
      if (/\b(?:Command|spawn|spawnSync|inOwnGroup|findProgram)\(\s*"git"/.test(text)) {
        places.push(path);
      }
    }
  }
  deepEqual(places, ["agents/git/git.ts"]);
});

Deno.test("SQL stands in the stores, the queue and the database only", async () => {
  const places: string[] = [];
  for (const dir of ["server", "agents", "queue", "views"]) {
    for await (const path of sources(dir)) {
      if (/db\.prepare\(|\.exec\("/.test(await Deno.readTextFile(join(root, path)))) {
        places.push(path);
      }
    }
  }
  const strangers = places.filter((path) =>
    !/^server\/(store\/|(database_file|db|http|new_events)\.ts)|^queue\/(queue|arrange|claim|lease|busy|due|pauses|schedules|stats|rows)\.ts/
      .test(path)
  );
  deepEqual(strangers, []);
  ok(places.length > 5, "the test looked at the files");
});
