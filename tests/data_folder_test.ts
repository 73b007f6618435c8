/** The data folder: made when it is missing, and owned by one server at a time. */
import { match, ok, strictEqual as equal, throws } from "node:assert";
import { join } from "node:path";
import { type DataFolder, networkFileSystemOf, openDataFolder } from "../server/data_folder.ts";
import { AppError } from "../server/errors.ts";
import { tempDir } from "./gaffer.ts";

const NOW = "2026-01-02T03:04:05.000Z";
const open = (path: string): DataFolder => openDataFolder(path, NOW);

function refusal(path: string): AppError {
  try {
    open(path).release();
  } catch (error) {
    if (error instanceof AppError) return error;
    throw error;
  }
  throw new Error(`${path} was opened`);
}

Deno.test("the folder and those above it are made, for the person alone", async () => {
  await using temp = await tempDir();
  const path = join(temp.path, "some", "where", "data");
  const folder = open(path);
  equal(folder.path, path);
  const { isDirectory, mode } = await Deno.stat(path);
  ok(isDirectory);
  equal(mode! & 0o077, 0, "nobody else may look into it");
  folder.release();
});

Deno.test("a second server is refused, with the first one's process and address", async () => {
  await using temp = await tempDir();
  const first = open(temp.path);
  match(
    refusal(temp.path).message,
    new RegExp(`another Gaffer \\(process ${Deno.pid}, starting, since ${NOW}\\)`),
  );
  first.announce("http://127.0.0.1:4242");
  const { code, message } = refusal(temp.path);
  equal(code, "conflict");
  equal(
    message,
    `Cannot start: another Gaffer (process ${Deno.pid}, http://127.0.0.1:4242, since ${NOW}) already ` +
      `serves ${temp.path}. Stop it, or choose another folder with --data`,
  );
  throws(
    () => openDataFolder(temp.path, NOW, "restore"),
    /^AppError: Cannot restore: another Gaffer/,
  );
  first.release();
});

Deno.test("a shorter address leaves nothing of a longer one behind", async () => {
  await using temp = await tempDir();
  const first = open(temp.path);
  first.announce("http://a-very-long-name.example.org:4242");
  first.announce("http://[::1]:1");
  match(refusal(temp.path).message, /, http:\/\/\[::1\]:1, since .*\) already/);
  first.release();
});

Deno.test("when the lock's text can't be read, the second server is refused all the same", async () => {
  await using temp = await tempDir();
  const first = open(temp.path);
  await Deno.writeTextFile(join(temp.path, "gaffer.lock"), "{");
  match(refusal(temp.path).message, /another Gaffer already serves/);
  first.release();
});

Deno.test("a folder that was released can be used again", async () => {
  await using temp = await tempDir();
  for (let n = 0; n < 3; n++) open(temp.path).release();
});

Deno.test("a folder that was let go in order is clean, one that was not is to be looked at", async () => {
  await using temp = await tempDir();
  const first = open(temp.path);
  equal(first.unclean, false, "there was nobody before");
  first.announce("http://127.0.0.1:4242");
  first.release();
  const second = open(temp.path);
  equal(second.unclean, false);
  second.abandon();
  const third = open(temp.path);
  equal(third.unclean, true);
  third.abandon();
  const fourth = open(temp.path);
  equal(fourth.unclean, true, "who only looked has put nothing in order");
  fourth.release();
  const fifth = open(temp.path);
  equal(fifth.unclean, false);
  fifth.release();
});

Deno.test("a disk that fails at the very end leaves the mark of a kill, and the folder free", async () => {
  await using temp = await tempDir();
  const folder = open(temp.path);
  const { writeSync } = Deno.FsFile.prototype;
  Deno.FsFile.prototype.writeSync = () => {
    throw new Error("Input/output error (os error 5)");
  };
  try {
    folder.release();
  } finally {
    Deno.FsFile.prototype.writeSync = writeSync;
  }
  const next = open(temp.path);
  equal(next.unclean, true);
  next.release();
});

Deno.test("who owns the folder is always written over the same bytes: a full disk has room for it", async () => {
  await using temp = await tempDir();
  const size = () => Deno.statSync(join(temp.path, "gaffer.lock")).size;
  const folder = open(temp.path);
  const before = size();
  folder.announce("http://a-very-long-name.example.org:4242");
  equal(size(), before);
  folder.release();
  equal(size(), before);
});

Deno.test("a server that was killed leaves no lock behind, but the mark that it was killed", async () => {
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
  const folder = open(temp.path);
  equal(folder.unclean, true);
  folder.release();
});

Deno.test("a path where no folder can be is refused with what to do", async () => {
  await using temp = await tempDir();
  const file = join(temp.path, "file");
  await Deno.writeTextFile(file, "");
  for (const path of [file, join(file, "below")]) {
    const { code, message } = refusal(path);
    equal(code, "invalid");
    match(
      message,
      /^Cannot use .* It is a file, or would lie below one\. Choose another with --data$/,
    );
  }
});

Deno.test("a folder whose lock can't be written is refused", async () => {
  await using temp = await tempDir();
  await Deno.mkdir(join(temp.path, "gaffer.lock"));
  throws(() => open(temp.path), { code: "invalid" });
});

// ------------------------------------------------------------------ network file systems

const mounts = (text: string): string =>
  text.trim().split("\n").map((line, index) => {
    const [point, type] = line.trim().split(" ");
    return `${20 + index} 1 0:${index} / ${point} rw,relatime shared:1 - ${type} source rw`;
  }).join("\n");

Deno.test("a folder on a disk of another machine is known by the mount that it lies under", () => {
  const table = mounts(`
    / ext4
    /home nfs4
    /home/pat/local ext4
    /mnt/c 9p
    /srv/the\\040share cifs
    /media fuse.sshfs
    /over nfs
    /over btrfs
  `);
  const cases: [string, string | null][] = [
    ["/var/lib/gaffer", null],
    ["/home/pat/data", "nfs4"],
    ["/home", "nfs4"],
    ["/homework", null],
    ["/home/pat/local/data", null],
    ["/mnt/c/Users/pat", "9p"],
    ["/srv/the share/data", "cifs"],
    ["/media/host", "fuse.sshfs"],
    ["/over/it", null], // the later mount hides the earlier
  ];
  for (const [path, expected] of cases) equal(networkFileSystemOf(path, table), expected, path);
});

Deno.test("where the system tells nothing about its mounts, nothing is said", () => {
  equal(networkFileSystemOf("/data", null), null);
  equal(networkFileSystemOf("/data", ""), null);
});
