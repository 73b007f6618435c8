/** What a check printed, on its page, as plain text and over the API. */
import { deepStrictEqual as deepEqual, match, ok, strictEqual as equal } from "node:assert";
import { createHttp } from "../server/http.ts";
import { ticketsApi } from "../server/routes/tickets.tsx";
import { OUTPUT_PAGE_BYTES } from "../server/services/check_outputs.ts";
import { insertCheck, type NewCheck } from "../server/store/checks.ts";
import { updateTicket } from "../server/store/tickets.ts";
import { tempDir } from "./gaffer.ts";
import { noAssets } from "./http_support.ts";
import { pagesBench } from "./pages_support.ts";
import { checkOf, type TestApp, testApp } from "./support.ts";

const check = (
  app: TestApp,
  ticketId: string,
  outputPath: string | null,
  tail = "the end",
  changes: Partial<NewCheck> = {},
) =>
  app.tx((tx) =>
    insertCheck(
      tx,
      checkOf(ticketId, { status: "failed", exitCode: 1, outputPath, tail, ...changes }),
    )
  );

Deno.test("a check's page shows the end of a long output, the rest is text of its own and on the API", async () => {
  await using temp = await tempDir();
  using app = testApp();
  const { id } = await app.ticket();
  const path = `${temp.path}/test.log`;
  const output = `first line\n${"x".repeat(OUTPUT_PAGE_BYTES)}\n<b>last line</b>`;
  await Deno.writeTextFile(path, output);
  const { id: checkId } = check(app, id, path);
  const bench = pagesBench(app);

  const page = await bench.get(`/tickets/${id}/checks/${checkId}`);
  equal(page.status, 200);
  const html = await page.text();
  match(html, /<main/);
  match(html, /&lt;b>last line&lt;\/b>/);
  ok(!html.includes("first line"));
  match(html, /The first \S+ bytes are not shown/);
  match(html, new RegExp(`href="/tickets/${id}/checks/${checkId}\\?raw" hx-boost="false"`));

  const raw = await bench.get(`/tickets/${id}/checks/${checkId}?raw`);
  match(raw.headers.get("content-type")!, /^text\/plain/);
  equal(await raw.text(), output);

  const api = createHttp(app, {
    assets: noAssets,
    mountApi: ticketsApi,
    mountPages: () => {},
    renderError: () => "",
  });
  const answer = await api.request(`/api/v1/tickets/${id}/checks/${checkId}/output`);
  deepEqual(await answer.json(), { output });
});

Deno.test("an output that is gone, or was never kept, is said to be; its end stays", async () => {
  using app = testApp();
  const { id } = await app.ticket();
  const bench = pagesBench(app);
  const textOf = async (checkId: string) =>
    await (await bench.get(`/tickets/${id}/checks/${checkId}`)).text();
  match(await textOf(check(app, id, "/nonexistent/test.log").id), /output is gone.*the end/s);
  match(await textOf(check(app, id, null, "").id), /None was kept/);
});

Deno.test("a check is found at its own ticket only", async () => {
  using app = testApp();
  const [mine, other] = [await app.ticket(), await app.ticket()];
  const { id } = check(app, other.id, null);
  const bench = pagesBench(app);
  equal((await bench.get(`/tickets/${other.id}/checks/${id}`)).status, 200);
  for (const path of [`${mine.id}/checks/${id}`, `${other.id}/checks/check_nope`]) {
    equal((await bench.get(`/tickets/${path}`)).status, 404, path);
    equal((await bench.get(`/tickets/${path}?raw`)).status, 404, path);
  }
});

Deno.test("a review shows the checks of its newest commit and of the base, and folds those between", async () => {
  using app = testApp();
  const { id } = await app.ticket();
  const [base, between, head] = ["a", "b", "c"].map((digit) => digit.repeat(40)) as [
    string,
    string,
    string,
  ];
  const of = (commit: string, baseline = false) =>
    check(app, id, null, "", { commit, baseline }).id;
  const before = of(base, true);
  const [first, second] = [of(between), of(between)];
  // With one commit at both ends the page needs no repository for its diff.
  app.tx((tx) => updateTicket(tx, id, { baseCommit: head, headCommit: head }));
  const bench = pagesBench(app);
  const parts = async () => {
    const html = await (await bench.get(`/tickets/${id}/review`)).text();
    const begin = html.search(/<details[^>]*id="review-checks"/);
    const panel = html.slice(begin, html.search(/<details[^>]*id="review-notes"/));
    ok(begin > 0 && panel.length > 0, "before what is said of the diff");
    const idsOf = (part: string) => [...part.matchAll(/<li id="check-(\w+)"/g)].map(([, id]) => id);
    const [shown, folded = ""] = panel.split(/<details[^>]*id="review-checks-older"[^>]*>/);
    return { shown: idsOf(shown!), folded: idsOf(folded), panel };
  };
  const { shown, folded, panel } = await parts();
  deepEqual([shown, folded], [[before], [second, first]]);
  match(panel, /<summary>2 checks of earlier commits<\/summary>/);

  const newest = of(head);
  deepEqual((await parts()).shown, [newest, before], "newest first");
  const line = (await parts()).panel;
  match(line, /^<details[^>]*id="review-checks"[^>]*>\s*<summary><h2>Checks<\/h2>[^/]*1 \w+</);
});

Deno.test("a check that was run once more leads to that one, which leads back", async () => {
  using app = testApp();
  const { id } = await app.ticket();
  const bench = pagesBench(app);
  const first = check(app, id, null);
  const page = async (checkId: string) =>
    await (await bench.get(`/tickets/${id}/checks/${checkId}`)).text();
  ok(!(await page(first.id)).includes("Run once more"));
  const flaky = [{ file: "", test: "greets in time" }];
  const again = check(app, id, null, "", {
    status: "passed",
    exitCode: 0,
    rerunOf: first.id,
    flaky,
  });
  match(
    await page(first.id),
    new RegExp(`Run once more on the same commit: <a href="[^"]+/${again.id}">passed, flaky</a>`),
  );
  match(await page(again.id), new RegExp(`A second try of <a href="[^"]+/${first.id}">`));
});
