/** A real process that is killed again and again: what it said is true afterwards, and all of it gets done. */
import { deepStrictEqual as deepEqual, ok, strictEqual as equal } from "node:assert";
import { join } from "node:path";
import { openDb } from "../server/db.ts";
import { tempDir } from "./gaffer.ts";
import { randomFrom } from "./shrink.ts";

const KILLS = Number(Deno.env.get("QUEUE_KILLS") ?? 6);
const SEED = Number(Deno.env.get("SEED") ?? 1);

interface Life {
  asked: string[];
  begun: string[];
  done: string[];
  idle: boolean;
}

/** Starts a life and kills it so many lines after it was ready; never, when there are none. */
async function live(path: string, boot: number, afterLines: number | null): Promise<Life> {
  const child = new Deno.Command(Deno.execPath(), {
    args: [
      "run",
      "-A",
      "--no-prompt",
      "--no-check",
      join(import.meta.dirname!, "fixtures", "queue_life.ts"),
      path,
      `boot-${boot}`,
      afterLines === null ? "0" : "100000",
    ],
    stdin: "null",
    stdout: "piped",
    stderr: "inherit",
  }).spawn();
  const life: Life = { asked: [], begun: [], done: [], idle: false };
  let text = "";
  let lines = 0;
  let killed = false;
  for await (const chunk of child.stdout.pipeThrough(new TextDecoderStream())) {
    text += chunk;
    const whole = text.split("\n");
    text = whole.pop()!;
    for (const line of whole) {
      lines++;
      const [what, id] = line.split(" ") as [keyof Life | "ready", string];
      if (what === "idle") life.idle = true;
      else if (what !== "ready") life[what].push(id);
    }
    // What it wrote before comes out of the pipe even when it is gone.
    if (killed || !life.idle && (afterLines === null || lines <= afterLines)) continue;
    killed = true;
    child.kill("SIGKILL");
  }
  await child.status;
  return life;
}

Deno.test("over many kills nothing that was acknowledged is lost, undone or done twice", async () => {
  await using temp = await tempDir();
  const path = join(temp.path, "gaffer.db");
  const random = randomFrom(SEED);
  const asked = new Set<string>();
  const done = new Set<string>();
  const check = (life: Life) => {
    equal(
      new Set(life.begun).size >= life.begun.length - snoozed(life),
      true,
      "begun twice in a life",
    );
    for (const id of life.begun) ok(!done.has(id), `job ${id} was done and began again`);
    for (const id of life.asked) asked.add(id);
    for (const id of life.done) done.add(id);
    const db = openDb(path);
    const rows = db.prepare("SELECT id, status FROM jobs").all();
    const statusOf = new Map(rows.map((row) => [String(row.id), row.status]));
    const lost = [...asked].filter((id) => !statusOf.has(id));
    const undone = [...done].filter((id) => statusOf.get(id) !== "completed");
    deepEqual([lost, undone], [[], []]);
    equal(db.prepare("PRAGMA integrity_check").get()!.integrity_check, "ok");
    db.close();
    return statusOf;
  };
  /** Those that come back once by their own wish. */
  const snoozed = ({ begun }: Life) => begun.filter((id) => Number(id) % 7 === 0).length;
  try {
    for (let kill = 1; kill <= KILLS; kill++) {
      check(await live(path, kill, Math.floor(random() * 400)));
    }
    const last = await live(path, KILLS + 1, null);
    ok(last.idle);
    const left = [...check(last)].filter(([, status]) => status !== "completed");
    deepEqual(left, [], "everything is done in the end");
    ok(asked.size > 20, `only ${asked.size} jobs were asked for`);
  } catch (cause) {
    throw new Error(`Kills with SEED=${SEED} QUEUE_KILLS=${KILLS} went wrong`, { cause });
  }
});
