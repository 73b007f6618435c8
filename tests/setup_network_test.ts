/** A project's setup may use the network where a person says so; it alone, and only in hands of its own. */
import { deepStrictEqual as deepEqual, match, ok, strictEqual as equal } from "node:assert";
import { needsNetwork } from "../agents/inspect/installers.ts";
import type { Launch } from "../agents/hands_launch.ts";
import { removeHome } from "../server/services/homes.ts";
import { type ClaudeRequest, startFakeClaude } from "./fake_claude/mod.ts";
import { Client, type Json, startGaffer, tempDir } from "./gaffer.ts";
import {
  greetCommands,
  greetDeveloper,
  greetRepo,
  greetScripts,
  greetTicket,
} from "./greet_story.ts";
import { addProject, calls, expect, patch, play, settled } from "./journey_support.ts";
import {
  confinements,
  noSignal,
  processesWith,
  testConfined,
  testHands,
  TestPlace,
} from "./place_support.ts";

const [{ ignore }] = confinements;

/** A server of packages on this machine: a repository that `git ls-remote` can ask, which counts who did. */
function packages() {
  const asked: string[] = [];
  const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen() {} }, ({ url }) => {
    const { pathname } = new URL(url);
    asked.push(pathname.split("/")[1]!);
    return pathname.endsWith("/info/refs")
      ? new Response(`${"a".repeat(40)}\trefs/heads/main\n`)
      : new Response("", { status: 404 });
  });
  return {
    /** Names of who asked, each once. */
    get asked() {
      return [...new Set(asked)];
    },
    /** A command that reaches it, and fails when it can't. */
    ask: (name: string) => `git ls-remote http://127.0.0.1:${server.addr.port}/${name}`,
    [Symbol.asyncDispose]: () => server.shutdown(),
  };
}

const spec = (command: string) => ({ command, cwd: "", timeoutMs: 60_000, env: {} });
const allowed = { signal: noSignal, unconfinedAllowed: true };

Deno.test(
  "in a sandbox a command reaches the network only when it may, and nothing else does beside or after it",
  {
    ignore,
  },
  async () => {
    await using server = packages();
    await using place = new TestPlace();
    const launches: Launch[] = [];
    const launch = (launch: Launch) => (launches.push(launch), launch);
    await using hands = testHands("auto", { launch });
    const run = (command: string, network: boolean) =>
      hands.command(place.place, spec(command), { ...allowed, network });

    const off = await run(server.ask("off"), false);
    ok(off.exitCode !== 0 && /onnect/.test(off.output), off.output);
    const on = await run(server.ask("on"), true);
    deepEqual([on.exitCode, on.unconfined, server.asked], [0, false, ["on"]], on.output);
    equal(processesWith(launches[1]!.marker), 0, "what had the network is gone");

    const model = await hands.use(place.place, "Bash", { command: server.ask("model") });
    ok(model.isError);
    const after = await run(server.ask("after"), false);
    ok(after.exitCode !== 0);
    deepEqual(server.asked, ["on"]);
    equal(launches.length, 2, "the ordinary hands stayed, and the others were used once");
  },
);

Deno.test(
  "with the network go the files that resolve names and prove hosts, and no more of the machine",
  {
    ignore,
  },
  async () => {
    await using place = new TestPlace();
    await using hands = testHands("auto");
    const read = async (file: string, network: boolean) =>
      (await hands.command(place.place, spec(`cat ${file}`), { ...allowed, network })).output;
    const resolver = await Deno.readTextFile("/etc/resolv.conf").catch(() => null);
    if (resolver !== null) equal(await read("/etc/resolv.conf", true), resolver);
    match(await read("/etc/resolv.conf", false), /No such file/);
    const certificates = await Deno.lstat("/etc/ssl/certs").catch(() => null);
    const listed = await hands.command(place.place, spec("ls /etc/ssl/certs | head -n 1"), {
      ...allowed,
      network: true,
    });
    if (certificates) equal(listed.exitCode, 0);
    match(await read(`${place.outside}/secret.txt`, true), /No such file/);
    match(await read("/etc/shadow", true), /No such file|Permission denied/);
    const { output } = await hands.command(place.place, spec("env"), { ...allowed, network: true });
    ok(!/ANTHROPIC|GAFFER_DATA/.test(output), output);
  },
);

Deno.test("without a sandbox the network can't be cut, whatever was chosen", async () => {
  await using server = packages();
  await using place = new TestPlace();
  await using hands = testHands("off");
  for (const network of [false, true]) {
    const options = { ...allowed, network };
    const result = await hands.command(place.place, spec(server.ask(`${network}`)), options);
    deepEqual([result.exitCode, result.unconfined], [0, true], result.output);
  }
  deepEqual(server.asked, ["false", "true"]);
});

testConfined("what setup keeps in its home is there for the commands after it", async (c) => {
  await using place = new TestPlace();
  const homeDir = `${place.outside}/home`;
  await Deno.mkdir(homeDir);
  await using hands = testHands(c.sandbox);
  const at = { ...place.place, homeDir };
  const keep = 'mkdir -p "$HOME/go" && echo kept > "$HOME/go/module" && chmod a-w "$HOME/go"';
  await hands.command(at, spec(keep), { ...allowed, network: true });
  const { output } = await hands.command(at, spec('cat "$HOME/go/module"'), allowed);
  equal(output, "kept\n");
});

Deno.test("removeHome() removes what took the right to write from its own folders", async () => {
  await using temp = await tempDir();
  const worktree = `${temp.path}/1`;
  await removeHome(worktree);
  const folder = `${worktree}.home/go/pkg`;
  await Deno.mkdir(folder, { recursive: true });
  await Deno.writeTextFile(`${folder}/module.go`, "package module");
  await Deno.symlink("/nonexistent", `${folder}/link`);
  await Deno.chmod(folder, 0o500);
  await removeHome(worktree);
  deepEqual(await Array.fromAsync(Deno.readDir(temp.path)), []);
});

Deno.test("needsNetwork() knows the installers, and leaves other commands alone", () => {
  const fetch = [
    "npm ci",
    "cd web && npm install --no-audit",
    "pnpm install --frozen-lockfile",
    "yarn",
    "yarn install --immutable",
    "bun install --frozen-lockfile",
    "deno install",
    "go mod download",
    "cargo fetch --locked",
    "python3 -m venv .venv && echo '*' > .venv/.gitignore && .venv/bin/pip install -r requirements.txt",
    "uv sync",
    "poetry install",
    "pipenv sync --dev",
    "mix deps.get",
    "bundle install",
    "composer install",
    "dotnet restore",
  ];
  deepEqual(fetch.filter((command) => !needsNetwork(command)), []);
  const local = ["", "make", "npm run build", "yarn build", "meson setup build", "sh install.sh"];
  deepEqual(local.filter(needsNetwork), []);
});

/** A developer that first tries to reach the server itself. */
const curious = (ask: string) => (request: ClaudeRequest) => {
  const [last] = request.results;
  if (request.turn === 1) return calls(["Bash", { command: ask }]);
  expect(request.turn !== 2 || last?.isError, "a model's command must not reach the network");
  return request.turn === 2 ? calls(["Read", { file_path: "greet.sh" }]) : greetDeveloper(request);
};

Deno.test(
  "setup that fails for want of the network names the switch; with it on the ticket goes on to a merge",
  {
    ignore,
  },
  async (t) => {
    await using server = packages();
    const develop = curious(server.ask("model"));
    await using fake = startFakeClaude({ reply: play({ ...greetScripts, develop }) });
    await using data = await tempDir();
    await using repo = await greetRepo();
    await using gaffer = await startGaffer({
      dataDir: data.path,
      env: { ANTHROPIC_API_KEY: fake.apiKey, ANTHROPIC_BASE_URL: fake.url },
    });
    const client = new Client(gaffer.url);
    // What can't be had here is looked for elsewhere, as an installer does.
    const fetched = `${server.ask("setup")} && echo fetched > "$HOME/module"`;
    const project = await addProject(client, repo, {
      setup: `${fetched} || git ls-remote http://registry.invalid/module`,
      build: `${greetCommands.build} && grep -q KEY .env && cat "$HOME/module" && ! ${
        server.ask("build")
      }`,
      test: greetCommands.test,
    });
    equal(project.setup_network, false);
    await repo.write(".git/info/exclude", ".env\n");
    await repo.write(".env", "KEY=1\n");
    await patch(client, `/projects/${project.id}`, { local_files: [".env"] });
    const { id } = await client.post(`/projects/${project.id}/tickets`, {
      ...greetTicket,
      type: "bugfix",
    });
    const path = `/tickets/${id}`;

    await t.step("off, it blocks with the reason, and the page leads to the switch", async () => {
      const { status, failure, reason } = await client.until(path, settled);
      deepEqual([status, failure], ["blocked", "setup_offline"]);
      match(reason, /Could not resolve host: registry\.invalid/);
      deepEqual(server.asked, []);
      const page = await (await fetch(`${gaffer.url}${path}`)).text();
      match(page, /Switch on “Setup may use the network” in the project/);
      match(page, new RegExp(`href="/projects/${project.id}"`));
      match(page, /1 ignored file copied: \.env/);
    });

    await t.step("on, setup and nothing else reaches it", async () => {
      await patch(client, `/projects/${project.id}`, { setup_network: true });
      await client.post(`${path}/retry`);
      const { status, reason } = await client.until(path, settled);
      equal(status, "review", reason);
      deepEqual(server.asked, ["setup"]);
      const kept = `${data.path}/projects/${project.slug}/cache/000001/module`;
      equal(await Deno.readTextFile(kept), "fetched\n", "for the tickets after it");
      ok(fake.requests.every(({ status }) => status === 200));
    });

    await t.step("where the base has moved, setup runs on the base's own files again", async () => {
      await repo.commit("Meanwhile", { "other.txt": "second\n" });
      const tip = await repo.git("rev-parse", "HEAD");
      await client.post(`${path}/approve`);
      const done = await client.until(path, (ticket) => ticket.status !== "review");
      equal(done.status, "done", done.reason);
      const { items } = await client.get(`${path}/checks`);
      const setups = items.filter((check: Json) => check.name === "setup");
      deepEqual(setups.map((check: Json) => [check.status, check.baseline]), [
        ["failed", true],
        ["passed", true],
        ["passed", true],
      ]);
      equal(setups.at(-1).commit, tip);
      deepEqual(server.asked, ["setup"]);
    });
  },
);
