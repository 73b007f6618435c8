/** The agents' memories on the disk: where each lies, what a crash leaves, what a person does, and the ways out. */
import {
  deepStrictEqual as deepEqual,
  match,
  ok,
  rejects,
  strictEqual as equal,
  throws,
} from "node:assert";
import { join } from "node:path";
import { MemoryFolder } from "../agents/memory/memory_folder.ts";
import { type MemoryCommand, memoryLimits } from "../agents/memory/notes.ts";
import type { MemoryScope } from "../agents/protocol.ts";
import { ToolError } from "../agents/tools/tool.ts";
import { changeMemory, memoryRef, readMemory } from "../server/services/memory.ts";
import { createRunHost } from "../server/services/run_host.ts";
import { startRun } from "../server/services/runs.ts";
import { listMemoryChanges, listRunMemoryChanges } from "../server/store/memory.ts";
import { getProject } from "../server/store/projects.ts";
import { getTicket } from "../server/store/tickets.ts";
import { type TestApp, testApp } from "./support.ts";

/** An App with a data folder and a project's folder beside it, both gone at the end. */
async function bench() {
  const dir = Deno.realPathSync(Deno.makeTempDirSync({ prefix: "gaffer-memory-" }));
  const app = testApp({ config: { dataDir: join(dir, "data") } });
  for (const name of ["data", "project", "outside"]) Deno.mkdirSync(join(dir, name));
  const ticket = await app.ticket();
  app.db.prepare("UPDATE projects SET path = :path WHERE id = :id").run({
    path: join(dir, "project"),
    id: ticket.projectId,
  });
  const run = app.tx((tx) =>
    startRun(app, tx, {
      ticket: getTicket(app.db, ticket.id),
      purpose: "develop",
      agent: "feature-dev",
    })
  );
  const { slug } = getProject(app.db, ticket.projectId);
  return {
    ...{ app, dir, run, ticket, slug },
    memory: (scope: MemoryScope) => createRunHost(() => app).memory(run.id, scope)!,
    text: (path: string) => Deno.readTextFileSync(join(dir, path)),
    [Symbol.dispose]() {
      app[Symbol.dispose]();
      Deno.removeSync(dir, { recursive: true });
    },
  };
}

const create = (path: string, file_text = "one\n"): MemoryCommand => ({
  command: "create",
  path,
  file_text,
});

/** As a run's tool does it. */
async function does(
  memory: ReturnType<Awaited<ReturnType<typeof bench>>["memory"]>,
  command: MemoryCommand,
  callId = "c1",
) {
  const intent = memory.plan(command);
  const diff = await memory.carryOut(callId, command, intent);
  return { intent, diff };
}

const events = (app: TestApp) => app.events.filter(({ type }) => type === "memory_changed");

Deno.test("each scope has its place, and none is another's", async () => {
  using b = await bench();
  equal(createRunHost(() => b.app).memory(b.run.id, "none"), null);
  await does(b.memory("global"), create("a.md", "global"), "c1");
  await does(b.memory("project"), create("a.md", "project"), "c2");
  await does(b.memory("session"), create("deep/a.md", "session"), "c3");
  equal(b.text("data/memory/feature-dev/a.md"), "global\n");
  equal(b.text("project/.gaffer/memory/feature-dev/a.md"), "project\n");
  equal(b.text(`data/projects/${b.slug}/memory/${b.ticket.id}/feature-dev/deep/a.md`), "session\n");
  deepEqual([...b.memory("global").read()], [["a.md", "global\n"]]);
  deepEqual(
    events(b.app).map(({ data }) => (data as { memory: string }).memory),
    ["global", b.run.projectId, b.ticket.id].map((of) => `feature-dev.${of}`),
  );
});

Deno.test("a change is on record with its diff, and done once whenever its run was killed", async () => {
  const commands: [MemoryCommand, string[]][] = [
    [create("new.md"), ["new.md", "old/a.md", "old/b.md"]],
    [{ command: "str_replace", path: "old/a.md", old_str: "a", new_str: "aa" }, [
      "old/a.md",
      "old/b.md",
    ]],
    [{ command: "insert", path: "old/a.md", insert_line: 0, insert_text: "x" }, [
      "old/a.md",
      "old/b.md",
    ]],
    [{ command: "delete", path: "old" }, []],
    [{ command: "rename", old_path: "old", new_path: "young" }, ["young/a.md", "young/b.md"]],
  ];
  for (const [command, names] of commands) {
    using b = await bench();
    const memory = b.memory("global");
    await does(memory, create("old/a.md", "a"), "c1");
    await does(memory, create("old/b.md", "b"), "c2");
    const told = events(b.app).length;
    // Killed before anything happened, then after all of it.
    const intent = memory.plan(command);
    const diff = await memory.carryOut("c3", command, intent);
    const once = [...memory.read()];
    equal(await memory.carryOut("c3", command, intent), diff);
    deepEqual([...memory.read()], once, `${command.command} twice`);
    deepEqual([...memory.read().keys()], names);
    equal(events(b.app).length, told + 1);
    ok(listRunMemoryChanges(b.app.db, b.run.id).some((change) => change.diff !== ""));
    match(diff, /^[-+]/m);
  }
});

Deno.test("a folder that was half moved or half deleted is finished by the call's next life", async () => {
  for (
    const command of [
      { command: "delete", path: "old" },
      { command: "rename", old_path: "old", new_path: "young" },
    ] as MemoryCommand[]
  ) {
    using b = await bench();
    const memory = b.memory("global");
    await does(memory, create("old/a.md", "a"), "c1");
    await does(memory, create("old/b.md", "b"), "c2");
    const intent = memory.plan(command);
    const folder = new MemoryFolder(join(b.dir, "data"), ["memory", "feature-dev"]);
    folder.apply([
      command.command === "delete"
        ? { type: "remove", path: "old/a.md" }
        : { type: "move", from: "old/a.md", to: "young/a.md" },
    ]);
    await memory.carryOut("c3", command, intent);
    deepEqual(
      [...memory.read().keys()],
      command.command === "delete" ? [] : ["young/a.md", "young/b.md"],
    );
    throws(() => Deno.statSync(join(b.dir, "data/memory/feature-dev/old")), Deno.errors.NotFound);
  }
});

Deno.test("a note that someone else changed in between is not changed again", async () => {
  using b = await bench();
  const memory = b.memory("project");
  await does(memory, create("a.md", "one\n"), "c1");
  const command: MemoryCommand = {
    command: "insert",
    path: "a.md",
    insert_line: 0,
    insert_text: "x",
  };
  const intent = memory.plan(command);
  Deno.writeTextFileSync(join(b.dir, "project/.gaffer/memory/feature-dev/a.md"), "a person's\n");
  await rejects(
    memory.carryOut("c2", command, intent),
    (error) =>
      error instanceof ToolError &&
      /changed by someone else meanwhile\. View it/.test(error.message),
  );
  equal(b.text("project/.gaffer/memory/feature-dev/a.md"), "a person's\n");
  equal(listRunMemoryChanges(b.app.db, b.run.id).length, 1);
});

Deno.test("two runs that change one memory in the same moment lose nothing of each other's", async () => {
  using b = await bench();
  const memory = b.memory("global");
  const paths = Array.from({ length: 10 }, (_, i) => `n${i}.md`);
  await Promise.all(paths.map((path, i) => does(memory, create(path), `c${i}`)));
  deepEqual([...memory.read().keys()], paths);
});

// ---------------------------------------------------------------- people

Deno.test("a person changes notes as they saw them, and is told where they are otherwise by now", async () => {
  using b = await bench();
  const ref = memoryRef(b.app, "reviewer.global");
  await changeMemory(b.app, ref, [{ path: "a.md", text: "one\n", seen: null }]);
  await changeMemory(b.app, ref, [{ path: "a.md", text: "two\n", seen: "one\n" }]);
  await rejects(
    changeMemory(b.app, ref, [{ path: "a.md", text: "three\n", seen: "one\n" }]),
    { code: "conflict", message: /Cannot save a\.md: it was changed after you opened it/ },
  );
  await changeMemory(b.app, ref, [{ path: "a.md", text: null, seen: "two\n" }]);
  await rejects(
    changeMemory(b.app, ref, [{ path: "a.md", text: "x", seen: "two\n" }]),
    { code: "conflict", message: /it was deleted after you opened it/ },
  );
  await rejects(
    changeMemory(b.app, ref, [{ path: "../a.md", text: "x" }]),
    { code: "invalid" },
  );
  await rejects(
    changeMemory(b.app, ref, [{ path: "a.md", text: "x".repeat(memoryLimits.noteBytes + 1) }]),
    { code: "invalid" },
  );
  deepEqual(
    listMemoryChanges(b.app.db, ref.id, 10).map(({ by, path, runId }) => [by, path, runId]),
    Array(3).fill(["owner", "a.md", null]),
  );
});

Deno.test("memoryRef() takes no id that is not of a memory", async () => {
  using b = await bench();
  const { app } = b;
  const bad = [
    "reviewer",
    "reviewer.",
    "../x.global",
    "Reviewer.global",
    "reviewer.global/..",
    "reviewer.project_zzz",
    "reviewer.ticket_zzz",
    "reviewer.run_abc",
    `reviewer.${b.run.id}`,
    `${"a".repeat(50)}.global`,
  ];
  for (const id of bad) throws(() => memoryRef(app, id), { code: "not_found" }, id);
});

// ---------------------------------------------------------------- ways out

Deno.test("a link on the way to a project's memory is not followed, wherever it stands", async () => {
  const places = [".gaffer", ".gaffer/memory", ".gaffer/memory/feature-dev"];
  for (const place of places) {
    for (const kind of ["folder", "nothing", "file"]) {
      using b = await bench();
      const project = join(b.dir, "project");
      Deno.mkdirSync(join(project, place, ".."), { recursive: true });
      const target = join(b.dir, "outside", kind);
      if (kind === "folder") Deno.mkdirSync(target);
      if (kind === "file") Deno.writeTextFileSync(target, "x");
      Deno.symlinkSync(target, join(project, place));
      const memory = b.memory("project");
      throws(() => memory.read(), { code: "conflict", message: /is a symbolic link\. Remove it/ });
      throws(() => memory.plan(create("a.md")), { code: "conflict" });
      const left = [...Deno.readDirSync(join(b.dir, "outside"))].map(({ name }) => name);
      deepEqual(left, kind === "nothing" ? [] : [kind]);
    }
  }
});

Deno.test("links and hard links inside a memory are neither read nor written", async () => {
  using b = await bench();
  const secret = join(b.dir, "outside", "secret.md");
  Deno.writeTextFileSync(secret, "the secret\n");
  const memory = b.memory("global");
  await does(memory, create("real.md"), "c1");
  const folder = join(b.dir, "data/memory/feature-dev");
  Deno.symlinkSync(secret, join(folder, "link.md"));
  Deno.linkSync(secret, join(folder, "hard.md"));
  Deno.symlinkSync(join(b.dir, "outside"), join(folder, "out"));
  Deno.mkdirSync(join(b.dir, "data/memory/reviewer"));
  Deno.writeTextFileSync(join(b.dir, "data/memory/reviewer/a.md"), "another agent's\n");
  Deno.symlinkSync(join(b.dir, "data/memory/reviewer"), join(folder, "other"));
  deepEqual([...memory.read().keys()], ["real.md"]);
  for (const path of ["link.md", "hard.md"]) {
    await rejects(does(memory, create(path, "overwritten"), path), ToolError, path);
  }
  for (const path of ["out/new.md", "other/a.md"]) {
    await rejects(does(memory, create(path, "overwritten"), path), { code: "conflict" }, path);
  }
  equal(Deno.readTextFileSync(secret), "the secret\n");
  equal(b.text("data/memory/reviewer/a.md"), "another agent's\n");
  deepEqual([...Deno.readDirSync(join(b.dir, "outside"))].map(({ name }) => name), ["secret.md"]);
});

Deno.test("what else a person puts into a memory is left alone, and huge files are not read", async () => {
  using b = await bench();
  const folder = join(b.dir, "data/memory/feature-dev");
  Deno.mkdirSync(join(folder, "a/b/c"), { recursive: true });
  for (const name of ["notes.txt", ".hidden.md", "a b.md", "a/b/c/deep.md"]) {
    Deno.writeTextFileSync(join(folder, name), "x");
  }
  Deno.writeTextFileSync(join(folder, "huge.md"), "x".repeat(memoryLimits.totalBytes + 1));
  await rejects(does(b.memory("global"), create("huge.md"), "c0"), /far too large/);
  const fifo = await new Deno.Command("mkfifo", { args: [join(folder, "pipe.md")] }).output();
  ok(fifo.success);
  for (let i = 0; i < 100; i++) Deno.writeTextFileSync(join(folder, `n${i}.md`), "x");
  const notes = readMemory(b.app, memoryRef(b.app, "feature-dev.global"));
  equal(notes.size, memoryLimits.notes);
  ok([...notes.keys()].every((path) => /^n\d+\.md$/.test(path)));
  await rejects(does(b.memory("global"), create("more.md")), /there are 40/);
});
