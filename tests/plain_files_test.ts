/** Files of the person's own folder that somebody removes while they are looked at. */
import { deepStrictEqual as deepEqual, strictEqual as equal } from "node:assert";
import { type PlainKind, readPlainFile, removePlainFile } from "../agents/plain_files.ts";
import { tempDir } from "./gaffer.ts";

const kind: PlainKind = {
  maxBytes: 1024,
  folder: "the documents",
  ordinary: "an ordinary markdown file",
};

type Call = "lstatSync" | "openSync" | "realPathSync" | "removeSync";

/**
 * Does `work`, with `first` done just before the first call of that name which is about `path`. It is synchronous:
 * nobody else's call comes in between.
 */
function racing<T>(call: Call, path: string, first: () => void, work: () => T): T {
  const real = Deno[call];
  let due = true;
  const raced = (...args: unknown[]) => {
    if (due && args[0] === path) {
      due = false;
      first();
    }
    return (real as (...args: unknown[]) => unknown)(...args);
  };
  Object.assign(Deno, { [call]: raced });
  try {
    const result = work();
    equal(due, false, `${call} was called`);
    return result;
  } finally {
    Object.assign(Deno, { [call]: real });
  }
}

async function folderWithFile() {
  const temp = await tempDir();
  const root = await Deno.realPath(temp.path);
  const folder = `${root}/docs`;
  const path = `${folder}/a.md`;
  await Deno.mkdir(folder);
  await Deno.writeTextFile(path, "# A\n");
  return { temp, root, folder, path };
}

for (const call of ["lstatSync", "openSync", "realPathSync"] as const) {
  Deno.test(`a file that is removed just before ${call} is one that is not there`, async () => {
    const { temp, root, path } = await folderWithFile();
    await using _ = temp;
    const gone = () => Deno.removeSync(path);
    equal(racing(call, path, gone, () => readPlainFile(root, "docs/a.md", kind)), null);
    equal(readPlainFile(root, "docs/a.md", kind), null);
  });
}

Deno.test("a folder that is removed while a file in it is looked for makes it one that is not there", async () => {
  const { temp, root, folder } = await folderWithFile();
  await using _ = temp;
  const gone = () => Deno.removeSync(folder, { recursive: true });
  equal(racing("lstatSync", folder, gone, () => readPlainFile(root, "docs/a.md", kind)), null);
});

for (const call of ["realPathSync", "removeSync"] as const) {
  Deno.test(`a file that somebody else removes just before ${call} counts as removed`, async () => {
    const { temp, root, folder, path } = await folderWithFile();
    await using _ = temp;
    // As another program does it: not by the call that is raced with.
    const gone = () => Deno.renameSync(path, `${root}/elsewhere`);
    racing(call, path, gone, () => removePlainFile(root, "docs/a.md", kind));
    deepEqual([...Deno.readDirSync(folder)], []);
    removePlainFile(root, "docs/a.md", kind);
  });
}
