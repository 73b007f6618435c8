/** Git looks at few files with one thread, and at many with as many as it wants. */
import { deepStrictEqual as deepEqual } from "node:assert";
import { SMALL_INDEX_BYTES, threadsFor } from "../agents/git/small_index.ts";
import { tempDir } from "./gaffer.ts";
import { TestRepo } from "./git_support.ts";

Deno.test("threadsFor() asks for one thread where the index is small, and says nothing where it is large or not there", async () => {
  await using repo = await TestRepo.make({ "a.txt": "a\n" });
  deepEqual(threadsFor(`${repo.dir}/.git`), ["core.preloadIndex=false"]);
  await using dir = await tempDir();
  deepEqual(threadsFor(dir.path), []);
  await Deno.writeFile(`${dir.path}/index`, new Uint8Array(SMALL_INDEX_BYTES + 1));
  deepEqual(threadsFor(dir.path), []);
  deepEqual(threadsFor("/nowhere"), []);
});
