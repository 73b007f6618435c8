/** What lies in the documents' folders, which are read anew only where something in them is another one. */
import { deepStrictEqual as deepEqual, strictEqual as equal } from "node:assert";
import { join } from "node:path";
import { type FolderNames, folderNames } from "../agents/planning/folder_names.ts";
import { listDocumentFiles } from "../agents/planning/planning_folder.ts";
import { TestRepo } from "./git_support.ts";

const DAY_MS = 86_400_000;

/** Asks for the names of a folder as if it had settled long ago, and counts how often it is read. */
class Reader {
  reads = 0;

  constructor(readonly dir: string) {}

  names(nowMs = Date.now() + DAY_MS): string[] | null {
    const names = folderNames(this.dir, () => {
      this.reads++;
      const found: FolderNames = { folders: [], files: [] };
      for (const { name, isDirectory } of Deno.readDirSync(this.dir)) {
        if (isDirectory) found.folders.push(name);
        else found.files.push({ at: join(this.dir, name), path: name });
      }
      return found;
    }, nowMs);
    return names && [...names.folders, ...names.files.map(({ path }) => path)].sort();
  }
}

/** Again until the system's clock says another moment. */
async function laterChmod(dir: string): Promise<void> {
  const at = async () => (await Deno.stat(dir)).ctime!.getTime();
  const before = await at();
  do await Deno.chmod(dir, 0o700); while (await at() === before);
}

Deno.test("a folder's names are read once, and again when one was made, removed, renamed or replaced", async () => {
  await using repo = await TestRepo.make({ "planning/a.md": "1\n", "planning/x/b.md": "2\n" });
  const reader = new Reader(join(repo.dir, "planning"));
  const at = (name: string) => join(reader.dir, name);
  deepEqual([reader.names(), reader.names(), reader.reads], [["a.md", "x"], ["a.md", "x"], 1]);
  const changes: [() => Promise<void>, string[]][] = [
    [() => Deno.writeTextFile(at("c.md"), "3\n"), ["a.md", "c.md", "x"]],
    [() => Deno.remove(at("c.md")), ["a.md", "x"]],
    [() => Deno.rename(at("a.md"), at("d.md")), ["d.md", "x"]],
    [() => laterChmod(reader.dir), ["d.md", "x"]],
    [() => Deno.rename(at("x"), repo.beside("x")), ["d.md"]],
    [() => Deno.symlink(repo.beside("x"), at("x")), ["d.md", "x"]],
  ];
  for (const [change, names] of changes) {
    // As it would be by the time a folder has settled: another moment than that of the change.
    await Deno.utime(reader.dir, 1, 1);
    reader.names();
    const before = reader.reads;
    await change();
    deepEqual([reader.names(), reader.names(), reader.reads], [names, names, before + 1]);
  }
  await Deno.remove(reader.dir, { recursive: true });
  equal(reader.names(), null);
  await Deno.symlink(repo.beside("x"), reader.dir);
  equal(reader.names(), null);
});

Deno.test("a folder that was changed just now is read each time: it may change again within the same moment", async () => {
  await using repo = await TestRepo.make({ "planning/a.md": "1\n" });
  const reader = new Reader(join(repo.dir, "planning"));
  const { ctime } = await Deno.stat(reader.dir);
  for (let n = 1; n <= 3; n++) {
    deepEqual(reader.names(ctime!.getTime()), ["a.md"]);
    equal(reader.reads, n);
  }
});

Deno.test("listDocumentFiles() sees each file as it is now, wherever its name comes from", async () => {
  await using repo = await TestRepo.make({ "planning/a.md": "1\n", "planning/x/b.md": "2\n" });
  const list = () =>
    listDocumentFiles(repo.dir).map(({ path, bytes }) => `${path} ${bytes}`).sort();
  deepEqual(list(), ["a.md 2", "x/b.md 2"]);
  await repo.write("planning/a.md", "longer\n");
  await Deno.link(join(repo.dir, "planning/x/b.md"), repo.beside("b.md"));
  deepEqual(list(), ["a.md 7"]);
  await Deno.remove(repo.beside("b.md"));
  deepEqual(list(), ["a.md 7", "x/b.md 2"]);
});
