/** A check fails with words that no parser knows: the tester or the builder explains it, and nobody is made to wait. */
import { deepStrictEqual as deepEqual, match, ok, strictEqual as equal } from "node:assert";
import { type ClaudeRequest, startFakeClaude } from "./fake_claude/mod.ts";
import { Client, type Json, startGaffer, tempDir } from "./gaffer.ts";
import { greetTicket } from "./greet_story.ts";
import { TestRepo } from "./git_support.ts";
import {
  addProject,
  calls,
  expect,
  ifGood,
  logOf,
  play,
  purposeOf,
  runsOf,
  settled,
  submit,
} from "./journey_support.ts";

/** Its words are those of no runner that is known. */
const TEST =
  'case "$(sh greet.sh)" in hello*) ;; *) echo "It does not greet (greet.sh)"; exit 1 ;; esac\n';
const BUILD = 'grep -q echo greet.sh || { echo "It says nothing (greet.sh)"; exit 1; }\n';

const edit = (old_string: string, new_string: string) =>
  calls(["Edit", { file_path: "greet.sh", old_string, new_string }]);
const done = ifGood(submit({ status: "done", summary: "It greets the world" }));
const read = calls(["Read", { file_path: "greet.sh" }]);

const story = (wrong: string, explained: (request: ClaudeRequest) => void) =>
  play({
    develop: [
      read,
      ifGood(edit("echo hello", wrong)),
      ifGood(calls(["run_checks", { name: wrong.startsWith("echo") ? "build" : "test" }])),
      submit({ status: "done", summary: "It greets the world" }),
    ],
    explain: [
      calls(["Bash", { command: "cat greet.sh" }], ["Read", { file_path: "greet.sh" }]),
      (request) => {
        explained(request);
        return submit({
          failures: [{
            file: "greet.sh",
            line: 2,
            message: "It does not greet",
            cause: "greet.sh:2 says something else",
          }],
        });
      },
    ],
    fix: [
      (request) => {
        expect(/Cause: greet\.sh:2 says something else/.test(request.prompt), "the cause is told");
        return read;
      },
      ifGood(edit(wrong, "echo hello, world")),
      ifGood(calls(["run_checks", { name: "build" }])),
      ifGood(calls(["run_checks", { name: "test" }])),
      done,
    ],
    review: submit({
      summary: "Good",
      findings: [],
      criteria: [{ criterion: greetTicket.acceptance[0]!, met: true, evidence: "greet.sh:2" }],
    }),
  });

const cases = [
  { check: "build", agent: "builder", wrong: "printf hello", sandbox: "auto" },
  { check: "test", agent: "tester", wrong: "echo bye", sandbox: "auto" },
  { check: "test", agent: "tester", wrong: "echo bye", sandbox: "off" },
] as const;

for (const { check, agent, wrong, sandbox } of cases) {
  Deno.test(`the ${agent} explains a failed ${check} by itself, with the sandbox ${sandbox}`, async () => {
    const seen: { tools: string[]; results: ClaudeRequest["results"] }[] = [];
    await using fake = startFakeClaude({
      reply: story(wrong, (request) => {
        seen.push({
          tools: (request.body.tools ?? []).map((tool: Json) => tool.name),
          results: request.results,
        });
      }),
    });
    await using data = await tempDir();
    await using repo = await TestRepo.make({
      "greet.sh": "# Greets.\necho hello\n",
      "test.sh": TEST,
      "build.sh": BUILD,
    });
    const env = { ANTHROPIC_API_KEY: fake.apiKey, ANTHROPIC_BASE_URL: fake.url };
    const args = ["--sandbox", sandbox];
    await using gaffer = await startGaffer({ dataDir: data.path, env, args });
    const client = new Client(gaffer.url);
    const confinement = (await client.get("/system/status")).confinement.kind;
    const project = await addProject(client, repo, {
      build: "sh build.sh",
      test: "sh test.sh",
    });
    const ticket = await client.post(`/projects/${project.id}/tickets`, greetTicket);
    const end = await client.until(`/tickets/${ticket.id}`, settled);
    deepEqual([end.status, end.reason], ["review", ""]);

    const explaining = (await runsOf(client, { ticket_id: ticket.id }))
      .filter((run) => run.purpose === "explain");
    deepEqual(explaining.map((run) => [run.agent, run.status]), [[agent, "succeeded"]]);
    const [{ tools, results }] = seen as [typeof seen[number]];
    const [bash, looked] = results;
    ok(!looked!.isError, "it read the file");
    if (confinement === "bubblewrap") {
      deepEqual(tools, ["Read", "Grep", "Bash", "submit_result"]);
      ok(bash!.content.includes(wrong));
    } else {
      deepEqual(tools, ["Read", "Grep", "submit_result"]);
      match(bash!.content, /No such tool available: Bash/);
    }
    const types = (await logOf(client, explaining[0]!.id)).map((event) => event.type);
    ok(!types.includes("approval_requested"), "nobody was asked");
    const failed = (await client.get(`/tickets/${ticket.id}/checks`)).items
      .filter((one: Json) => one.status === "failed");
    equal(failed.length, 1);
    deepEqual(failed[0].report.failures, [{
      file: "greet.sh",
      line: 2,
      message: "It does not greet\nCause: greet.sh:2 says something else",
    }]);
    ok(fake.requests.every(({ request }) => request && purposeOf(request)));
  });
}
