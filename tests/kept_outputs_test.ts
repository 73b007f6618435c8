/** The whole of a long output: kept out of the project, readable by the agent, gone with the run. */
import {
  deepStrictEqual as deepEqual,
  match,
  ok,
  rejects,
  strictEqual as equal,
} from "node:assert";
import { join } from "node:path";
import { Executor } from "../agents/executor.ts";
import { KeptOutputs, MAX_KEPT_BYTES, removeKeptOutputs } from "../agents/kept_outputs.ts";
import { demoModel } from "../agents/models.ts";
import type { RunEventBody, ToolResult } from "../agents/protocol.ts";
import type { RunContext, RunHost } from "../agents/runtime.ts";
import { toolSpec } from "../agents/tools/registry.ts";
import { tempDir } from "./gaffer.ts";
import { runContext, runSpec } from "./loop_support.ts";
import { noSignal, testConfined, testHands, TestPlace } from "./place_support.ts";

testConfined(
  "a long output is named in the answer, and Read finds the whole of it",
  async (how) => {
    await using place = new TestPlace({ "count.sh": "seq 1 50000; exit 3\n" });
    await using hands = testHands(how.sandbox);
    await using data = await tempDir();
    const keptDir = join(data.path, "kept", "run_1");
    const log: RunEventBody[] = [];
    const setup = { resultName: "developer", checkNames: ["test"] } as const;
    const own = ["Read", "Glob", "Bash", "run_checks"].map((name) => toolSpec(name, setup));
    const tools = [...own, { ...own[0]!, name: "mcp__big__all", readOnly: false }];
    const context = runContext({
      spec: runSpec({ model: demoModel, tools }),
      place: place.place,
      commands: [{ name: "test", command: "sh count.sh", timeoutMs: 60_000 }],
      unconfinedAllowed: true,
      servers: {
        tools: [],
        timeoutMs: () => 1_000,
        call: () =>
          Promise.resolve({
            content: "the beginning",
            isError: false,
            whole: "x\n".repeat(30_000),
          }),
      } as unknown as RunContext["servers"],
      outputDir: join(data.path, "outputs", "run_1"),
      keptDir,
    });
    const host = {
      mayGoOn: () => true,
      append: (_id: string, event: RunEventBody) => void log.push(event),
      approval: () => ({ status: "granted", reason: "" }),
      checkpoint: () => Promise.resolve(null),
    } as unknown as RunHost;
    const confinement = { kind: how.kind, hint: "" };
    const executor = new Executor({
      context: { ...context, log },
      host,
      hands,
      confinement,
      nowMs: () => 0,
      signal: noSignal,
    });
    let calls = 0;
    const use = async (name: string, input: Record<string, unknown>): Promise<ToolResult> => {
      const call = { id: `call ${++calls}`, name, input };
      return (await executor.tools(calls, [call])).results[0]!;
    };
    const pathIn = ({ content }: ToolResult): string => {
      const [, bytes, path] = content.match(/The whole of it, ([\d,]+) bytes, is in (\S+) until/)!;
      equal(bytes!.replaceAll(",", ""), "288894");
      return path!;
    };

    const bash = await use("Bash", { command: "seq 1 50000" });
    match(bash.content, /^1\n2\n[^]*bytes left out[^]*\n50000\n/);
    ok(bash.content.length < 31_000);
    const path = pathIn(bash);
    const read = await use("Read", { file_path: path, offset: 30_000, limit: 2 });
    equal(
      read.content,
      "30000\t30000\n30001\t30001\n[Lines 30000 to 30001 of 50000. Read on with offset 30002.]",
    );
    deepEqual([read.isError, read.files], [false, undefined]);
    equal((await use("Read", { file_path: `${place.dir}/${path}`, limit: 1 })).isError, false);

    const check = await use("run_checks", { name: "test" });
    match(check.content, /^test failed \(exit code 3\)/);
    equal(
      (await use("Read", { file_path: pathIn(check), limit: 1 })).content.split("\n")[0],
      "1\t1",
    );

    const answered = await use("mcp__big__all", {});
    const [, kept] = answered.content.match(
      /^the beginning\n\n\[The whole of it, .* is in (\S+) until/,
    )!;
    match((await use("Read", { file_path: kept, offset: 29_999 })).content, /^29999\tx\n30000\tx/);

    // Nothing of it is in the project, and no other name reads anything.
    equal(place.exists(".gaffer"), false);
    match((await use("Glob", { pattern: "**/*" })).content, /count\.sh/);
    const gone = await use("Read", { file_path: ".gaffer/outputs/0123456789abcdef.txt" });
    match(gone.content, /there is no output of that name in this run/);
    for (
      const path of [
        "../kept/run_1",
        ".gaffer/outputs/../../etc/passwd",
        "x/.gaffer/outputs/0123456789abcdef.txt",
      ]
    ) {
      equal((await use("Read", { file_path: path })).isError, true, path);
    }
    const short = await use("Bash", { command: "echo short" });
    equal(short.content, "short");
    equal([...Deno.readDirSync(keptDir)].length, 3);
    removeKeptOutputs(keptDir);
    match((await use("Read", { file_path: path })).content, /no output of that name/);
  },
);

Deno.test("an output beyond the cap keeps its beginning and says so; a full disk keeps none and fails nothing", async () => {
  await using data = await tempDir();
  const kept = new KeptOutputs(join(data.path, "run"));
  const flood = kept.begin("a", 1_000);
  for (let i = 0; i < 50; i++) flood.write("x".repeat(99_999) + "\n");
  match(
    flood.close()!,
    /The first 4,?000,?000 bytes of it are in \.gaffer\/outputs\/[0-9a-f]{16}\.txt/,
  );
  const [file] = [...Deno.readDirSync(join(data.path, "run"))];
  equal(Deno.statSync(join(data.path, "run", file!.name)).size, MAX_KEPT_BYTES);
  await Deno.writeTextFile(join(data.path, "blocked"), "a file, where a folder is to be");
  const none = new KeptOutputs(join(data.path, "blocked", "run")).begin("b", 10);
  none.write("long enough to be kept");
  none.write("and more");
  equal(none.close(), null);
  await rejects(
    kept.read({ file_path: ".gaffer/outputs/ffffffffffffffff.txt" }, "/p"),
    /Cannot read/,
  );
  equal(await kept.read({ file_path: "src/main.ts" }, "/p"), null);
});
