/** Checkouts that agents read: which of them stay while somebody does. */
import { deepStrictEqual as deepEqual } from "node:assert";
import { cancelRun } from "../server/services/cancelling.ts";
import { addMcpServer, tryMcpServer } from "../server/services/mcp_servers.ts";
import { viewOf } from "../server/services/views.ts";
import { workingRun } from "./budgets_support.ts";
import { never, TestRepo } from "./git_support.ts";
import { testApp } from "./support.ts";

Deno.test("while runs read side by side, views that none of them reads go: a set of edited documents costs no room for ever", async () => {
  await using repo = await TestRepo.make();
  using app = testApp({ config: { dataDir: repo.beside("data") } });
  const project = app.project({ slug: "p", path: repo.dir });
  const commits = [await repo.git("rev-parse", "HEAD")];
  for (let n = 1; n < 5; n++) commits.push(await repo.commit("More", { "more.md": `${n}\n` }));
  const names = commits.map((commit) => commit.slice(0, 12));
  const views = async () =>
    (await Array.fromAsync(Deno.readDir(repo.beside("data/projects/p/views")), ({ name }) => name))
      .map((name) => names.indexOf(name)).sort();
  const view = (n: number, runId: string) =>
    viewOf(app, { project, commit: commits[n]!, runId }, never);

  const long = workingRun(app, project.id);
  await view(0, long.id);
  for (const n of [1, 2, 3]) {
    const short = workingRun(app, project.id);
    await view(n, short.id);
    deepEqual(await views(), [0, n], "of those that are over nothing is left");
    cancelRun(app, short.id);
  }
  // Taken up again, a run reads what there is then, and its older view goes.
  await view(4, long.id);
  deepEqual(await views(), [4]);
  const other = testApp({ config: { dataDir: repo.beside("data") } });
  const same = other.project({ slug: "p", path: repo.dir });
  const fresh = workingRun(other, same.id);
  await viewOf(other, { project: same, commit: commits[2]!, runId: fresh.id }, never);
  deepEqual(await views(), [2], "after a restart nobody reads any until it asks");
  other[Symbol.dispose]();
});

Deno.test("a server of tools is tried without taking its files from the run that reads an older commit", async () => {
  await using repo = await TestRepo.make();
  using app = testApp({ config: { dataDir: repo.beside("data") } });
  const project = app.project({ slug: "p", path: repo.dir });
  const server = addMcpServer(app, project.id, {
    ...{ name: "docs", transport: "stdio", command: "node", args: [], env: {} },
    ...{ url: "", headers: {}, timeoutMs: 1_000, active: true },
  });
  const views = async () =>
    (await Array.fromAsync(Deno.readDir(repo.beside("data/projects/p/views")), ({ name }) => name))
      .sort();
  const older = await repo.git("rev-parse", "HEAD");
  const run = workingRun(app, project.id);
  await viewOf(app, { project, commit: older, runId: run.id }, never);
  const newer = await repo.commit("More", { "more.md": "two\n" });
  await tryMcpServer(app, server.id, never);
  deepEqual(await views(), [older, newer].map((commit) => commit.slice(0, 12)).sort());
  deepEqual(app.agents.released, []);

  cancelRun(app, run.id);
  await tryMcpServer(app, server.id, never);
  deepEqual(await views(), [newer.slice(0, 12)], "nobody reads the older one any more");
});
