/** What the hands do so that a run can go on after a crash: live output, and files written once. */
import {
  deepStrictEqual as deepEqual,
  match,
  ok,
  rejects,
  strictEqual as equal,
} from "node:assert";
import type { ToolRequest } from "../agents/hands_client.ts";
import type { FileIntent } from "../agents/protocol.ts";
import { Unavailable } from "../server/machine_fault.ts";
import { everything, noSignal, testConfined, testHands, TestPlace } from "./place_support.ts";
import { smallDisk } from "./small_disk.ts";

const request = (
  name: string,
  input: Record<string, unknown>,
  more: Partial<ToolRequest> = {},
): ToolRequest => ({
  call: { id: "call_1", name, input },
  policy: everything,
  known: {},
  cwd: "",
  unconfinedAllowed: true,
  ...more,
});

testConfined("Bash tells what it prints while it is still at work", async ({ sandbox }) => {
  await using place = new TestPlace();
  await using hands = testHands(sandbox);
  let printed = "";
  // It ends only when a file says that the first line has arrived.
  const command = "echo begun; while [ ! -e heard ]; do :; done; echo heard";
  const onOutput = (text: string) => {
    if (printed === "") place.put("heard", "");
    printed += text;
  };
  const { result } = await hands.tool(
    place.place,
    request("Bash", { command }, { onOutput }),
    noSignal,
  );
  deepEqual([result.content, printed], ["begun\nheard", "begun\nheard\n"]);
});

testConfined(
  "an edit is planned, then written once, whichever hands are asked",
  async ({ sandbox }) => {
    await using place = new TestPlace({ "a.txt": "one\n" });
    await using hands = testHands(sandbox);
    const { files: known } = await hands.use(place.place, "Read", { file_path: "a.txt" });
    const input = { file_path: "a.txt", old_string: "one", new_string: "two" };
    const ask = async (more: Partial<ToolRequest>) =>
      (await hands.tool(place.place, request("Edit", input, { known, ...more }), noSignal)).result;

    const plan = await ask({ plan: true });
    equal(place.text("a.txt"), "one\n");
    const intent: FileIntent = {
      path: "a.txt",
      hash: plan.files!["a.txt"]!,
      content: plan.content,
    };
    const done = await ask({ intent });
    deepEqual([done.content, done.changed, done.files], [plan.content, ["a.txt"], plan.files]);
    equal(place.text("a.txt"), "two\n");

    const { ino } = Deno.statSync(`${place.dir}/a.txt`);
    await hands.release(place.dir);
    const again = await ask({ intent });
    deepEqual([again.content, again.changed, again.files], [plan.content, ["a.txt"], plan.files]);
    equal(Deno.statSync(`${place.dir}/a.txt`).ino, ino, "each write makes a new file");
  },
);

testConfined(
  "what the disk does not take is no answer for the model: it is written when there is room",
  async ({ sandbox }) => {
    await using place = new TestPlace();
    await using disk = await smallDisk(1, place.dir);
    if (!disk) {
      return console.log("No disk can be mounted here: what a full one does is not tested");
    }
    await using hands = testHands(sandbox);
    place.put("a.txt", "one\n");
    const { files: known } = await hands.use(place.place, "Read", { file_path: "a.txt" });
    const edit = { file_path: "a.txt", old_string: "one", new_string: "two" };
    const write = { file_path: "new/b.txt", content: "three\n" };
    const ask = (name: string, input: Record<string, unknown>) =>
      hands.tool(place.place, request(name, input, { known }), noSignal);
    disk.fill();
    for (const [name, input] of [["Edit", edit], ["Write", write]] as const) {
      await rejects(ask(name, input), (error) => {
        ok(error instanceof Unavailable);
        equal(error.fault, "disk_full");
        match(error.message, new RegExp(`^Cannot use ${name}: the disk .* is full`));
        return true;
      });
    }
    equal(place.text("a.txt"), "one\n");
    disk.empty();
    equal((await ask("Edit", edit)).result.isError, false);
    equal((await ask("Write", write)).result.isError, false);
    deepEqual([place.text("a.txt"), place.text("new/b.txt")], ["two\n", "three\n"]);
    deepEqual(
      [...Deno.readDirSync(place.dir)].map(({ name }) => name).sort(),
      ["a.txt", "new"],
      "nothing unfinished is left",
    );
  },
);

testConfined("what a command meets on a full disk is its own to tell", async ({ sandbox }) => {
  await using place = new TestPlace();
  await using hands = testHands(sandbox);
  const command = "echo 'No space left on device' >&2; exit 1";
  const { result } = await hands.tool(place.place, request("Bash", { command }), noSignal);
  deepEqual([result.isError, result.exitCode], [true, 1]);
  match(result.content, /No space left on device/);
});
