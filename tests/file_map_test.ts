import { deepStrictEqual as deepEqual } from "node:assert";
import { fileMap } from "../agents/prompts/file_map.ts";

Deno.test("fileMap() lists the paths in order as long as they fit", () => {
  deepEqual(fileMap(["b", "a/c", "a/b"], 3), ["a/b", "a/c", "b"]);
  deepEqual(fileMap([], 3), []);
});

Deno.test("fileMap() folds the deepest folders first, so that every part still appears", () => {
  const paths = ["a/x/1", "a/x/2", "a/x/3", "a/y/1", "b/2", "README.md"];
  deepEqual(fileMap(paths, 5), [
    "README.md",
    "a/x/ (3 files)",
    "a/y/ (1 file)",
    "b/2",
    "[cut: 6 files; a folder with a number stands for that many, Glob lists them]",
  ]);
  deepEqual(fileMap(paths, 3).slice(0, -1), ["README.md", "a/ (4 files)", "b/ (1 file)"]);
});

Deno.test("fileMap() cuts even the top level of a folder with too many names", () => {
  deepEqual(fileMap(["a", "b", "c", "d/e"], 2), [
    "a",
    "b",
    "[cut: the first 2 of 4 top-level names shown]",
  ]);
});
