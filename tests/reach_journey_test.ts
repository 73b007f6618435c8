/** Hosts from a definition and a project's settings to a command, its result, the run's page and its tags. */
import { deepStrictEqual as deepEqual, match, ok, strictEqual as equal } from "node:assert";
import { type ClaudeRequest, startFakeClaude } from "./fake_claude/mod.ts";
import { Client, type Json, startGaffer, tempDir } from "./gaffer.ts";
import {
  greetCommands,
  greetDeveloper,
  greetRepo,
  greetScripts,
  greetTicket,
} from "./greet_story.ts";
import { addProject, calls, logOf, patch, play, settled } from "./journey_support.ts";
import { confinements } from "./place_support.ts";

const [{ ignore }] = confinements;

Deno.test(
  "an agent's commands and a project's checks reach the hosts that each may, and the run's page says so",
  { ignore },
  async () => {
    const asked: string[] = [];
    await using server = Deno.serve(
      { hostname: "127.0.0.1", port: 0, onListen() {} },
      (request) => {
        asked.push(new URL(request.url).pathname);
        return new Response("a package");
      },
    );
    const here = `localhost:${server.addr.port}`;
    const fetched = (path: string) => `curl -fsS --noproxy "" http://${here}/${path}`;
    const develop = (request: ClaudeRequest) =>
      request.turn === 1
        ? calls(["Bash", {
          command: `${fetched("model")}; ${fetched("x")} -x "$http_proxy" http://other.example/`,
        }])
        : request.turn === 2
        ? calls(["Read", { file_path: "greet.sh" }])
        : greetDeveloper(request);
    await using fake = startFakeClaude({ reply: play({ ...greetScripts, develop }) });
    await using data = await tempDir();
    await using repo = await greetRepo();
    await using gaffer = await startGaffer({
      dataDir: data.path,
      env: { ANTHROPIC_API_KEY: fake.apiKey, ANTHROPIC_BASE_URL: fake.url },
    });
    const client = new Client(gaffer.url);
    const project = await addProject(client, repo, {
      setup: "",
      build: `${greetCommands.build} && ${fetched("build")}`,
      test: `${greetCommands.test}`,
    });
    deepEqual([project.hosts, project.toolchains, project.limits], [[], [], {}]);
    const changed = await patch(client, `/projects/${project.id}`, {
      hosts: [here],
      limits: { cpu_seconds: 600 },
    });
    deepEqual([changed.hosts, changed.limits], [[here], { cpu_seconds: 600 }]);
    await patch(client, "/agents/bugfix-dev", { keys: { allowed_hosts: [here] } });
    const { id } = await client.post(`/projects/${project.id}/tickets`, {
      ...greetTicket,
      type: "bugfix",
    });
    const { status, reason } = await client.until(`/tickets/${id}`, settled);
    equal(status, "review", reason);
    ok(asked.includes("/model") && asked.includes("/build"), asked.join());

    const { items } = await client.get(`/runs?ticket_id=${id}`);
    const run = items.find((one: Json) => one.purpose === "develop");
    const log = await logOf(client, run.id);
    const { body: started } = log.find(({ type }) => type === "started")!;
    deepEqual(
      [started.tags, started.permissions.hosts, started.permissions.checkHosts],
      [["outbound"], [here], [here]],
    );
    match(started.spec.system, new RegExp(`it reaches these hosts alone.*${here}`));
    const { body: { result } } = log.find(({ type, body }) =>
      type === "tool_finished" && body.result.hosts
    )!;
    deepEqual(result.hosts.map((use: Json) => [use.host, use.allowed]), [
      ["localhost", true],
      ["other.example", false],
    ]);
    const page = await (await fetch(`${gaffer.url}/runs/${run.id}`)).text();
    match(page, new RegExp(`Its commands may reach ${here}; the checks that it runs may reach`));
    match(
      page,
      /other\.example:80<\/code>\s*<span class="outcome tone-waiting">not reached: it is not among/,
    );
    match(page, /1 host not reached/);
    ok(fake.requests.every(({ status }) => status === 200));
  },
);
