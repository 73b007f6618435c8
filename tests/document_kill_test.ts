/** Kill -9 while somebody types or saves: at most the last second of typing is lost, and no saved version. */
import { deepStrictEqual as deepEqual, ok, strictEqual as equal } from "node:assert";
import type { Page } from "playwright-core";
import { chromiumPath, desktop, launchBrowser, needsChromium, openPage } from "./browser.ts";
import { Client, type Json, startGaffer, tempDir } from "./gaffer.ts";
import { TestRepo } from "./git_support.ts";

const SAVES = ["commit", "files"] as const;

interface Place {
  repo: TestRepo;
  saves: typeof SAVES[number];
  projectId: string;
  documentId: string;
}

/** A project with one document, saved so. */
async function place(client: Client, saves: Place["saves"], text = textOf(0)): Promise<Place> {
  const repo = await TestRepo.make({ "planning/a.md": text });
  const { id: projectId } = await client.post("/projects", { path: repo.dir });
  const settings = await client.request("GET", `/projects/${projectId}/planning`);
  await settings.body?.cancel();
  const chosen = await client.request("PATCH", `/projects/${projectId}/planning`, { saves }, {
    "if-match": settings.headers.get("etag"),
  });
  equal(chosen.status, 200, await chosen.text());
  const { items } = await client.get(`/projects/${projectId}/documents`);
  return { repo, saves, projectId, documentId: items[0].id };
}

/** Long enough that half of it could be written. */
const textOf = (n: number): string => `# Save ${n}\n\n${`words of save ${n}\n`.repeat(2_000)}`;
const numberIn = (text: string): number => {
  const n = Number(/^# Save (\d+)/.exec(text)?.[1]);
  ok(text === textOf(n), `"${text.slice(0, 40)}…" is no text that was saved whole`);
  return n;
};

/** Saves text after text until the server does not answer any more; tells each that was answered. */
async function saveOn(
  client: Client,
  { documentId }: Place,
  from: number,
  answered: (n: number) => void,
): Promise<void> {
  const one = `/documents/${documentId}`;
  try {
    const opened = await client.request("GET", one);
    await opened.body?.cancel();
    let etag = opened.headers.get("etag");
    for (let n = from;; n++) {
      const saved = await client.request("PATCH", one, { text: textOf(n) }, { "if-match": etag });
      const body = await saved.text();
      equal(saved.status, 200, body);
      etag = saved.headers.get("etag");
      answered(n);
    }
  } catch (error) {
    // Cut off: fetch says it so, in several ways.
    if (!(error instanceof TypeError)) throw error;
  }
}

/** Saves that the server answers before it is killed, and how far into the next one it is then, in milliseconds. */
const KILLS = [[1, 0], [1, 7], [2, 20]] as const;

Deno.test("no saved version is lost and nothing is half written where the server is killed while it saves", async () => {
  await using data = await tempDir();
  const start = () => startGaffer({ dataDir: data.path });
  let gaffer = await start();
  const places: Place[] = [];
  for (const saves of SAVES) places.push(await place(new Client(gaffer.url), saves));
  const answered = new Map<Place, number[]>(places.map((place) => [place, []]));
  try {
    for (const [saves, delayMs] of KILLS) {
      const client = new Client(gaffer.url);
      const before = places.map((place) => answered.get(place)!.length);
      const enough = Promise.withResolvers<void>();
      const saving = Promise.all(
        places.map((place) =>
          saveOn(client, place, (answered.get(place)!.at(-1) ?? 0) + 1000, (n) => {
            answered.get(place)!.push(n);
            const all = places.every((p, i) => answered.get(p)!.length >= before[i]! + saves);
            if (all) enough.resolve();
          })
        ),
      );
      await Promise.race([enough.promise, saving]);
      // Not waited for by anything: it only moves the point at which the server dies.
      if (delayMs > 0) await new Promise((resolve) => setTimeout(resolve, delayMs));
      await gaffer.kill();
      await saving;
      for (const place of places) {
        const last = answered.get(place)!.at(-1)!;
        ok(numberIn(await place.repo.read("planning/a.md")) >= last, `${place.saves}: in the file`);
      }
      gaffer = await start();
      for (const place of places) await look(new Client(gaffer.url), place, answered.get(place)!);
    }
  } finally {
    await gaffer.kill();
    for (const { repo } of places) await repo[Symbol.asyncDispose]();
  }
});

/** Newest saves that are looked for among the versions; some that were not answered may be among those, too. */
const KEPT = 12;

/** What a person finds after the start. */
async function look(client: Client, place: Place, answered: number[]): Promise<void> {
  const { repo, saves, documentId } = place;
  const one = `/documents/${documentId}`;
  const { text } = await client.get(one);
  const now = numberIn(text);
  ok(now >= answered.at(-1)!, `${saves}: save ${answered.at(-1)} is gone`);
  const items = (await client.get(`${one}/versions`)).items.slice(0, KEPT + 5);
  const kept = await Promise.all(
    items.map(async ({ id }: Json) => numberIn((await client.get(`${one}/versions/${id}`)).text)),
  );
  const lost = answered.slice(-KEPT).filter((n) => !kept.includes(n));
  deepEqual(lost, [], `${saves}: versions that are lost`);
  await repo.git("fsck", "--strict");
  if (saves === "commit") equal(await repo.git("status", "--porcelain"), "", "a clean folder");
  // And it goes on: a lock or a half-made commit would be in the way.
  const opened = await client.request("GET", one);
  await opened.body?.cancel();
  const next = answered.at(-1)! + 500;
  const saved = await client.request("PATCH", one, { text: textOf(next) }, {
    "if-match": opened.headers.get("etag"),
  });
  equal(saved.status, 200, await saved.text());
  answered.push(next);
}

const TEXT = "# A\n\nIt was there before.\n";
/** The page's clock goes on by so much for each word. */
const WORD_MS = 100;
/** Words that a kill may cost: those of the last second. */
const LAST = 1_000 / WORD_MS;

Deno.test({
  name: `a kill while a browser types loses at most the last second of typing${needsChromium}`,
  ignore: chromiumPath === null,
  async fn() {
    await using data = await tempDir();
    await using first = await startGaffer({ dataDir: data.path });
    const { repo, documentId } = await place(new Client(first.url), "commit", TEXT);
    await using _repo = repo;
    const browser = await launchBrowser();
    try {
      await using watched = await openPage(browser, { viewport: desktop });
      const { page } = watched;
      // Its time is the test's, so that a slow machine loses no more than a fast one.
      await page.clock.install();
      await page.goto(`${first.url}/documents/${documentId}/edit`);
      await page.locator("#document-form textarea").press("Control+Home");
      const typed = await typeUntilKilled(page, 30, () => first.kill());
      await using second = await startGaffer({ dataDir: data.path });
      const kept = (await new Client(second.url).get(`/documents/${documentId}/draft`)).text;
      const words = typed.filter((word) => kept.includes(word)).length;
      ok(words >= typed.length - LAST, `${words} of ${typed.length} words were kept`);
      ok(kept.startsWith(typed.slice(0, words).join("")), "the first ones, in order");
      ok(kept.endsWith(TEXT), "with the text that was there");
      equal((await new Client(second.url).get(`/documents/${documentId}`)).text, TEXT);
      // The form goes on from it.
      await page.goto(`${second.url}/documents/${documentId}/edit`);
      equal(await page.locator("#document-form textarea").inputValue(), kept);
    } finally {
      await browser.close();
    }
  },
});

/** Types words, waiting for what the page sends meanwhile, and has the server killed right after the last. */
async function typeUntilKilled(page: Page, count: number, kill: () => Promise<void>) {
  const sent: Promise<unknown>[] = [];
  page.on("request", (request) => {
    if (request.url().endsWith("/draft")) sent.push(request.response());
  });
  const typed: string[] = [];
  for (let n = 1; n <= count; n++) {
    typed.push(`word${n} `);
    await page.keyboard.type(typed.at(-1)!);
    if (n === count) break;
    await page.clock.runFor(WORD_MS);
    await Promise.all(sent);
  }
  ok(sent.length >= 3, `${sent.length} times as somebody types`);
  await kill();
  return typed;
}
