/** How long the planning pages take with 2,000 documents of 20 KB in a repository. */
import { join } from "node:path";
import { startGaffer, tempDir } from "../tests/gaffer.ts";
import { personGit, TestRepo } from "../tests/git_support.ts";
import { renderDocument } from "../views/document_markdown.ts";
import { timesOf } from "./pages.ts";
import { cpuMs } from "./programs.ts";
import { type Group, type Measured, quantile } from "./table.ts";

const DOCUMENTS = 2_000;
const FOLDERS = 20;
const DOCUMENT_CHARS = 20_000;
const WARM_UP = 5;
const REQUESTS = 60;
const PREVIEW_CHARS = 100_000;

const WATCHING = "documents: page open, CPU per second";
/** As of a server that nobody looks at. */
const GOAL_CPU_MS = 2;
const IDLE_SETTLE_MS = 10_000;
const IDLE_MS = 20_000;

/** The page shows itself by then, with what is read so far. */
const GOAL_FIRST_MS = 1_000;

const goals = { tree: 20, search: 20, open: 20, save: 30, preview: 50 };
const row = (what: string) => `documents: ${what}, p95`;

export const documents: Group = {
  name: "documents",
  rows: ["documents: first look", "documents: all read", ...Object.keys(goals).map(row), WATCHING],
  async measure() {
    await using data = await tempDir("gaffer-bench-");
    await using repo = await TestRepo.make(filesOf());
    await using gaffer = await startGaffer({ dataDir: data.path });
    const api = `${gaffer.url}/api/v1`;
    const send = async (method: string, path: string, body: unknown, headers = {}) => {
      const response = await fetch(api + path, {
        method,
        headers: { "content-type": "application/json", ...headers },
        body: JSON.stringify(body),
      });
      const answer = await response.json();
      if (!response.ok) throw new Error(`${method} ${path}: ${JSON.stringify(answer)}`);
      return { answer, etag: response.headers.get("etag") };
    };
    const { answer: project } = await send("POST", "/projects", { path: repo.dir });
    const at = `${gaffer.url}/planning?project=${project.id}`;
    const begin = performance.now();
    const first = await timesOf(at, 1);
    const list = await (await fetch(`${api}/projects/${project.id}/documents?limit=1`)).json();
    const all = performance.now() - begin;
    const document = `/documents/${list.items[0].id}`;
    const paths = { tree: at, search: `${at}&q=w77x3`, open: gaffer.url + document };
    const times: Record<string, number[]> = {};
    for (const [name, url] of Object.entries(paths)) {
      await timesOf(url, WARM_UP);
      times[name] = await timesOf(url, REQUESTS);
    }
    times.save = [];
    const gits: number[] = [];
    const byGit = await gitBeside(repo);
    for (let n = 0; n < WARM_UP + REQUESTS; n++) {
      const now = await fetch(api + document);
      const { text } = await now.json();
      const headers = { "if-match": now.headers.get("etag")! };
      const begin = performance.now();
      await send("PATCH", document, { text: `${text}${n}\n` }, headers);
      times.save.push(performance.now() - begin);
      gits.push(await byGit(n));
    }
    times.save = times.save.slice(WARM_UP);
    times.preview = previews();
    const edit = () => repo.write("planning/f0/0.md", textOf(0, DOCUMENT_CHARS));
    const watching = await watchingCpu(gaffer, at, edit);
    return [
      { name: "documents: first look", unit: "ms", values: first, goal: GOAL_FIRST_MS },
      { name: "documents: all read", unit: "ms", values: [all] },
      ...Object.entries(goals).map(([name, goal]): Measured => ({
        name: row(name),
        unit: "ms",
        values: [quantile(times[name]!, 0.95)],
        goal,
        ...name === "save" && { peer: quantile(gits.slice(WARM_UP), 0.95) },
      })),
      { name: WATCHING, unit: "ms", values: [watching], goal: GOAL_CPU_MS },
    ];
  },
};

/**
 * Gives what commits the same change of the same file with git alone, in a clone, and how long that takes: as safe from a
 * loss of power as a save, which git by itself is not.
 */
async function gitBeside(repo: TestRepo): Promise<(n: number) => Promise<number>> {
  const clone = repo.beside("by-git");
  await repo.git("clone", "-q", "--no-hardlinks", repo.dir, clone);
  await personGit(clone, "config", "user.name", "Pat");
  await personGit(clone, "config", "user.email", "pat@example.org");
  const path = "planning/f0/0.md";
  const text = await Deno.readTextFile(join(clone, path));
  const commit = ["-c", "core.fsync=committed", "commit", "-q", "-m", "Save", "--", path];
  return async (n) => {
    const begin = performance.now();
    await Deno.writeTextFile(join(clone, path), `${text}${n}\n`);
    await personGit(clone, ...commit);
    return performance.now() - begin;
  };
}

/** CPU milliseconds per second while a page is open and nothing happens, all of whose documents are watched. */
async function watchingCpu(
  { url, pid }: { url: string; pid: number },
  page: string,
  edit: () => Promise<void>,
): Promise<number> {
  const html = await (await fetch(page)).text();
  const stream = / hx-sse:connect="([^"]+)"/.exec(html)?.[1]?.replaceAll("&amp;", "&");
  if (!stream) throw new Error("The page has no stream");
  const stop = new AbortController();
  const response = await fetch(new URL(stream, url), { signal: stop.signal });
  let heard = () => {};
  const reading = (async () => {
    const text = response.body!.pipeThrough(new TextDecoderStream());
    for await (const piece of text) if (piece.includes("data:")) heard();
  })();
  await new Promise((resolve) => setTimeout(resolve, IDLE_SETTLE_MS));
  const before = await cpuMs(pid);
  await new Promise((resolve) => setTimeout(resolve, IDLE_MS));
  const perSecond = (await cpuMs(pid) - before) / (IDLE_MS / 1_000);
  // Else it is quiet because nobody watches.
  const told = new Promise<void>((resolve) => heard = resolve);
  await edit();
  await Promise.race([told, reading]);
  stop.abort();
  await reading.catch(() => {});
  return perSecond;
}

function filesOf(): Record<string, string> {
  return Object.fromEntries(
    Array.from({ length: DOCUMENTS }, (_, n) => [
      `planning/f${n % FOLDERS}/${n}.md`,
      textOf(n, DOCUMENT_CHARS),
    ]),
  );
}

function textOf(n: number, chars: number): string {
  let text = `---\nstatus: review\nowner: Ana\n---\n# Document ${n}\n`;
  for (let part = 0; text.length < chars; part++) {
    text +=
      `\n## Part ${part}\n\nSome **words** that w${n}x${part} says, as [[${
        n + 1
      }]] and #ticket-${n} do.\n\n` +
      "- [ ] an item\n- another with `code`\n\n| a | b |\n|---|---|\n| 1 | 2 |\n";
  }
  return text.slice(0, chars);
}

function previews(): number[] {
  const text = textOf(1, PREVIEW_CHARS);
  const links = { resolve: () => null, document: () => null, image: () => null };
  return Array.from({ length: WARM_UP + REQUESTS }, () => {
    const begin = performance.now();
    renderDocument(text, { links });
    return performance.now() - begin;
  }).slice(WARM_UP);
}
