/** What the memory tool does to notes, and what it refuses with how to go on. */
import { deepStrictEqual as deepEqual, match, ok, strictEqual as equal, throws } from "node:assert";
import {
  after,
  changeOf,
  type MemoryCommand,
  memoryLimits,
  type Notes,
  restOf,
  stateOf,
  viewOf,
} from "../agents/memory/notes.ts";
import { ToolError } from "../agents/tools/tool.ts";

const notes: Notes = new Map([
  ["checks.md", "# Checks\n\nrun test first\n"],
  ["traps/dates.md", "one\ntwo\nthree\n"],
  ["traps/names.md", "x\n"],
]);

const does = (command: MemoryCommand, before = notes) => {
  const { steps, content } = changeOf(before, command);
  return { notes: after(before, steps), content };
};
const refused = (command: MemoryCommand, says: RegExp, before = notes) =>
  throws(
    () => command.command === "view" ? viewOf(before, command) : changeOf(before, command),
    (error) => error instanceof ToolError && says.test(error.message),
    JSON.stringify(command),
  );

Deno.test("view lists folders with sizes, and shows a note's lines or some of them", () => {
  equal(
    viewOf(notes, { command: "view" }),
    "Here are the files in /memories, with their size in bytes:\n" +
      "25\t/memories/checks.md\n14\t/memories/traps/dates.md\n2\t/memories/traps/names.md",
  );
  equal(viewOf(notes, { command: "view", path: "/memories/traps/" }).split("\n").length, 3);
  const dates = (view_range?: number[]) =>
    viewOf(notes, { command: "view", path: "traps/dates.md", view_range }).split("\n").slice(1);
  deepEqual(dates(), ["     1\tone", "     2\ttwo", "     3\tthree"]);
  deepEqual(dates([2, 2]), ["     2\ttwo"]);
  deepEqual(dates([2, -1]), ["     2\ttwo", "     3\tthree"]);
  equal(viewOf(new Map(), { command: "view", path: "/memories" }), "/memories is empty.");
  refused({ command: "view", path: "none.md" }, /there is no such file\. View \/memories/);
  refused({ command: "view", path: "traps/dates.md", view_range: [9, 10] }, /only 3 lines/);
});

Deno.test("create makes a note, and does not overwrite one", () => {
  const made = does({ command: "create", path: "/memories/a/b.md", file_text: "no newline" });
  equal(made.notes.get("a/b.md"), "no newline\n");
  match(made.content, /^File created successfully at: \/memories\/a\/b\.md$/);
  refused({ command: "create", path: "checks.md", file_text: "x" }, /it is there already\. Use/);
  refused({ command: "create", path: "new.md" }, /it needs file_text/);
  refused({ command: "create", path: "checks.md/x.md", file_text: "x" }, /is a file, not a folder/);
  refused({ command: "create", path: "Checks.md", file_text: "x" }, /only in case/);
});

Deno.test("str_replace changes the one place that matches, insert puts lines between", () => {
  const replaced = does({
    command: "str_replace",
    path: "checks.md",
    old_str: "test",
    new_str: "$& $1 build",
  });
  equal(replaced.notes.get("checks.md"), "# Checks\n\nrun $& $1 build first\n");
  equal(
    does({ command: "str_replace", path: "checks.md", old_str: "\nrun test first\n" }).notes
      .get("checks.md"),
    "# Checks\n",
  );
  refused({ command: "str_replace", path: "checks.md", old_str: "zz" }, /not in it\. View it/);
  refused({ command: "str_replace", path: "traps/dates.md", old_str: "o" }, /occurs 2 times/);
  refused({ command: "str_replace", path: "checks.md", old_str: "" }, /old_str is empty/);
  const insert = (insert_line: number) =>
    does({ command: "insert", path: "traps/names.md", insert_line, insert_text: "new\n" }).notes
      .get("traps/names.md");
  equal(insert(0), "new\nx\n");
  equal(insert(1), "x\nnew\n");
  refused(
    { command: "insert", path: "traps/names.md", insert_line: 2, insert_text: "x" },
    /insert_line is 2, and it has 1 lines/,
  );
});

Deno.test("delete and rename take a note or a whole folder", () => {
  deepEqual([...does({ command: "delete", path: "traps" }).notes.keys()], ["checks.md"]);
  equal(does({ command: "delete", path: "/memories/traps/names.md" }).notes.size, 2);
  deepEqual(
    [...does({ command: "rename", old_path: "traps", new_path: "old" }).notes.keys()].toSorted(),
    ["checks.md", "old/dates.md", "old/names.md"],
  );
  refused({ command: "delete", path: "/memories" }, /name a file or folder in it/);
  refused({ command: "delete", path: "none" }, /there is no such file/);
  refused({ command: "rename", old_path: "traps", new_path: "traps/in" }, /inside it/);
  refused(
    { command: "rename", old_path: "traps/dates.md", new_path: "checks.md" },
    /checks\.md is there already/,
  );
  refused({ command: "rename", old_path: "checks.md", new_path: "checks.txt" }, /ends in \.md/);
});

Deno.test("no path leads out of the memory, or to anything but a note", () => {
  const paths = [
    "../other-agent/notes.md",
    "/memories/../x.md",
    "/memories/a/../../x.md",
    "/etc/passwd",
    "/memoriesx/a.md",
    "a//b.md",
    "./a.md",
    ".hidden.md",
    "a/.git/x.md",
    "a\0.md",
    "a\n.md",
    "a b.md",
    "..%2fx.md",
    "a\\b.md",
    "C:/x.md",
    "a/b/c/d.md",
    `${"x".repeat(200)}.md`,
    "run.sh",
    "notes.md.exe",
    "аlpha.md",
  ];
  for (const path of paths) {
    refused({ command: "create", path, file_text: "x" }, /^Cannot (use the path|view)/);
    refused({ command: "rename", old_path: "checks.md", new_path: path }, /^Cannot use the path/);
  }
});

Deno.test("a memory has limits, and what is too large already may shrink", () => {
  const { noteBytes, notes: most, totalBytes } = memoryLimits;
  const create = (path: string, size: number): MemoryCommand => ({
    command: "create",
    path,
    file_text: "é".repeat(size / 2),
  });
  refused(
    create("big.md", noteBytes + 2),
    /a note has at most 16384\. Keep what a later run needs/,
  );
  const many = new Map(Array.from({ length: most }, (_, i) => [`n${i}.md`, "x\n"]));
  refused(create("more.md", 2), /there are 40, which is the most\. Join or delete some/, many);
  const full = new Map(
    Array.from({ length: totalBytes / noteBytes }, (_, i) => [`n${i}.md`, "x".repeat(noteBytes)]),
  );
  refused(create("more.md", 2), /holds at most 131072\. Delete what is out of date/, full);
  const over = new Map([...many, ["by-hand.md", "x".repeat(noteBytes * 9)]]);
  ok(does({ command: "delete", path: "n1.md" }, over));
  ok(does({ command: "str_replace", path: "n2.md", old_str: "x", new_str: "y" }, over));
});

Deno.test("stateOf() tells before from after, and hears nothing of other notes", () => {
  const commands: MemoryCommand[] = [
    { command: "create", path: "new.md", file_text: "x" },
    { command: "str_replace", path: "checks.md", old_str: "run", new_str: "do" },
    { command: "insert", path: "checks.md", insert_line: 0, insert_text: "x" },
    { command: "delete", path: "traps" },
    { command: "rename", old_path: "traps", new_path: "old" },
  ];
  for (const command of commands) {
    const next = does(command).notes;
    ok(stateOf(notes, command) !== stateOf(next, command), command.command);
    const with2 = (notes: Notes) => new Map([...notes, ["other.md", "changed meanwhile\n"]]);
    equal(stateOf(with2(next), command), stateOf(next, command));
    // A crash between the steps: the same command goes on from there.
    const { steps } = changeOf(notes, command);
    for (let done = 1; done < steps.length; done++) {
      const half = after(notes, steps.slice(0, done));
      deepEqual(
        after(half, restOf(half, command)!),
        next,
        `${command.command} after ${done} steps`,
      );
    }
  }
});
