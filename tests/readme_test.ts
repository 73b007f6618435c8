/** The README promises only commands that are known to work here. */
import { deepStrictEqual as deepEqual, match, ok } from "node:assert";
import { join } from "node:path";
import { run, startGaffer, tempDir } from "./gaffer.ts";

const root = join(import.meta.dirname!, "..");

/** Each command of the README, and where it is run for real. */
const known: Record<string, string> = {
  "npx -y deno@2.9.6 task start": ".ci/run starts it",
  "npx -y deno@2.9.6 task test": ".ci/run calls it",
  "export ANTHROPIC_API_KEY=your-key": "journey_test.ts sets it",
  "sudo apt-get install bubblewrap": ".ci/run installs it",
  "npx -y deno@2.9.6 task compile": ".ci/run compiles",
  "npx -y deno@2.9.6 task start backup": ".ci/run calls it",
  "npx -y deno@2.9.6 task start backup /mnt/usb/gaffer.db": "below",
  "npx -y deno@2.9.6 task start restore data/backups/gaffer-2026-01-02T030405.678Z-daily.db":
    "below",
  "./dist/gaffer version": "executable_test.ts",
  "./dist/gaffer serve": "executable_test.ts",
  "npx -y deno@2.9.6 task dev": ".ci/run starts it and stops it",
  "npx -y deno@2.9.6 task ok": ".ci/run runs its parts",
  "npx -y deno@2.9.6 task bench": ".ci/run calls it",
  "npx -y deno@2.9.6 task chaos": ".ci/run calls it with fewer kills",
  "GAFFER_CHAOS_KILLS=1000 GAFFER_CHAOS_SEED=7 npx -y deno@2.9.6 task chaos":
    ".ci/run sets both, to other numbers",
  [
    "curl -s -X POST http://127.0.0.1:4242/api/v1/projects " +
    `-H 'content-type: application/json' -d '{"sample": true}'`
  ]: ".ci/run sends it",
  "curl -s http://127.0.0.1:4242/api/v1/projects": ".ci/run sends it",
  "curl -s http://127.0.0.1:4242/healthz": ".ci/run sends it",
};

Deno.test("every command in the README is one that is run by a test or by CI", async () => {
  const readme = await Deno.readTextFile(join(root, "README.md"));
  const commands = [...readme.matchAll(/```sh\n([\s\S]*?)```/g)]
    .flatMap(([, block]) => block!.trim().split("\n"));
  ok(commands.length > 5);
  deepEqual(commands.filter((command) => !(command in known)), []);
});

/** What `.ci/run` executes, a line each, without its comments and with one name for Deno. */
async function ciLines(): Promise<string[]> {
  const text = await Deno.readTextFile(join(root, ".ci/run"));
  return text.replaceAll('npx -y "deno@$DENO_VERSION"', "deno").split("\n")
    .map((line) => line.trim())
    .filter((line) => line !== "" && !/^(#|echo )/.test(line));
}

/** Texts that must stand in `.ci/run` for it to run this command of the README. */
async function wordsInCi(command: string): Promise<string[]> {
  if (command.startsWith("curl ")) return ["done < <(grep '^curl ' README.md)"];
  const install = /apt-get install (\w+)$/.exec(command);
  if (install) return [`need bwrap ${install[1]}`];
  const [, task] = /\btask (.+)$/.exec(command)!;
  if (task === "start" || task === "dev") return [`serve deno task ${task}`];
  if (task !== "ok") return [`deno task ${task}`];
  const { tasks } = JSON.parse(await Deno.readTextFile(join(root, "deno.json")));
  return (tasks.ok as string).split(" && ");
}

Deno.test("what is said to be run by CI stands in its script", async () => {
  const lines = await ciLines();
  const said = Object.entries(known).filter(([, where]) => where.includes(".ci/run"));
  ok(said.length > 8);
  for (const [command] of said) {
    for (const words of await wordsInCi(command)) {
      const found = lines.some((line) => ` ${line} `.includes(` ${words} `));
      ok(found, `.ci/run does not run "${words}", which "${command}" needs`);
    }
  }
});

Deno.test("what is said to be run by another test stands there", async () => {
  for (const [command, where] of Object.entries(known)) {
    const [file] = /^\w+_test\.ts/.exec(where) ?? [];
    if (!file) continue;
    const word = /^export (\w+)=/.exec(command)?.[1] ?? `"${command.split(" ").at(-1)}"`;
    const text = await Deno.readTextFile(join(root, "tests", file));
    ok(text.includes(word), `${file} has no ${word}, which "${command}" needs`);
  }
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

Deno.test("what the README says of backups can be done as it says", async () => {
  const readme = await Deno.readTextFile(join(root, "README.md"));
  const [now, elsewhere, restore] = [...readme.matchAll(/task start ((?:backup|restore).*)/g)]
    .map(([, args]) => args!.split(" "));
  await using data = await tempDir();
  {
    await using gaffer = await startGaffer({ dataDir: data.path });
    await gaffer.stop();
  }
  const usb = join(data.path, "gaffer.db.on-usb");
  const gaffer = (...args: string[]) =>
    run(root, Deno.execPath(), "run", "-A", "main.ts", ...args, "--data", data.path);
  const [, made] = /^Backed up to (.*)$/m.exec(await gaffer(...now!))!;
  // Its name is made as the one that the README shows.
  match(made!, /\/backups\/gaffer-\d{4}-\d\d-\d\dT\d{6}\.\d{3}Z-manual\.db$/);
  match(restore![1]!, /\/backups\/gaffer-\d{4}-\d\d-\d\dT\d{6}\.\d{3}Z-daily\.db$/);
  match(await gaffer(elsewhere![0]!, usb), /^Backed up to .*on-usb$/m);
  for (const file of [made!, usb]) {
    const said = await gaffer(restore![0]!, file);
    match(said, /^Restored .*\nWhat was there before is in .*\/backups\/replaced-/);
  }
});
