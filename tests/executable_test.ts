/** The command line and the executable: run for real, as a person would in an empty folder. */
import { match, ok, strictEqual as equal } from "node:assert";
import { VERSION } from "../server/version.ts";
import { runSource, startGaffer, tempDir } from "./gaffer.ts";

const executable = Deno.env.get("GAFFER_EXECUTABLE");
const [program, before] = executable ? [executable, []] : [Deno.execPath(), runSource("main.ts")];

async function gaffer(args: string[], env: Record<string, string> = {}) {
  await using empty = await tempDir("gaffer-empty-");
  const { code, stdout, stderr } = await new Deno.Command(program, {
    args: [...before, ...args],
    cwd: empty.path,
    clearEnv: true,
    env: { PATH: Deno.env.get("PATH")!, HOME: Deno.env.get("HOME") ?? empty.path, ...env },
  }).output();
  const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
  return { code, stdout: text(stdout), stderr: text(stderr) };
}

Deno.test("version and help say what they are for, and end with 0", async () => {
  const version = await gaffer(["version"]);
  equal(version.stdout, `gaffer ${VERSION}\n`);
  equal(version.code, 0);
  const help = await gaffer(["help"]);
  match(help.stdout, /--port N/);
  equal(help.code, 0);
});

Deno.test("what the command line can't mean is refused with 2 and the reason", async () => {
  const wrong = [["fly"], ["serve", "--fast"], ["serve", "--port", "many"], [
    "serve",
    "--sandbox",
    "x",
  ]];
  for (const args of wrong) {
    const { code, stderr } = await gaffer(args);
    equal(code, 2, args.join(" "));
    match(stderr, /^gaffer: Cannot /);
  }
});

Deno.test("a wrong variable is named", async () => {
  const { code, stderr } = await gaffer(["serve"], { GAFFER_PORT: "99999" });
  equal(code, 2);
  match(stderr, /the variable GAFFER_PORT is wrong/);
});

Deno.test("it serves from a folder that it makes, and ends with 0 when told to", async () => {
  await using dir = await tempDir();
  await using server = await startGaffer({ dataDir: dir.path });
  const page = await fetch(server.url);
  equal(page.status, 200);
  match(await page.text(), /Take the sample project/);
  for (const path of ["/static/app.css", "/static/app.js", "/api/v1/openapi.json", "/healthz"]) {
    const response = await fetch(server.url + path);
    await response.body?.cancel();
    equal(response.status, 200, path);
  }
  const agents = await (await fetch(`${server.url}/api/v1/agents`)).json();
  ok(agents.items.length >= 10, "the definitions are inside");
  equal(await server.stop(), 0);
});

Deno.test("a port that is in use is refused with what to do", async () => {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  await using dir = await tempDir();
  const port = String((listener.addr as Deno.NetAddr).port);
  const { code, stderr } = await gaffer(["serve", "--port", port, "--data", dir.path]);
  equal(code, 1);
  match(stderr, new RegExp(`port ${port} is in use. Choose another with --port`));
});

Deno.test("the process that draws diagrams finds what it draws with", async () => {
  await using empty = await tempDir("gaffer-empty-");
  const child = new Deno.Command(program, {
    args: [...before, "__diagrams"],
    cwd: empty.path,
    clearEnv: true,
    env: { PATH: Deno.env.get("PATH")!, HOME: Deno.env.get("HOME") ?? empty.path },
    stdin: "piped",
    stdout: "piped",
  }).spawn();
  const source = JSON.stringify("flowchart LR\n  A[Größe] --> B\n") + "\n";
  await new Blob([source]).stream().pipeTo(child.stdin);
  const { stdout, code } = await child.output();
  match(new TextDecoder().decode(stdout), /^\{"svg":"<svg [^\n]*Größe[^\n]*"\}\n$/);
  equal(code, 0);
});
