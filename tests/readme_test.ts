/** The README promises only commands that are known to work here. */
import { deepStrictEqual as deepEqual, ok } from "node:assert";
import { join } from "node:path";

const root = join(import.meta.dirname!, "..");

/** Each command of the README, and where it is run for real. */
const known: Record<string, string> = {
  "npx -y deno@2.9.6 task start": "every journey starts main.ts; .ci/run starts the task",
  "npx -y deno@2.9.6 task test": ".ci/run calls it",
  "export ANTHROPIC_API_KEY=your-key": "journey_test.ts sets it",
  "sudo apt-get install bubblewrap": ".ci/run installs it",
  "npx -y deno@2.9.6 task compile": ".ci/run compiles",
  "./dist/gaffer version": "executable_test.ts",
  "./dist/gaffer serve": "executable_test.ts",
  "npx -y deno@2.9.6 task dev": "the same main.ts with --watch",
  "npx -y deno@2.9.6 task ok": ".ci/run runs its parts",
  "npx -y deno@2.9.6 task bench": ".ci/run calls it",
  [
    "curl -s -X POST http://127.0.0.1:4242/api/v1/projects " +
    `-H 'content-type: application/json' -d '{"sample": true}'`
  ]: "journey_test.ts posts it",
  "curl -s http://127.0.0.1:4242/api/v1/projects": "journey_test.ts gets it",
  "curl -s http://127.0.0.1:4242/healthz": "executable_test.ts gets it",
};

Deno.test("every command in the README is one that is run by a test or by CI", async () => {
  const readme = await Deno.readTextFile(join(root, "README.md"));
  const commands = [...readme.matchAll(/```sh\n([\s\S]*?)```/g)]
    .flatMap(([, block]) => block!.trim().split("\n"));
  ok(commands.length > 5);
  deepEqual(commands.filter((command) => !(command in known)), []);
});

Deno.test("every task that the README names exists", async () => {
  const readme = await Deno.readTextFile(join(root, "README.md"));
  const { tasks } = JSON.parse(await Deno.readTextFile(join(root, "deno.json")));
  const named = [...readme.matchAll(/ task (\w+)/g)].map(([, name]) => name!);
  deepEqual(named.filter((name) => !(name in tasks)), []);
});

Deno.test("every picture and page that the README links to is there", async () => {
  const readme = await Deno.readTextFile(join(root, "README.md"));
  const links = [...readme.matchAll(/\]\((?!https?:)([^)]+)\)/g)].map(([, path]) => path!);
  ok(links.length >= 2);
  for (const path of links) ok((await Deno.stat(join(root, path))).isFile, path);
});
