/** The tree shows the architecture; this test keeps the arrows between its parts pointing one way. */
import { deepStrictEqual as deepEqual, ok } from "node:assert";
import { dirname, join, relative } from "node:path";

const root = join(import.meta.dirname!, "..");

/** Part of the tree a file belongs to; the first that matches. */
const parts: [name: string, pattern: RegExp][] = [
  ["main", /^main\.ts$/],
  ["leaf", /^server\/(states|errors|clock|log|records|hub)\.ts$/],
  ["protocol", /^agents\/(protocol|results|models|paths)\.ts$/],
  ["routes", /^server\/routes\//],
  [
    "http",
    /^server\/(http|auth|assets|sse|idempotency|openapi|problem|pagination|etag)[a-z_]*\.tsx?$/,
  ],
  ["services", /^server\/services\//],
  ["store", /^server\/store\//],
  ["base", /^server\//],
  ["handlers", /^queue\/handlers\//],
  ["queue", /^queue\//],
  ["demo", /^agents\/demo\//],
  ["tools", /^agents\/tools\//],
  ["agents", /^agents\//],
  ["views", /^views\//],
];

/** What each part may import (values and types); itself always. */
const arrows: Record<string, string[]> = {
  main: ["routes", "http", "services", "store", "base", "leaf", "handlers", "queue", "agents"],
  routes: ["http", "services", "store", "base", "leaf", "views", "queue", "protocol"],
  http: ["base", "leaf", "store", "queue", "views"],
  services: ["store", "queue", "agents", "tools", "demo", "protocol", "base", "leaf"],
  store: ["base", "leaf", "protocol"],
  base: ["leaf", "protocol", "agents"],
  leaf: ["protocol", "base"],
  handlers: ["services", "queue", "leaf"],
  queue: ["base", "leaf"],
  agents: ["protocol", "tools", "demo", "leaf"],
  tools: ["protocol", "agents", "leaf"],
  demo: ["protocol", "leaf"],
  protocol: ["leaf"],
  views: ["leaf", "protocol"],
};

/** Arrows that exist for types only: they vanish at run time, and so can't make a cycle. */
const typeOnly = new Set([
  "base → agents",
  "leaf → protocol",
  "leaf → base",
  "store → protocol",
  "queue → base",
  "tools → agents",
]);

const importPattern =
  /(?:^|\n)\s*(import|export)(\s+type)?\s+(?:[^"';]*?\s+from\s+)?["'](\.{1,2}\/[^"']+)["']/g;

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

async function imports(): Promise<{ from: string; to: string; types: boolean }[]> {
  const found = [];
  for (const dir of ["server", "agents", "queue", "views"]) {
    for await (const from of sources(dir)) found.push(...await importsOf(from));
  }
  found.push(...await importsOf("main.ts"));
  return found;
}

async function importsOf(from: string) {
  const text = await Deno.readTextFile(join(root, from));
  return [...text.matchAll(importPattern)].map(([, , types, target]) => ({
    from,
    to: relative(root, join(root, dirname(from), target!)),
    types: types !== undefined,
  }));
}

Deno.test("imports point one way between the layers", async () => {
  const wrong = (await imports()).filter(({ from, to, types }) => {
    const [a, b] = [partOf(from), partOf(to)];
    if (a === b) return false;
    if (!arrows[a]?.includes(b)) return true;
    return typeOnly.has(`${a} → ${b}`) && !types && a !== "queue" && a !== "tools";
  }).map(({ from, to }) => `${from} (${partOf(from)}) → ${to} (${partOf(to)})`);
  deepEqual(wrong, []);
});

Deno.test("only one file knows the vendor's SDK, and only one the SQLite driver", async () => {
  const users = { "@anthropic-ai/sdk": [] as string[], "node:sqlite": [] as string[] };
  for (const dir of ["server", "agents", "queue", "views"]) {
    for await (const path of sources(dir)) {
      const text = await Deno.readTextFile(join(root, path));
      for (const name of Object.keys(users) as (keyof typeof users)[]) {
        if (text.includes(`from "${name}`)) users[name].push(path);
      }
    }
  }
  deepEqual(users, { "@anthropic-ai/sdk": ["agents/claude.ts"], "node:sqlite": ["server/db.ts"] });
});

Deno.test("SQL stands in the stores, the queue and the database only", async () => {
  const places: string[] = [];
  for (const dir of ["server", "agents", "queue", "views"]) {
    for await (const path of sources(dir)) {
      if (/\.prepare\(/.test(await Deno.readTextFile(join(root, path)))) places.push(path);
    }
  }
  const strangers = places.filter((path) =>
    !/^server\/(store\/|db\.ts|idempotency\.ts|http\.ts|healthz?\.ts)|^queue\/[a-z]+\.ts/.test(path)
  );
  deepEqual(strangers, []);
  ok(places.length > 5, "the test looked at the files");
});
