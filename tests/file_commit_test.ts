/** One file of a branch, changed by a commit that Gaffer makes of git's objects. */
import { deepStrictEqual as deepEqual, rejects, strictEqual as equal, throws } from "node:assert";
import { join } from "node:path";
import { commitTree } from "../agents/git/commit_objects.ts";
import { wayTo } from "../agents/git/commit_trees.ts";
import { commitFile, fileBlob } from "../agents/git/file_commit.ts";
import { objectOf, writeObjects } from "../agents/git/loose_objects.ts";
import { entryIn, withEntry } from "../agents/git/tree_bytes.ts";
import { never, TestRepo } from "./git_support.ts";

const encode = (text: string) => new TextEncoder().encode(text);

async function commit(repo: TestRepo, path: string, text: string | null): Promise<string> {
  const landed = await commitFile({
    ...{ repo: repo.dir, branch: "main", tip: await repo.git("rev-parse", "main"), path },
    content: text === null ? null : encode(text),
    identity: { name: "Ana <x>", email: "ana@example.org" },
    message: `docs: ${path}`,
    atSeconds: 1_700_000_000.9,
    ...{ signer: null, signal: never },
  });
  equal(landed.type, "landed");
  return await repo.git("rev-parse", "main");
}

/** What git says is wrong with what it keeps, and what it makes of the folder. */
async function requireSound(repo: TestRepo): Promise<void> {
  equal(await repo.git("fsck", "--strict", "--no-dangling"), "");
  equal(await repo.git("status", "--porcelain"), "");
  equal(await repo.git("write-tree"), await repo.git("rev-parse", "HEAD^{tree}"));
}

/** Folders sort as if their names ended with a slash, between "-" or "." and "0". */
const names = ["a", "a-b", "a.b", "a0", "ab/c", "b/a", "b/a.b/c", "b/a-b", "é/ü ß", "z"];

for (const [how, options] of [["", []], [" (SHA-256)", ["--object-format=sha256"]]] as const) {
  Deno.test(`commitFile() makes the commits that git would make${how}`, async () => {
    await using repo = await TestRepo.make(undefined, [...options]);
    await repo.commit("More", { "b/a.b/z": "z\n", "ab/a": "a\n", "run.sh": "#!/bin/sh\n" });
    for (const name of names) await commit(repo, name, `of ${name}\n`);
    await requireSound(repo);
    for (const name of names) equal(await repo.read(name), `of ${name}\n`);
    const head = await commit(repo, "b/a.b/c", "again\n");
    equal(
      await repo.git("show", "--format=%an|%ae|%cn|%at|%B", "--name-status", head),
      [
        "Ana x|ana@example.org|Ana x|1700000000|docs: b/a.b/c",
        "\nM\tb/a.b/c",
      ].join("\n"),
    );
    for (const name of names) await commit(repo, name, null);
    await requireSound(repo);
    equal(await repo.git("ls-files"), "README.md\nab/a\nb/a.b/z\nrun.sh");
  });
}

Deno.test("commitFile() leaves no empty folder behind, and a branch without a file where that was the last", async () => {
  await using repo = await TestRepo.make({ "a/b/c/d": "1\n" });
  await commit(repo, "a/b/e", "2\n");
  await commit(repo, "a/b/c/d", null);
  equal(await repo.git("ls-tree", "-r", "-t", "--name-only", "HEAD"), "a\na/b\na/b/e");
  await commit(repo, "a/b/e", null);
  equal(await repo.git("ls-tree", "HEAD"), "");
  await requireSound(repo);
});

Deno.test("a save after a save asks git for no object", async () => {
  await using repo = await TestRepo.make({ "planning/f/a.md": "1\n" });
  const head = await commit(repo, "planning/f/a.md", "2\n");
  await Deno.rename(repo.dir, `${repo.dir} away`);
  // Git could not be asked now.
  const { folders, blockedBy } = await wayTo(repo.dir, head, "planning/f/a.md", never);
  deepEqual([folders.length, blockedBy], [3, null]);
  const blob = await fileBlob(repo.dir, head, "planning/f/a.md", never);
  equal(blob, objectOf("blob", encode("2\n"), head.length).id);
  await rejects(
    fileBlob(repo.dir, head, "other/a.md", never).then(() =>
      fileBlob(repo.dir, head.replace(/./g, "1"), "other/a.md", never)
    ),
    { name: "GitError" },
  );
});

Deno.test("fileBlob() tells what is no plain file, or no folder, on the way", async () => {
  await using repo = await TestRepo.make({ "a/b.md": "1\n", "run.sh": "2\n" });
  await Deno.chmod(join(repo.dir, "run.sh"), 0o755);
  await Deno.symlink("a", join(repo.dir, "link"));
  await Deno.symlink("a/b.md", join(repo.dir, "c.md"));
  const head = await repo.commit("Links");
  const at = (path: string) => fileBlob(repo.dir, head, path, never);
  equal(await at("a/b.md"), await repo.git("rev-parse", "HEAD:a/b.md"));
  equal(await at("run.sh"), await repo.git("rev-parse", "HEAD:run.sh"));
  for (const path of ["a/c.md", "x/y/z.md", "B.md"]) equal(await at(path), null);
  await rejects(at("link/b.md"), {
    code: "conflict",
    message: /"link" is a link or no plain folder/,
  });
  await rejects(at("c.md"), { code: "conflict", message: /"c\.md" is a link or no plain file/ });
  await rejects(at("a"), { code: "conflict", message: /"a" is a link or no plain file/ });
  await rejects(at("a/b.md/c"), {
    code: "conflict",
    message: /"a\/b\.md" is a link or no plain folder/,
  });
  for (const path of ["../x", "a\nb", 'a"b', "a//b", ""]) {
    await rejects(at(path), /no path of a file/);
  }
});

Deno.test("where a repository keeps its objects in its own way, git makes the commit", async () => {
  await using repo = await TestRepo.make({ "a/b.md": "1\n" });
  const kept = () => repo.git("for-each-ref", "refs/gaffer");
  await commit(repo, "a/b.md", "2\n");
  equal(await kept(), "");
  await repo.git("config", "core.sharedRepository", "group");
  const head = await commit(repo, "a/c/d.md", "3\n");
  equal(await kept(), `${head} commit\trefs/gaffer/planning`);
  await commit(repo, "a/b.md", null);
  await requireSound(repo);
});

Deno.test("where the system doesn't let Gaffer write an object, git does, or says why it can't", async () => {
  await using repo = await TestRepo.make({ "a.md": "1\n" });
  const objects = join(repo.dir, ".git/objects");
  const taken = new Set(Array.from(Deno.readDirSync(objects), ({ name }) => name));
  const placeOf = (text: string) => objectOf("blob", encode(text), 40).id.slice(0, 2);
  // The repository's own objects lie where the time of its commit says.
  const text = ["2\n", "3\n", "4\n", "5\n", "6\n", "7\n"].find((one) => !taken.has(placeOf(one)))!;
  const [folder, packs] = [placeOf(text), "pack"].map((name) => join(objects, name));
  await Deno.writeTextFile(folder!, "in the way");
  await Deno.remove(packs!, { recursive: true });
  await Deno.writeTextFile(packs!, "in the way");
  await rejects(commit(repo, "a.md", text), {
    name: "GitError",
    message: /Cannot commit "a\.md": git says/,
  });
  equal(await repo.read("a.md"), "1\n");
  await Deno.remove(packs!);
  // It keeps the whole of them in a pack then.
  await commit(repo, "a.md", text);
  equal(await repo.read("a.md"), text);
  await Deno.remove(folder!);
  await requireSound(repo);
});

Deno.test("a file that may be executed stays one, whoever makes the commit", async () => {
  await using repo = await TestRepo.make({ "a/b.md": "1\n", "c.md": "c\n" });
  await Deno.chmod(join(repo.dir, "a/b.md"), 0o755);
  await repo.commit("Executable");
  const modes = async () => (await repo.git("ls-tree", "-r", "HEAD")).replace(/ .*/g, "");
  await commit(repo, "a/b.md", "2\n");
  equal(await modes(), "100755\n100644");
  await repo.git("config", "core.sharedRepository", "group");
  await commit(repo, "a/b.md", "3\n");
  equal(await modes(), "100755\n100644");
  await requireSound(repo);
});

Deno.test("an object that is there already is left as it is, but young", async () => {
  await using repo = await TestRepo.make({ "a.md": "1\n" });
  const object = objectOf("blob", encode("1\n"), 40);
  const path = join(repo.dir, ".git/objects", object.id.slice(0, 2), object.id.slice(2));
  await Deno.utime(path, 1, 1);
  const before = await Deno.readFile(path);
  await writeObjects(join(repo.dir, ".git"), [object]);
  deepEqual(await Deno.readFile(path), before);
  equal((await Deno.stat(path)).mtime!.getTime() > 1_000, true);
});

Deno.test("a commit that was cut off before it landed harms nothing", async () => {
  await using repo = await TestRepo.make({ "a.md": "1\n" });
  const head = await repo.git("rev-parse", "HEAD");
  const blob = objectOf("blob", encode("2\n"), 40);
  await writeObjects(join(repo.dir, ".git"), [blob]);
  await Deno.writeTextFile(join(repo.dir, ".git/objects", blob.id.slice(0, 2), "tmp_obj_cut"), "x");
  equal(await repo.git("fsck", "--strict", "--no-dangling"), "");
  equal(await repo.git("rev-parse", "HEAD"), head);
  await repo.git("prune", "--expire=now");
  await rejects(repo.git("cat-file", "-e", blob.id));
  await commit(repo, "a.md", "2\n");
  await requireSound(repo);
});

Deno.test("commitTree() makes the very commits that git would make, and leaves to git what it can't", async () => {
  for (const how of [[], ["--object-format=sha256"]]) {
    await using repo = await TestRepo.make(undefined, how);
    const parent = await repo.git("rev-parse", "HEAD");
    const other = await repo.commit("Other", { "b.md": "b\n" });
    const tree = await repo.git("rev-parse", "HEAD^{tree}");
    const spec = {
      ...{
        tree,
        parents: [parent, other, parent],
        message: "Two\n\nlines of ü",
        atSeconds: 1_700_000_000.9,
      },
      ...{ identity: { name: "Ana ü", email: "ana@example.org" }, signal: never },
    };
    const own = await commitTree(repo.dir, spec);
    // Signed commits, and repositories that keep objects in another way, are git's.
    await repo.git("config", "core.sharedRepository", "group");
    equal(await commitTree(repo.dir, spec), own);
    equal(
      await repo.git("log", "-1", "--format=%an|%ae|%at|%P|%B", own),
      [
        `Ana ü|ana@example.org|1700000000|${parent} ${other}|Two\n\nlines of ü`,
        "",
      ].join("\n"),
    );
    equal(await repo.git("fsck", "--strict", "--no-dangling"), "");
    await rejects(commitTree(repo.dir, { ...spec, message: "a\0b" }), { name: "GitError" });
    await repo.git("config", "--unset", "core.sharedRepository");
    await rejects(commitTree(repo.dir, { ...spec, tree: "main" }), { code: "invalid" });
  }
});

Deno.test("withEntry() puts entries where git has them, also where a file becomes a folder", () => {
  const id = "1".repeat(40);
  let tree = new Uint8Array();
  for (const name of ["a0", "a", "a.b", "a-b"]) {
    tree = withEntry(tree, name, { mode: "100644", id }, 40);
  }
  const order = () =>
    [...new TextDecoder("latin1").decode(tree).matchAll(/ ([a.\-b0]+)\0/g)].map(([, n]) => n);
  deepEqual(order(), ["a", "a-b", "a.b", "a0"]);
  tree = withEntry(tree, "a", { mode: "40000", id }, 40);
  deepEqual(order(), ["a-b", "a.b", "a", "a0"]);
  deepEqual(entryIn(tree, "a", 40), { mode: "40000", id });
  tree = withEntry(tree, "a", { mode: "100755", id }, 40);
  deepEqual(order(), ["a", "a-b", "a.b", "a0"]);
  tree = withEntry(withEntry(tree, "a", null, 40), "none", null, 40);
  deepEqual(order(), ["a-b", "a.b", "a0"]);
  equal(entryIn(tree, "a", 40), null);
  throws(() => entryIn(encode("no tree"), "a", 40), /no tree of git's/);
});
