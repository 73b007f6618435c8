/** The hands as the server uses them: what they do, how their commands are confined, and how they end. */
import {
  deepStrictEqual as deepEqual,
  match,
  ok,
  rejects,
  strictEqual as equal,
} from "node:assert";
import type { HandsSeams } from "../agents/hands_client.ts";
import type { Launch } from "../agents/hands_launch.ts";
import type { CommandSpec } from "../agents/protocol.ts";
import {
  confinements,
  noSignal,
  processesWith,
  testConfined,
  testHands,
  TestPlace,
} from "./place_support.ts";

const allowed = { signal: noSignal, unconfinedAllowed: true };
const spec = (command: string, changes: Partial<CommandSpec> = {}): CommandSpec => ({
  command,
  cwd: "",
  timeoutMs: 30_000,
  env: {},
  ...changes,
});

/** Takes seconds for each further `a`: in effect for ever. */
const runaway = { pattern: "^(a+)+$", path: "trap.txt" };
const trap = { "trap.txt": `${"a".repeat(60)}b\n`, "a.txt": "one\n" };

/** Waits until it holds: for what happens in other processes and tells nobody. */
async function until(holds: () => boolean): Promise<void> {
  const deadline = performance.now() + 60_000;
  while (!holds()) {
    if (performance.now() > deadline) throw new Error(`still not so after a minute: ${holds}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

/** Remembers how hands were started. */
function recorded(): { seams: HandsSeams; launches: Launch[] } {
  const launches: Launch[] = [];
  const launch = (launch: Launch) => {
    launches.push(launch);
    return launch;
  };
  return { seams: { launch }, launches };
}

// ---------------------------------------------------------------- doing

testConfined("the tools work in one folder and keep to it", async ({ sandbox, kind }) => {
  await using place = new TestPlace({ "src/a.txt": "one\n" });
  await using hands = testHands(sandbox);
  equal((await hands.confinement()).kind, kind);
  const use = (name: string, input: Record<string, unknown>) => hands.use(place.place, name, input);
  equal((await use("Read", { file_path: "src/a.txt" })).content, "1\tone");
  const edit = { file_path: "src/a.txt", old_string: "one", new_string: "two" };
  const edited = await use("Edit", edit);
  deepEqual([edited.isError, edited.changed], [false, ["src/a.txt"]]);
  match(edited.diff!, /-one\n\+two/);
  await use("Write", { file_path: "b/c.txt", content: "three\n" });
  match((await use("Glob", { pattern: "**/*.txt" })).content, /b\/c\.txt\n.*src\/a\.txt/);
  match((await use("Grep", { pattern: "t[wh]", glob: "*.txt" })).content, /c\.txt\n.*a\.txt/);
  equal((await use("Bash", { command: "cd b && cat c.txt ../src/a.txt" })).content, "three\ntwo");
  equal((await use("Bash", { command: "pwd" })).content, `${place.dir}/b`);
  deepEqual([place.text("src/a.txt"), place.text("b/c.txt")], ["two\n", "three\n"]);
});

testConfined("calls of one folder run side by side in one process", async ({ sandbox }) => {
  await using place = new TestPlace({ "a.txt": "one\n", "b.txt": "two\n" });
  const { seams, launches } = recorded();
  await using hands = testHands(sandbox, seams);
  const files = ["a.txt", "b.txt", "a.txt", "b.txt", "a.txt"];
  const results = await Promise.all(
    files.map((file_path) => hands.use(place.place, "Read", { file_path })),
  );
  deepEqual(results.map((r) => r.content), files.map((f) => f === "a.txt" ? "1\tone" : "1\ttwo"));
  equal(launches.length, 1);
});

testConfined("with read access nothing can be changed", async ({ sandbox, kind }) => {
  await using place = new TestPlace({ "a.txt": "one\n" });
  await using hands = testHands(sandbox);
  const readOnly = { ...place.place, access: "read" as const };
  equal((await hands.use(readOnly, "Read", { file_path: "a.txt" })).content, "1\tone");
  const edit = { file_path: "a.txt", old_string: "one", new_string: "two" };
  const write = { file_path: "b.txt", content: "two" };
  for (const [name, input] of [["Edit", edit], ["Write", write]] as const) {
    const { isError, content } = await hands.use(readOnly, name, input);
    ok(isError);
    match(content, /may only read the project\. Trying it again will not help/);
  }
  if (kind === "bubblewrap") {
    const { content } = await hands.use(readOnly, "Bash", { command: "echo x > a.txt" });
    match(content, /Read-only file system/);
  }
  equal(place.text("a.txt"), "one\n");
  ok(!place.exists("b.txt"));
});

Deno.test("a bad call is answered without starting anything", async () => {
  await using place = new TestPlace();
  const { seams, launches } = recorded();
  await using hands = testHands("off", seams);
  const unknown = await hands.use(place.place, "Fly", {});
  deepEqual([unknown.isError, unknown.content], [true, "No such tool available: Fly"]);
  const wrong = await hands.use(place.place, "Read", { path: "a" });
  match(wrong.content, /^Invalid input for Read:\n- file_path: /);
  equal(launches.length, 0);
});

testConfined("a folder that is not there is named", async ({ sandbox }) => {
  await using place = new TestPlace();
  await using hands = testHands(sandbox);
  const gone = { ...place.place, dir: `${place.dir}/gone` };
  const { isError, content } = await hands.use(gone, "Read", { file_path: "a" });
  ok(isError);
  match(content, /^Cannot work in .*\/gone: there is no such folder/);
  await rejects(hands.command(gone, spec("true"), allowed), { code: "conflict" });
});

testConfined("an agent's own paths hold", async ({ sandbox }) => {
  await using place = new TestPlace({ "docs/a.md": "", "src/b.ts": "", "docs/private/c.md": "" });
  await using hands = testHands(sandbox);
  const policy = { allow: ["docs/**"], block: ["private"] };
  const use = async (name: string, input: Record<string, unknown>) =>
    (await hands.use(place.place, name, input, { policy })).content;
  match(await use("Read", { file_path: "docs/a.md" }), /is empty/);
  match(await use("Read", { file_path: "src/b.ts" }), /this agent is limited to docs\/\*\*/);
  match(await use("Write", { file_path: "new.md", content: "" }), /this agent is limited to/);
  match(await use("Read", { file_path: "docs/private/c.md" }), /this agent's settings block it/);
  equal(await use("Glob", { pattern: "**" }), `${place.dir}/docs/a.md`);
  // The same hands serve whoever works in the place next, also in the same breath.
  const others = { allow: ["src/**"], block: [] };
  const [own, other] = await Promise.all([
    use("Read", { file_path: "src/b.ts" }),
    hands.use(place.place, "Read", { file_path: "src/b.ts" }, { policy: others }),
  ]);
  match(own, /this agent is limited to docs\/\*\*/);
  match(other.content, /is empty/);
  match(await use("Read", { file_path: "docs/a.md" }), /is empty/);
});

// ---------------------------------------------------------------- commands

testConfined("a project's command streams, and ends with all that is known", async (c) => {
  await using place = new TestPlace({ "sub/a": "" });
  await using hands = testHands(c.sandbox);
  let streamed = "";
  const result = await hands.command(
    place.place,
    spec('echo "$GREETING"; echo err >&2; pwd; exit 4', { cwd: "sub", env: { GREETING: "hi" } }),
    { ...allowed, onOutput: (text) => streamed += text },
  );
  const output = `hi\nerr\n${place.dir}/sub\n`;
  deepEqual(
    [result.exitCode, result.timedOut, result.output, result.outputBytes, result.cwd],
    [4, false, output, output.length, "sub"],
  );
  equal(streamed, output);
  equal(result.unconfined, c.kind === "process");
});

Deno.test("without a sandbox a command that nobody allowed is not run", async () => {
  await using place = new TestPlace();
  await using hands = testHands("off");
  const options = { signal: noSignal, unconfinedAllowed: false };
  await rejects(hands.command(place.place, spec("touch ran"), options), {
    code: "conflict",
    failure: "commands_not_allowed",
    message: /nobody has allowed it without. Allow it in the project's settings, or install/,
  });
  ok(!place.exists("ran"));
});

Deno.test("without a sandbox Bash is not run unless a person has granted the call", async () => {
  await using place = new TestPlace({ "a.txt": "one\n" });
  const { seams, launches } = recorded();
  await using hands = testHands("off", seams);
  const bash = (unconfinedAllowed: boolean) =>
    hands.use(place.place, "Bash", { command: "touch ran" }, { unconfinedAllowed });
  const refused = await bash(false);
  ok(refused.isError);
  match(refused.content, /there is no sandbox here, and nobody has allowed this command without/);
  deepEqual([launches.length, place.exists("ran")], [0, false]);
  const read = { file_path: "a.txt" };
  const answer = await hands.use(place.place, "Read", read, { unconfinedAllowed: false });
  equal(answer.content, "1\tone", "what runs no command needs no grant");
  ok(!(await bash(true)).isError);
  ok(place.exists("ran"));
});

const [{ ignore }] = confinements;
Deno.test("in a sandbox Bash needs nobody's grant", { ignore }, async () => {
  await using place = new TestPlace();
  await using hands = testHands("auto");
  const answer = await hands.use(place.place, "Bash", { command: "echo hi" }, {
    unconfinedAllowed: false,
  });
  equal(answer.content, "hi");
});

testConfined("commands see a scrubbed environment", async ({ sandbox, kind }) => {
  Deno.env.set("GAFFER_TEST_HANDS_SECRET", "do not tell");
  try {
    await using place = new TestPlace();
    await using hands = testHands(sandbox);
    const { output } = await hands.command(
      place.place,
      spec("env; echo HOME is $HOME; ls -A $HOME"),
      allowed,
    );
    ok(!output.includes("do not tell"), output);
    for (
      const wanted of ["TERM=dumb", "CI=true", "NO_COLOR=1", "GIT_CONFIG_NOSYSTEM=1", "PATH=/"]
    ) {
      ok(output.includes(wanted), `${wanted} in ${output}`);
    }
    ok(!output.includes(`HOME=${Deno.env.get("HOME")}\n`), "home is a private folder");
    if (kind === "bubblewrap") match(output, /HOME is \/tmp\/home\n$/);
  } finally {
    Deno.env.delete("GAFFER_TEST_HANDS_SECRET");
  }
});

Deno.test("without a sandbox the private folder goes with the hands", async () => {
  await using place = new TestPlace();
  await using hands = testHands("off");
  const { output } = await hands.command(
    place.place,
    spec('touch "$TMPDIR/x"; echo "$TMPDIR"'),
    allowed,
  );
  ok(place.exists(`${output.trim()}/x`));
  await hands.release(place.dir);
  ok(!place.exists(output.trim()));
});

testConfined("what a command leaves running ends with it", async ({ sandbox, kind }) => {
  await using place = new TestPlace();
  await using hands = testHands(sandbox);
  const token = crypto.randomUUID();
  const daemon = (how: string) => `${how} sh -c 'echo up; while :; do sleep 1; done' ${token}`;
  const leave = `${daemon("")} & ${daemon("setsid")} &`;
  const forget = kind === "bubblewrap" ? `${daemon("env -i setsid")} &` : "";
  // Each has said that it runs before the command goes on to its end, its time limit or its cancel.
  const started = `( ${leave} ${forget} ) > log; while [ $(grep -c up log) -lt ${
    forget ? 3 : 2
  } ]; do :; done; echo ready;`;
  const run = (end: string, timeoutMs: number, options: Partial<typeof allowed> & {
    onOutput?: (text: string) => void;
  } = {}) =>
    hands.command(place.place, spec(started + end, { timeoutMs }), { ...allowed, ...options });

  equal((await run("", 30_000)).exitCode, 0);
  equal(processesWith(token), 0);

  // Soon as a rule; on a busy machine the limit may come before they are up, and then it is tried with a longer one.
  let output = "";
  for (let limitMs = 500; output === "" && limitMs <= 32_000; limitMs *= 2) {
    const late = await run("sleep 60", limitMs);
    deepEqual([late.exitCode, late.timedOut], [null, true]);
    equal(processesWith(token), 0);
    output = late.output;
  }
  equal(output, "ready\n");

  const stop = new AbortController();
  const cancelled = run("sleep 60", 30_000, { signal: stop.signal, onOutput: () => stop.abort() });
  await rejects(cancelled, { code: "conflict", message: /it was cancelled/ });
  await until(() => processesWith(token) === 0);
});

testConfined(
  "commands have limits, and go first when memory runs out",
  async ({ sandbox, kind }) => {
    if (Deno.build.os !== "linux") return;
    await using place = new TestPlace();
    await using hands = testHands(sandbox);
    const script = "cat /proc/self/oom_score_adj; ulimit -c; ulimit -t; ulimit -n; ulimit -f; " +
      "ulimit -u 2>/dev/null || ulimit -p";
    const { output } = await hands.command(place.place, spec(script), allowed);
    const [oom, core, cpu, files, blocks, processes] = output.trim().split("\n");
    deepEqual([oom, core, cpu], ["500", "0", "3600"]);
    ok(Number(files) <= 8_192);
    equal(blocks, "16777216", "8 GB, in half kilobytes");
    if (kind === "bubblewrap") ok(Number(processes) <= 4_096);
  },
);

testConfined("a flood of output is capped on its way", async ({ sandbox }) => {
  await using place = new TestPlace();
  await using hands = testHands(sandbox);
  let streamed = 0;
  const command = spec("echo first; yes | head -c 20000000; echo last");
  const result = await hands.command(place.place, command, {
    ...allowed,
    onOutput: (text) => streamed += text.length,
  });
  equal(result.outputBytes, 20_000_011);
  ok(result.output.length < 270_000, `${result.output.length}`);
  match(result.output, /^first\ny\n[^]*\[\d+ bytes left out\][^]*y\nlast\n$/);
  ok(streamed <= 8 * 1024 * 1024 + 100, `${streamed}`);
});

testConfined("control characters do not make a line too long", async ({ sandbox }) => {
  await using place = new TestPlace();
  await using hands = testHands(sandbox);
  const result = await hands.command(
    place.place,
    spec("head -c 3000000 /dev/zero | tr '\\0' '\\1'"),
    allowed,
  );
  equal(result.outputBytes, 3_000_000);
});

// ---------------------------------------------------------------- ends

testConfined("a runaway pattern ends alone", async ({ sandbox }) => {
  await using place = new TestPlace(trap);
  await using hands = testHands(sandbox, { fileToolWallMs: 3_000 });
  await hands.use(place.place, "Read", { file_path: "a.txt" });
  const [stuck, fine] = await Promise.all([
    hands.use(place.place, "Grep", runaway),
    hands.use(place.place, "Read", { file_path: "a.txt" }),
  ]);
  ok(stuck.isError);
  match(stuck.content, /^Grep did not finish: it did not answer within 3 s/);
  equal(fine.content, "1\tone");
});

testConfined("a cancel ends even what does not listen, within a second", async ({ sandbox }) => {
  await using place = new TestPlace(trap);
  await using hands = testHands(sandbox);
  await hands.use(place.place, "Read", { file_path: "a.txt" });
  const stop = new AbortController();
  const stuck = hands.use(place.place, "Grep", runaway, { signal: stop.signal });
  const other = hands.use(place.place, "Read", { file_path: "a.txt" });
  const cancelledAt = performance.now();
  stop.abort();
  const { isError, content } = await stuck;
  const tookMs = performance.now() - cancelledAt;
  deepEqual([isError, content], [true, "Grep was interrupted: the call was cancelled"]);
  ok(tookMs < 3_000, `${tookMs} ms; a busy machine may take longer than the second`);
  equal((await other).content, "1\tone", "another's call is made again");
});

testConfined("a cancelled Bash call tells so, and the hands go on", async ({ sandbox }) => {
  await using place = new TestPlace();
  const { seams, launches } = recorded();
  await using hands = testHands(sandbox, seams);
  const stop = new AbortController();
  const call = hands.use(place.place, "Bash", { command: "touch begun; sleep 60" }, {
    signal: stop.signal,
  });
  await until(() => place.exists("begun"));
  stop.abort();
  equal((await call).content, "Bash was interrupted: the call was cancelled");
  equal((await hands.use(place.place, "Bash", { command: "echo on" })).content, "on");
  equal(launches.length, 1);
});

testConfined("hands that are killed in the middle are replaced", async ({ sandbox }) => {
  await using place = new TestPlace();
  await using hands = testHands(sandbox);
  const { isError, content } = await hands.use(place.place, "Bash", {
    command: "kill -KILL $PPID; sleep 60",
  });
  ok(isError);
  match(content, /^Bash did not finish: it ended by itself \((signal SIGKILL|exit code 137)\)/);
  await rejects(hands.command(place.place, spec("kill -KILL $PPID; sleep 60"), allowed), {
    code: "conflict",
    failure: "worker_lost",
    message: /its process was lost: it ended by itself/,
  });
  equal((await hands.use(place.place, "Bash", { command: "echo back" })).content, "back");
});

testConfined("release() leaves nothing of a folder running", async ({ sandbox }) => {
  await using place = new TestPlace();
  const { seams, launches } = recorded();
  await using hands = testHands(sandbox, seams);
  const token = crypto.randomUUID();
  const command = `setsid sh -c 'touch up; while :; do sleep 1; done' ${token} & sleep 60`;
  const lost = rejects(hands.command(place.place, spec(command), allowed), {
    message: /its folder was released|ended by itself|was cancelled/,
  });
  await hands.use(place.place, "Read", { file_path: "up" });
  await until(() => place.exists("up"));
  await hands.release(place.dir);
  equal(processesWith(token), 0);
  // Of their own processes the kernel may still be taking one down.
  for (const { marker } of launches) await until(() => processesWith(marker) === 0);
  await lost;
  match((await hands.use(place.place, "Read", { file_path: "up" })).content, /is empty/);
});

testConfined("hands that nobody uses are ended", async ({ sandbox }) => {
  await using place = new TestPlace({ "a.txt": "one\n" });
  const { seams, launches } = recorded();
  await using hands = testHands(sandbox, seams, { idleMs: 1 });
  await hands.use(place.place, "Read", { file_path: "a.txt" });
  await until(() => processesWith(launches[0]!.marker) === 0);
  equal((await hands.use(place.place, "Read", { file_path: "a.txt" })).content, "1\tone");
  equal(launches.length, 2);
});

testConfined("after close() nothing is started any more", async ({ sandbox }) => {
  await using place = new TestPlace({ "a.txt": "one\n" });
  await using hands = testHands(sandbox);
  await hands.use(place.place, "Read", { file_path: "a.txt" });
  await hands.close();
  match(
    (await hands.use(place.place, "Read", { file_path: "a.txt" })).content,
    /Cannot use tools: the server is stopping/,
  );
});

Deno.test("the end of the server is the end of unconfined commands and their folder", async () => {
  await using place = new TestPlace();
  const token = crypto.randomUUID();
  const script = `
    import { testHands } from "${import.meta.resolve("./place_support.ts")}";
    const hands = testHands("off");
    const place = { dir: "${place.dir}", access: "write", gitDir: null };
    const command = "setsid sh -c 'echo $TMPDIR > up; while :; do sleep 1; done' ${token} & sleep 60";
    await hands.command(place, { command, cwd: "", timeoutMs: 60_000, env: {} }, {
      signal: new AbortController().signal, unconfinedAllowed: true,
    });`;
  await Deno.writeTextFile(`${place.outside}/server.ts`, script);
  const config = new URL("../deno.json", import.meta.url).pathname;
  const server = new Deno.Command(Deno.execPath(), {
    args: [
      "run",
      "-A",
      "--no-prompt",
      "--no-lock",
      `--config=${config}`,
      `${place.outside}/server.ts`,
    ],
    stdout: "null",
    stderr: "null",
  }).spawn();
  await until(() => place.exists("up") && place.text("up").endsWith("\n"));
  server.kill("SIGKILL");
  await server.status;
  const folder = place.text("up").trim();
  match(folder, /gaffer-[^/]+\/hands-/);
  await until(() => processesWith(token) === 0 && !place.exists(folder));
});

// ---------------------------------------------------------------- hands that misbehave

/** Hands replaced by a shell script. */
const fake = (script: string): HandsSeams => ({
  launch: (launch) => ({ ...launch, program: "/bin/sh", args: ["-c", script] }),
});
const ready = `echo '{"type":"ready","pid":1}'; read -r request;`;

Deno.test("a line that is too long ends the hands, unparsed", async () => {
  await using place = new TestPlace();
  await using hands = testHands("off", fake(`${ready} head -c 3000000 /dev/zero; sleep 60`));
  const { isError, content } = await hands.use(place.place, "Write", {
    file_path: "a",
    content: "",
  });
  ok(isError);
  match(content, /^Write did not finish: a line had more than 2097152 bytes/);
});

Deno.test("what is not an answer ends the hands", async () => {
  await using place = new TestPlace();
  const lines = [
    "hello",
    '{"type":"tool_done","id":1}',
    '{"type":"tool_done","id":1,"cwd":"","result":{"content":5}}',
  ];
  for (const line of lines) {
    await using hands = testHands("off", fake(`${ready} echo '${line}'; sleep 60`));
    const { content } = await hands.use(place.place, "Write", { file_path: "a", content: "" });
    match(content, /^Write did not finish: it sent something that is not an answer/, line);
  }
});

Deno.test("hands can't call a result final, answer for another call or lead out by their folder", async () => {
  await using place = new TestPlace();
  const result = '{"callId":"other","content":"x","isError":false,"durationMs":1,"final":true}';
  const answer = `{"type":"tool_done","id":1,"cwd":"../..","result":${result}}`;
  const other = `{"type":"tool_done","id":7,"cwd":"","result":${result}}`;
  await using hands = testHands(
    "off",
    fake(`${ready} echo '${other}'; echo '${answer}'; sleep 60`),
  );
  const call = { id: "mine", name: "Read", input: { file_path: "a" } };
  const request = {
    ...{ call, policy: { allow: [], block: [] }, known: {}, cwd: "" },
    unconfinedAllowed: false,
  };
  const done = await hands.tool(place.place, request, noSignal);
  deepEqual(done, {
    result: { callId: "mine", content: "x", isError: false, durationMs: 1 },
    cwd: "",
  });
});

Deno.test("hands that can't start say why", async () => {
  await using place = new TestPlace();
  await using hands = testHands("off", fake("echo 'no such device' >&2; exit 9"));
  const { content } = await hands.use(place.place, "Read", { file_path: "a" });
  match(content, /^Read did not finish: it ended by itself \(exit code 9\): no such device/);
});

Deno.test("of many hands that are to start at once, those that can't keep nobody waiting", async () => {
  const places = Array.from({ length: 6 }, () => new TestPlace({ "a.txt": "one\n" }));
  // They end at once; more than may start at a time on most machines.
  const doomed = places.slice(0, 3).map(({ dir }) => dir);
  const launch = (launch: Launch): Launch =>
    doomed.some((dir) => launch.args.at(-1)!.includes(dir))
      ? { ...launch, program: "/bin/false", args: [] }
      : launch;
  await using hands = testHands("off", { launch });
  const results = await Promise.allSettled(
    places.map(({ place }) => hands.use(place, "Read", { file_path: "a.txt" })),
  );
  const could = results.map((r) => r.status === "fulfilled" && r.value.content === "1\tone");
  deepEqual(could, [false, false, false, true, true, true]);
  for (const place of places) await place[Symbol.asyncDispose]();
});
