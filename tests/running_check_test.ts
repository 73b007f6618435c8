/** What a check prints is seen while it runs: on the ticket's page, as text and over the API. */
import { deepStrictEqual as deepEqual, match, ok, strictEqual as equal } from "node:assert";
import { createHttp } from "../server/http.ts";
import { ticketsApi } from "../server/routes/tickets.tsx";
import { lastSeq } from "../server/store/events.ts";
import { EvidenceBench, tap } from "./evidence_support.ts";
import { noAssets } from "./http_support.ts";
import { followPage, pagesBench } from "./pages_support.ts";

Deno.test("a ticket's page shows what its check prints as it prints it, and nothing of it afterwards", async () => {
  await using bench = await EvidenceBench.make({ "results.txt": tap("adds") });
  const { app, id } = bench;
  while (bench.ticket.step !== "baseline") await bench.step();
  const begun = Promise.withResolvers<(text: string) => void>();
  const end = Promise.withResolvers<void>();
  const { command } = app.agents;
  app.agents.command = async (place, spec, options) => {
    begun.resolve(options.onOutput!);
    await end.promise;
    return await command(place, spec, options);
  };
  const pages = pagesBench(app);
  const html = async () => await (await pages.get(`/tickets/${id}`)).text();
  match(await html(), /<div id="running-check" hidden/);

  await using told = await followPage(pages, `/live/ticket/${id}`, lastSeq(app.db));
  const step = bench.step();
  const print = await begun.promise;
  let message = "";
  while (!message.includes("Test is running")) message = await told.next();
  print("compiling <all>\n");
  while (!message.includes('hx-target="#running-output"')) message = await told.next();
  match(message, /compiling &lt;all>/);
  ok(!/^id:/m.test(message), "streamed text has no number");
  match(await html(), /Test is running[^]*<pre[^>]*id="running-output"[^>]*>compiling &lt;all>/);
  equal(await (await pages.get(`/tickets/${id}/checks/running`)).text(), "compiling <all>\n");
  const api = createHttp(app, {
    assets: noAssets,
    mountApi: ticketsApi,
    mountPages: () => {},
    renderError: () => "",
  });
  const asked = async () =>
    (await (await api.request(`/api/v1/tickets/${id}/running-check`)).json()).check;
  const { name, baseline, output } = await asked();
  deepEqual([name, baseline, output], ["test", true, "compiling <all>\n"]);

  end.resolve();
  await step;
  while (!message.includes('<div id="running-check" hidden')) message = await told.next();
  equal(await asked(), null);
  equal((await pages.get(`/tickets/${id}/checks/running`)).status, 303);
});

Deno.test("a check that could not be run is not at work any more", async () => {
  await using bench = await EvidenceBench.make({ "results.txt": tap("adds") });
  while (bench.ticket.step !== "baseline") await bench.step();
  bench.app.agents.command = () => Promise.reject(new Error("the hands were lost"));
  await bench.step().catch(() => {});
  const html = await (await pagesBench(bench.app).get(`/tickets/${bench.id}`)).text();
  match(html, /<div id="running-check" hidden/);
});
