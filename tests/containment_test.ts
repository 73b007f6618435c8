/**
 * What goes wrong inside of hands ends one tool call, with a reason that has a name, and nothing else: the
 * server answers and another run works on while it happens, and nothing of it is left afterwards.
 */
import { deepStrictEqual as deepEqual, match, ok, strictEqual as equal } from "node:assert";
import { Census, exactMemoryBytes } from "../agents/census.ts";
import type { HandsSeams } from "../agents/hands_client.ts";
import type { Launch } from "../agents/hands_launch.ts";
import { handsLimits } from "../agents/hands_limits.ts";
import type { CommandSpec } from "../agents/protocol.ts";
import { baseArgs } from "../agents/sandbox.ts";
import { contained } from "./containment_support.ts";
import { noSignal, root, testConfined, testHands, TestPlace } from "./place_support.ts";

const MB = 1_000_000;
/** For what only a limit ends: nothing waits so long. */
const FOR_EVER_MS = 600_000;
/** For what is to run into it, beside a neighbour who is to get something done meanwhile. */
const SOON_MS = 1_000;

const spec = (command: string, timeoutMs: number): CommandSpec => ({
  ...{ command, timeoutMs },
  ...{ cwd: "", env: {} },
});

// ---------------------------------------------------------------- time

testConfined("commands that compute without end are ended by their time limit", async (c) => {
  await contained(c, { lasts: true }, async ({ bash }) => {
    const loop = "(while :; do :; done) &";
    const { isError, content } = await bash(`${loop} ${loop} ${loop} ${loop} wait`, SOON_MS);
    ok(isError);
    match(content, /^Ended after 1000 ms, its time limit, with all it had started/);
  });
});

testConfined(
  "a cancel ends a command that computes, and one that has stopped its hands",
  async (c) => {
    await contained(c, {}, async ({ hands, place, until }) => {
      for (const how of ["while :; do :; done", "kill -STOP $PPID; sleep 600"]) {
        const stop = new AbortController();
        const input = { command: `touch begun; ${how}`, timeout: FOR_EVER_MS };
        const call = hands.use(place.place, "Bash", input, { signal: stop.signal });
        await until(() => place.exists("begun"));
        stop.abort();
        equal((await call).content, "Bash was interrupted: the call was cancelled");
        Deno.removeSync(`${place.dir}/begun`);
      }
    });
  },
);

testConfined("commands give way to the server when both want to compute", async (c) => {
  await contained(c, {}, async ({ bash }) => equal((await bash("nice")).content, "10"));
});

testConfined("a pattern that runs away is ended with advice", async (c) => {
  const files = { "trap.txt": `${"a".repeat(60)}b\n` };
  await contained(
    c,
    { lasts: true, files, seams: { fileToolWallMs: SOON_MS } },
    async ({ use }) => {
      const { isError, content } = await use("Grep", { pattern: "^(a+)+$" });
      ok(isError);
      match(
        content,
        /^Grep did not finish: it did not answer within 1 s\. Try a simpler pattern/,
      );
    },
  );
});

// ---------------------------------------------------------------- memory and processes

/** Holds a gigabyte: the end of what it reads is one line, which nobody takes from it. */
const glutton = "head -c 1000000000 /dev/zero | tail | sleep 600";

testConfined("a command that takes more memory than it may is ended", async (c) => {
  const seams = { limits: { commandMemoryBytes: 400 * MB } };
  await contained(c, { seams }, async ({ bash }) => {
    const { isError, content } = await bash(glutton, FOR_EVER_MS);
    ok(isError);
    match(content, /^Bash did not finish: it took more than 381 MB of memory\. The tools were/);
  });
});

testConfined("memory that processes share counts once", async (c) => {
  const seams = { limits: { commandMemoryBytes: 300 * MB } };
  // Ten processes with the same 30 MB, long enough to be counted.
  const command = `x=$(head -c 30000000 /dev/zero | tr '\\0' a)
    for i in 1 2 3 4 5 6 7 8 9; do (sleep .5; echo \${#x}) & done; wait`;
  await contained(c, { seams }, async ({ bash }) => {
    equal((await bash(command)).content, Array(9).fill("30000000").join("\n"));
  });
});

testConfined("hands that run out of memory themselves are replaced", async (c) => {
  const seams: HandsSeams = {
    launch: (launch) => ({
      ...launch,
      args: launch.args.map((arg) => arg.replace(/(--max-old-space-size)=\d+/, "$1=40")),
    }),
  };
  const files = { "lines.txt": "\n".repeat(9 * MB) };
  await contained(c, { seams, files }, async ({ use }) => {
    const { isError, content } = await use("Grep", { pattern: "^", output_mode: "content" });
    ok(isError);
    match(content, /^Grep did not finish: it ran out of memory/);
  });
});

/** Two more of each, until there are five hundred; at the latest the time limit ends those that are left. */
const bomb = 'f() { [ "$1" -gt 7 ] || { f $(($1 + 1)) & f $(($1 + 1)) & }; sleep 60; }; f 0';

testConfined("a fork bomb is ended, with all that it has started", async (c) => {
  await contained(c, { seams: { limits: { tasks: 150 } } }, async ({ bash }) => {
    const { isError, content } = await bash(bomb, 10_000);
    ok(isError);
    match(content, /^Bash did not finish: it had more than 150 processes and threads at once/);
  });
});

testConfined("a project's command that takes too much fails, with its output so far", async (c) => {
  await contained(c, { seams: { limits: { tasks: 150 } } }, async ({ hands, place }) => {
    const allowed = { signal: noSignal, unconfinedAllowed: true };
    const command = spec(`echo begun; ${bomb}`, 10_000);
    const { exitCode, timedOut, output, outputBytes } = await hands.command(
      place.place,
      command,
      allowed,
    );
    const why = "[The command was ended: it had more than 150 processes and threads at once]";
    deepEqual([exitCode, timedOut, output, outputBytes], [137, false, `begun\n\n${why}\n`, 6]);
  });
});

testConfined("a command that computes longer than it may is ended, and says so", async (c) => {
  await contained(c, { seams: { limits: { cpuSeconds: 1 } } }, async ({ bash }) => {
    const { isError, content } = await bash(
      "echo begun; bash -c 'while :; do :; done'; echo $?",
      60_000,
    );
    match(content, /^begun\n(.*\n)*(152|137)$/, `${isError} ${content}`); // SIGXCPU, SIGKILL
  });
});

testConfined("no file of a command gets larger than it may", async (c) => {
  await contained(
    c,
    { seams: { limits: { fileBytes: 2 * 1024 ** 2 } } },
    async ({ hands, place, bash }) => {
      const fill = "yes | head -c 9000000 > large.txt; wc -c < large.txt";
      match((await bash(fill)).content, /2097152$/);
      const allowed = { signal: noSignal, unconfinedAllowed: true };
      const { output } = await hands.command(place.place, spec(fill, 30_000), allowed);
      match(output, /2097152\n$/, "the project's own, by another shell");
    },
  );
});

testConfined("a command has no more files open than it may", async (c) => {
  await contained(c, { seams: { limits: { openFiles: 40 } } }, async ({ bash }) => {
    const open = 'for n in $(seq 10 60); do eval "exec $n</dev/null" || exit 3; done; echo all';
    const { isError, content } = await bash(open);
    ok(isError);
    match(content, /Too many open files|Bad file descriptor/);
  });
});

Deno.test("on a small machine hands may have less of it", () => {
  const GIB = 1024 ** 3;
  const { commandMemoryBytes, tmpBytes, shmBytes } = handsLimits(4 * GIB);
  deepEqual([commandMemoryBytes, tmpBytes, shmBytes], [2 * GIB, GIB / 2, GIB / 8]);
  const large = handsLimits(64 * GIB);
  deepEqual([large.commandMemoryBytes, large.tmpBytes], [8 * GIB, 2 * GIB]);
});

Deno.test({
  name: "a process that has lost its parent still counts as its own",
  ignore: Deno.build.os !== "linux",
  async fn() {
    await using place = new TestPlace();
    new Deno.Command("mkfifo", { args: [`${place.dir}/go`] }).outputSync();
    const script = "(sleep 60 & echo $! >orphan; read line <go) & wait; echo >gone; exec sleep 60";
    const root = new Deno.Command("/bin/sh", { args: ["-c", script], cwd: place.dir }).spawn();
    const census = new Census();
    const count = () => census.count([root.pid]).get(root.pid)!;
    while (!place.exists("orphan") || !place.text("orphan").endsWith("\n")) await turn();
    const orphan = Number(place.text("orphan"));
    try {
      const before = count();
      deepEqual([before.tasks, before.pids.includes(orphan)], [3, true]);
      ok(exactMemoryBytes(before) > 0 && exactMemoryBytes(before) < before.memoryBytes);
      Deno.writeTextFileSync(`${place.dir}/go`, "\n");
      while (!place.exists("gone")) await turn();
      deepEqual(count().pids.toSorted(), [root.pid, orphan].toSorted());
    } finally {
      for (const pid of [orphan, root.pid]) Deno.kill(pid, "SIGKILL");
      await root.status;
    }
  },
});

const turn = () => new Promise((resolve) => setTimeout(resolve, 1));

// ---------------------------------------------------------------- ends

testConfined("a command that kills its hands, or all it can, ends its own call", async (c) => {
  const all = "case $(cat /proc/1/comm) in bwrap) kill -KILL -1 ;; esac";
  const ways = c.kind === "bubblewrap" ? ["kill -KILL $PPID", all] : ["kill -KILL $PPID"];
  await contained(c, {}, async ({ bash }) => {
    for (const way of ways) {
      const { isError, content } = await bash(`${way}; sleep 600`, FOR_EVER_MS);
      ok(isError);
      match(content, /^Bash did not finish: it ended by itself \((signal SIGKILL|exit code 137)\)/);
    }
  });
});

testConfined("a command that closes its pipes is waited for, and can be cut off", async (c) => {
  await contained(c, {}, async ({ bash }) => {
    const close = "exec >&- 2>&- 9>&-;";
    equal((await bash(`${close} sleep .1; exit 7`)).content, "Exit code 7");
    match((await bash(`${close} sleep 600`, 200)).content, /^Ended after 200 ms/);
  });
});

testConfined("a command that writes into its hands' own pipes ends them", async (c) => {
  const ways: [command: string, reason: RegExp][] = [
    ["echo nonsense >/proc/$PPID/fd/1", /it sent something that is not an answer/],
    ["cat /dev/zero >/proc/$PPID/fd/1", /a line had more than 2097152 bytes/],
    ["yes >/proc/$PPID/fd/2", /it wrote more errors than it may/],
  ];
  if (Deno.build.os !== "linux") return;
  await contained(c, {}, async ({ bash }) => {
    for (const [command, reason] of ways) {
      const { isError, content } = await bash(`${command}; sleep 600`, FOR_EVER_MS);
      ok(isError);
      match(content, reason);
    }
  });
});

testConfined("what nobody catches, and an exit, end the call that they happened in", async (c) => {
  const seams: HandsSeams = { fileToolWallMs: 2_000, launch: withFaultyGlob };
  const ways: [what: string, reason: RegExp][] = [
    ["reject", /it ended by itself \(exit code 1\): .*nobody waits for this/],
    ["throw", /it ended by itself \(exit code 1\): .*nobody catches this/],
    // A worker that exits tells nobody.
    [
      "exit",
      c.kind === "process" ? /it did not answer within 2 s/ : /ended by itself \(exit code 3\)/,
    ],
  ];
  await contained(c, { seams }, async ({ use }) => {
    for (const [pattern, reason] of ways) {
      const { isError, content } = await use("Glob", { pattern });
      ok(isError);
      match(content, reason);
    }
  });
});

/** The hands' code as it is, but for one tool. */
function withFaultyGlob(launch: Launch): Launch {
  const path = (name: string) => new URL(name, root).pathname;
  const faulty = path("tests/fixtures/faulty_glob.ts");
  const { imports } = JSON.parse(Deno.readTextFileSync(path("deno.json")));
  const map = JSON.stringify({
    imports: { ...imports, [new URL("agents/tools/glob.ts", root).href]: `file://${faulty}` },
  });
  const args = [...launch.args];
  const flag = `--import-map=data:application/json,${encodeURIComponent(map)}`;
  args.splice(args.lastIndexOf("--allow-all"), 0, flag);
  const end = args.lastIndexOf("--remount-ro");
  if (end >= 0) args.splice(end, 0, "--ro-bind", faulty, faulty);
  return { ...launch, args };
}

// ---------------------------------------------------------------- output

/** Lines, one line without end, bytes that are no text, and what terminals obey. */
const floods: [command: string, bytes: number][] = [
  ["yes", 200 * MB],
  ["tr '\\0' a </dev/zero", 5 * MB],
  ["cat /dev/urandom", 5 * MB],
  ["yes $(printf '\\033[2J\\033]0;title\\007\\b')", 5 * MB],
];

testConfined(
  "a flood of output costs little memory, and the result says what is missing",
  async (c) => {
    const seams = { limits: { commandMemoryBytes: 250 * MB } };
    await contained(c, { seams }, async ({ bash, hands, place }) => {
      for (const [command, bytes] of floods) {
        const { content } = await bash(`${command} | head -c ${bytes}`);
        ok(content.length < 31_000, `${content.length}`);
        ok(content.includes(`\n[${bytes - 30_000} bytes left out]\n`), command);
      }
      const allowed = { signal: noSignal, unconfinedAllowed: true };
      const flood = spec(`yes | head -c ${20 * MB}`, FOR_EVER_MS);
      const { output, outputBytes } = await hands.command(place.place, flood, allowed);
      equal(outputBytes, 20 * MB);
      ok(output.length < 270_000);
    });
  },
);

Deno.test("hands that send output without end are ended", async () => {
  await using place = new TestPlace();
  const line = `{"type":"output","id":1,"text":"${"a".repeat(60_000)}"}`;
  const script = `echo '{"type":"ready","pid":1}'; read -r request; yes '${line}'`;
  const launch = (launch: Launch) => ({ ...launch, program: "/bin/sh", args: ["-c", script] });
  await using hands = testHands("off", { launch });
  const { content } = await hands.use(place.place, "Bash", { command: "true" });
  match(content, /^Bash did not finish: it sent more output than it may/);
});

// ---------------------------------------------------------------- files

testConfined("a full /tmp is the command's own trouble", async (c) => {
  const seams = { limits: { tmpBytes: 12 * MB, shmBytes: MB } };
  await contained(c, { seams }, async ({ bash, use, tempDirs }) => {
    const fill = (file: string) => bash(`head -c 20000000 /dev/zero >"${file}"`);
    if (c.kind === "process") {
      // Its folder is on the disk, and goes with the hands.
      equal((await fill("$TMPDIR/x")).isError, false);
      equal(Deno.statSync(`${tempDirs()[0]}/x`).size, 20 * MB);
      return;
    }
    for (const file of ["/tmp/x", "/dev/shm/x"]) {
      match((await fill(file)).content, /No space left on device/);
    }
    match((await fill("/dev/x")).content, /Read-only file system/);
    const write = { file_path: "a.txt", content: "fits\n" };
    equal((await use("Write", write)).isError, false, "the project is not full");
    equal((await bash("rm /tmp/x; cat a.txt; head -c 1000 /dev/zero >/tmp/y")).content, "fits");
  });
});

Deno.test("a bubblewrap that knows no sizes is not asked for any", () => {
  ok(baseArgs({ tmpBytes: 1, shmBytes: 1 }).includes("--size"));
  ok(!baseArgs(null).includes("--size"));
});

testConfined(
  "hands without a file descriptor to spare refuse, and go on when there is",
  async (c) => {
    const fewFiles = 'ulimit -n 60; exec "$0" "$@"';
    const seams: HandsSeams = {
      launch: (launch) => ({
        ...launch,
        program: "/bin/sh",
        args: ["-c", fewFiles, launch.program, ...launch.args],
      }),
    };
    await contained(c, { seams }, async ({ bash, place }) => {
      const wait = "while [ ! -e go ]; do sleep .05; done; echo done";
      const calls = Array.from({ length: 40 }, () => bash(wait));
      const first = await Promise.race(calls);
      match(first.content, /^Bash failed: .*Too many open files/);
      place.put("go", "");
      const contents = (await Promise.all(calls)).map(({ content }) => content);
      ok(contents.includes("done"), "those that were at work did not notice");
    });
  },
);
