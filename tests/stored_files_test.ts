import { deepStrictEqual as deepEqual, strictEqual as equal } from "node:assert";
import { storedFile } from "../agents/git/stored_files.ts";

const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);

Deno.test("storedFile() tells what git keeps of plain files and links, and leaves all others to git", async () => {
  const root = await Deno.realPath(await Deno.makeTempDir({ prefix: "gaffer-stored-" }));
  try {
    const at = (path: string) => `${root}/${path}`;
    await Deno.mkdir(at("dir"));
    await Deno.writeTextFile(at("dir/a.txt"), "one\n");
    await Deno.writeTextFile(at("run.sh"), "", { mode: 0o755 });
    await Deno.symlink("dir/ü", at("link"));
    await Deno.symlink("dir", at("linked"));
    await Deno.symlink("loop", at("loop"));
    await Deno.writeTextFile(at("returns"), "a\r\nb");
    await Deno.writeTextFile(at("ident"), "b $Id$");
    await new Deno.Command("mkfifo", { args: [at("pipe")] }).output();

    const stored = (path: string) => {
      const file = storedFile(root, path, 10);
      return file === null || file === "gone" ? file : [file.mode, text(file.bytes)];
    };
    deepEqual(stored("dir/a.txt"), ["100644", "one\n"]);
    deepEqual(stored("run.sh"), ["100755", ""]);
    deepEqual(stored("link"), ["120000", "dir/ü"]);
    equal(stored("nothing"), "gone");
    equal(stored("run.sh/below"), "gone");
    for (const path of ["linked/a.txt", "loop/a", "returns", "ident", "pipe", "dir"]) {
      equal(stored(path), null);
    }
    equal(storedFile(root, "dir/a.txt", 3), null, "too long");
  } finally {
    await Deno.remove(root, { recursive: true });
  }
});
