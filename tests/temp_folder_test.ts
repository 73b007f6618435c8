/** The folders that servers have among the temporary files: gone with them, however they end. */
import { deepStrictEqual as deepEqual, match, ok, strictEqual as equal } from "node:assert";
import { openTempFolder } from "../agents/temp_folder.ts";
import { silentLog } from "../server/log.ts";
import { startGaffer, tempDir } from "./gaffer.ts";
import { appeared } from "./mortal.ts";
import { processesWith, root } from "./place_support.ts";

const options = { sh: "/bin/sh", log: silentLog };
const namesIn = (dir: string): string[] => [...Deno.readDirSync(dir)].map(({ name }) => name);

/**
 * A server that was killed with its hands, in the middle of a command without a sandbox. Gives the private
 * folder of that command, which holds `token` in its arguments.
 */
async function killedServer(tmp: string, token: string): Promise<string> {
  await using place = await tempDir();
  const command = `setsid sh -c 'echo $TMPDIR > up; while :; do sleep 1; done' ${token} & ` +
    "while ! [ -s up ]; do :; done; echo $PPID > hands; sleep 60";
  const script = `
    import { testHands } from "${import.meta.resolve("./place_support.ts")}";
    const hands = testHands("off");
    const place = { dir: ${
    JSON.stringify(await Deno.realPath(place.path))
  }, access: "write", gitDir: null };
    const spec = { command: ${JSON.stringify(command)}, cwd: "", timeoutMs: 60_000, env: {} };
    const signal = new AbortController().signal;
    await hands.command(place, spec, { signal, unconfinedAllowed: true });`;
  await Deno.writeTextFile(`${place.path}/server.ts`, script);
  const config = `--config=${new URL("deno.json", root).pathname}`;
  const server = new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--no-prompt", "--no-lock", config, `${place.path}/server.ts`],
    env: { TMPDIR: tmp },
    stdout: "null",
    stderr: "null",
  }).spawn();
  const hands = await written(`${place.path}/hands`);
  // Stopped, so that they can't clean up when they hear of their server's end.
  Deno.kill(Number(hands), "SIGSTOP");
  server.kill("SIGKILL");
  await server.status;
  Deno.kill(Number(hands), "SIGKILL");
  return await written(`${place.path}/up`);
}

/** The line in a file that a command writes. */
async function written(path: string): Promise<string> {
  const deadline = performance.now() + 60_000;
  while (performance.now() < deadline) {
    const text = await Deno.readTextFile(path).catch(() => "");
    if (text.endsWith("\n")) return text.trim();
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  throw new Error(`Nothing was written to ${path}`);
}

// Elsewhere than on Linux what a killed server's hands have left running can't be found.
const ignore = Deno.build.os !== "linux";

Deno.test("what a killed server left goes at the next start; what a living one uses stays", {
  ignore,
}, async () => {
  await using tmp = await tempDir();
  const dir = await Deno.realPath(tmp.path);
  const living = await openTempFolder({ ...options, dir });
  await Deno.writeTextFile(`${living.path}/mine`, "mine");
  const token = crypto.randomUUID();
  const folder = await killedServer(dir, token);
  match(folder.slice(dir.length), /^\/gaffer-server-[0-9a-f]+\/hands-[^/]+$/);
  deepEqual(namesIn(folder), [], "it is still there");
  ok(processesWith(token) > 0, "its command goes on");

  const next = await openTempFolder({ ...options, dir });
  equal(processesWith(token), 0);
  const kept = [living, next].flatMap(({ path }) => [path, `${path}.lock`]);
  deepEqual(namesIn(dir).sort(), kept.map((path) => path.slice(dir.length + 1)).sort());
  equal(await Deno.readTextFile(`${living.path}/mine`), "mine");
  await living.close();
  await next.close();
  deepEqual(namesIn(dir), []);
});

Deno.test("a start that was cut off anywhere is tidied, and nothing else is touched", async () => {
  await using tmp = await tempDir();
  const dir = tmp.path;
  await Deno.writeTextFile(`${dir}/gaffer-server-1.lock`, ""); // killed before it made the folder
  await Deno.writeTextFile(`${dir}/gaffer-server-2.lock`, ""); // killed before it removed the lock
  await Deno.mkdir(`${dir}/gaffer-server-2/deep/er`, { recursive: true });
  await Deno.symlink("/", `${dir}/gaffer-server-2/link`);
  const others = ["gaffer-5", "gaffer-5.lock", "gaffer-server-3", "gaffer-server-4.lock"];
  await Deno.mkdir(`${dir}/gaffer-server-3`); // a folder without a lock is not one of these
  await Deno.symlink("gaffer-5.lock", `${dir}/gaffer-server-4.lock`);
  await Deno.mkdir(`${dir}/gaffer-5`); // a person's, who has a lock of their own
  await Deno.writeTextFile(`${dir}/gaffer-5.lock`, "");
  const folder = await openTempFolder({ ...options, dir });
  await folder.close();
  deepEqual(namesIn(dir).sort(), others);
});

Deno.test("servers that start at the same moment take nothing from each other", async () => {
  await using tmp = await tempDir();
  for (let n = 0; n < 5; n++) {
    await Deno.writeTextFile(`${tmp.path}/gaffer-server-${n}.lock`, "");
    await Deno.mkdir(`${tmp.path}/gaffer-server-${n}`);
  }
  const folders = await Promise.all(
    Array.from({ length: 8 }, () => openTempFolder({ ...options, dir: tmp.path })),
  );
  const inUse = folders.flatMap(({ path }) => [path, `${path}.lock`]);
  const names = inUse.map((path) => path.slice(path.lastIndexOf("/") + 1));
  deepEqual(namesIn(tmp.path).sort(), names.sort());
  for (const folder of folders) await folder.close();
  deepEqual(namesIn(tmp.path), []);
});

Deno.test("a server leaves nothing when it stops, and tidies after one of another data folder", async () => {
  await using tmp = await tempDir();
  await using one = await tempDir();
  await using two = await tempDir();
  const env = { TMPDIR: tmp.path };
  const left = () => namesIn(tmp.path).filter((name) => name.startsWith("gaffer-server-"));
  const made = appeared(tmp.path, (path) => path.endsWith(".lock"));
  await using killed = await startGaffer({ dataDir: one.path, env });
  await made;
  await killed.kill();
  ok(left().length > 0);
  await using next = await startGaffer({ dataDir: two.path, env });
  equal(await next.stop(), 0);
  deepEqual(left(), []);
});
