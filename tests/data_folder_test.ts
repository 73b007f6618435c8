/** The data folder: made when it is missing, and owned by one server at a time. */
import { match, ok, strictEqual as equal, throws } from "node:assert";
import { join } from "node:path";
import { openDataFolder } from "../server/data_folder.ts";
import { AppError } from "../server/errors.ts";
import { tempDir } from "./gaffer.ts";

const NOW = "2026-01-02T03:04:05.000Z";

function refusal(path: string): AppError {
  try {
    openDataFolder(path).release();
  } catch (error) {
    if (error instanceof AppError) return error;
    throw error;
  }
  throw new Error(`${path} was opened`);
}

Deno.test("the folder and those above it are made, for the person alone", async () => {
  await using temp = await tempDir();
  const path = join(temp.path, "some", "where", "data");
  const folder = openDataFolder(path);
  equal(folder.path, path);
  const { isDirectory, mode } = await Deno.stat(path);
  ok(isDirectory);
  equal(mode! & 0o077, 0, "nobody else may look into it");
  folder.release();
});

Deno.test("a second server is refused, with the first one's process and address", async () => {
  await using temp = await tempDir();
  const first = openDataFolder(temp.path);
  match(
    refusal(temp.path).message,
    new RegExp(`another Gaffer \\(process ${Deno.pid}, starting\\)`),
  );
  first.announce("http://127.0.0.1:4242", NOW);
  const { code, message } = refusal(temp.path);
  equal(code, "conflict");
  equal(
    message,
    `Cannot start: another Gaffer (process ${Deno.pid}, http://127.0.0.1:4242) already serves ` +
      `${temp.path}. Stop it, or choose another folder with --data`,
  );
  first.release();
});

Deno.test("a shorter address leaves nothing of a longer one behind", async () => {
  await using temp = await tempDir();
  const first = openDataFolder(temp.path);
  first.announce("http://a-very-long-name.example.org:4242", NOW);
  first.announce("http://[::1]:1", NOW);
  match(refusal(temp.path).message, /, http:\/\/\[::1\]:1\) already/);
  first.release();
});

Deno.test("when the lock's text can't be read, the second server is refused all the same", async () => {
  await using temp = await tempDir();
  const first = openDataFolder(temp.path);
  await Deno.writeTextFile(join(temp.path, "gaffer.lock"), "{");
  match(refusal(temp.path).message, /another Gaffer already serves/);
  first.release();
});

Deno.test("a folder that was released can be used again", async () => {
  await using temp = await tempDir();
  for (let n = 0; n < 3; n++) openDataFolder(temp.path).release();
});

Deno.test("a server that was killed leaves no lock behind", async () => {
  await using temp = await tempDir();
  const child = new Deno.Command(Deno.execPath(), {
    args: [
      "run",
      "-A",
      "--no-prompt",
      new URL("fixtures/lock_holder.ts", import.meta.url).pathname,
      temp.path,
    ],
    stdout: "piped",
  }).spawn();
  const { value } = await child.stdout.getReader().read();
  equal(new TextDecoder().decode(value).trim(), "locked");
  match(refusal(temp.path).message, new RegExp(`process ${child.pid}`));
  child.kill("SIGKILL");
  await child.status;
  openDataFolder(temp.path).release();
});

Deno.test("a path where no folder can be is refused with what to do", async () => {
  await using temp = await tempDir();
  const file = join(temp.path, "file");
  await Deno.writeTextFile(file, "");
  for (const path of [file, join(file, "below")]) {
    const { code, message } = refusal(path);
    equal(code, "invalid");
    match(message, /^Cannot use the data folder .*Choose another with --data$/);
  }
});

Deno.test("a folder whose lock can't be written is refused", async () => {
  await using temp = await tempDir();
  await Deno.mkdir(join(temp.path, "gaffer.lock"));
  throws(() => openDataFolder(temp.path), { code: "invalid" });
});
