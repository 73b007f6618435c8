/** What the hands do so that a run can go on after a crash: live output, and files written once. */
import { deepStrictEqual as deepEqual, strictEqual as equal } from "node:assert";
import type { ToolRequest } from "../agents/hands_client.ts";
import type { FileIntent } from "../agents/protocol.ts";
import { everything, noSignal, testConfined, testHands, TestPlace } from "./place_support.ts";

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
