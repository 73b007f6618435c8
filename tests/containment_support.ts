/** A run in which something goes wrong, beside a server and another run that must not notice. */
import { deepStrictEqual as deepEqual, ok, strictEqual as equal } from "node:assert";
import type { HandsSeams } from "../agents/hands_client.ts";
import type { Launch } from "../agents/hands_launch.ts";
import {
  type confinements,
  processesWith,
  type TestHands,
  testHands,
  TestPlace,
} from "./place_support.ts";

/** Between what the others do meanwhile: their commands compute, too. */
const BESIDE_MS = 100;

/** What is done in the run. */
export interface Contained {
  hands: TestHands;
  place: TestPlace;
  use(name: string, input: Record<string, unknown>): ReturnType<TestHands["use"]>;
  bash(command: string, timeout?: number): ReturnType<TestHands["use"]>;
  /** Private folders of the hands that were started for it. */
  tempDirs(): string[];
  /** Resolves when it holds. */
  until(holds: () => boolean): Promise<void>;
}

export interface ContainedOptions {
  files?: Record<string, string>;
  /** For the run's hands alone, but for the limits. */
  seams?: HandsSeams;
  /** It takes long enough for the others to be seen at work meanwhile. */
  lasts?: boolean;
}

export async function contained(
  { sandbox }: typeof confinements[number],
  { files = {}, seams = {}, lasts = false }: ContainedOptions,
  harm: (run: Contained) => Promise<unknown>,
): Promise<void> {
  await using place = new TestPlace(files);
  await using neighbour = new TestPlace({ "a.txt": "one\n" });
  const launches: Launch[] = [];
  let neighbours = 0;
  const launch = (launch: Launch, role: Parameters<NonNullable<HandsSeams["launch"]>>[1]) => {
    if (launch.args.at(-1)!.includes(neighbour.dir)) {
      neighbours++;
      return launch;
    }
    launches.push(launch);
    return seams.launch?.(launch, role) ?? launch;
  };
  await using hands = testHands(sandbox, { ...seams, launch });
  await using server = Deno.serve({ port: 0, onListen: () => {} }, () => new Response("here"));
  const othersWork = async () => {
    const [answer, read, bash] = await Promise.all([
      fetch(`http://127.0.0.1:${server.addr.port}`).then((response) => response.text()),
      hands.use(neighbour.place, "Read", { file_path: "a.txt" }),
      hands.use(neighbour.place, "Bash", { command: "echo two" }),
    ]);
    deepEqual([answer, read.content, bash.content], ["here", "1\tone", "two"]);
  };
  const use: Contained["use"] = (name, input) => hands.use(place.place, name, input);
  const bash: Contained["bash"] = (command, timeout) =>
    use("Bash", { command, ...timeout !== undefined && { timeout } });

  await othersWork();
  equal((await bash("echo well")).content, "well");
  const startedBefore = neighbours;
  let atWork = true;
  let meanwhile = 0;
  const beside = async () => {
    while (atWork) {
      await othersWork();
      if (!atWork) return;
      meanwhile++;
      await pause(BESIDE_MS);
    }
  };
  const tempDirs = () => launches.flatMap(({ tempDir }) => tempDir ?? []);
  const done = harm({ hands, place, use, bash, tempDirs, until })
    .finally(() => atWork = false);
  await Promise.all([done, beside()]);

  ok(meanwhile > 0 || !lasts, "the others got nothing done meanwhile");
  equal(neighbours, startedBefore, "the other run's hands were replaced");
  equal((await bash("echo well again")).content, "well again");
  await hands.release(place.dir);
  for (const { marker } of launches) equal(processesWith(marker), 0, "a process was left");
  for (const path of tempDirs()) ok(!place.exists(path), "a folder was left");
}

/** For what happens in other processes and tells nobody. */
async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await pause();
}

const pause = (ms = 20) => new Promise((resolve) => setTimeout(resolve, ms));
