/**
 * From the developer's last turn to the review state, in the real program and a repository of many files: what Gaffer
 * takes to save the work, to have build and tests run, and to have a reviewer read it who answers at once. Without the
 * time of the commands themselves.
 */
import { answer, startFakeClaude, toolUse } from "../tests/fake_claude/mod.ts";
import { Client, type Json, startGaffer, tempDir } from "../tests/gaffer.ts";
import { greetCommands, greetRepo, greetScripts, greetTicket } from "../tests/greet_story.ts";
import {
  addProject,
  ifGood,
  logOf,
  play,
  runsOf,
  settled,
  submit,
} from "../tests/journey_support.ts";
import type { Group } from "./table.ts";

const FILES = 5_000;
const FILES_PER_FOLDER = 100;
const TICKETS = 6;
const GOAL_MS = 1_000;
const TO_REVIEW = "developer's last turn to review state, without the checks";

const change = { file_path: "greet.sh", old_string: "hello", new_string: "hello, world" };
const scripts = {
  develop: [
    answer("I look at it.", toolUse("Read", { file_path: "greet.sh" })),
    ifGood(answer("I change it.", toolUse("Edit", change))),
    ifGood(answer("Does it work?", toolUse("run_checks", { name: "test" }))),
    ifGood(submit({ status: "done", summary: "It greets the world" })),
  ],
  review: greetScripts.review!,
};

export const toReview: Group = {
  name: "to review",
  rows: [TO_REVIEW],
  async measure() {
    await using claude = startFakeClaude({ reply: play(scripts) });
    await using repo = await greetRepo(manyFiles());
    await using data = await tempDir("gaffer-bench-");
    await using gaffer = await startGaffer({
      dataDir: data.path,
      env: { ANTHROPIC_API_KEY: claude.apiKey, ANTHROPIC_BASE_URL: claude.url },
    });
    const client = new Client(gaffer.url);
    const project = await addProject(client, repo, greetCommands);
    const values: number[] = [];
    // The first starts the brain, and is not counted.
    for (let n = 0; n <= TICKETS; n++) {
      const { id } = await client.post(`/projects/${project.id}/tickets`, greetTicket);
      const took = await timeToReview(client, id);
      if (n > 0) values.push(took);
    }
    return [{ name: TO_REVIEW, unit: "ms", values, goal: GOAL_MS }];
  },
};

/** Milliseconds, when the ticket is in review. */
async function timeToReview(client: Client, ticketId: string): Promise<number> {
  const ticket = await client.until(`/tickets/${ticketId}`, settled);
  if (ticket.status !== "review") throw new Error(`It is ${ticket.status}: ${ticket.reason}`);
  const runs = await runsOf(client, { ticket_id: ticketId });
  const developer = runs.find(({ purpose }) => purpose === "develop");
  const turns = (await logOf(client, developer!.id)).filter(({ type }) => type === "turn_finished");
  const { items } = await client.get(`/tickets/${ticketId}/checks`);
  const checks = items.filter((check: Json) => !check.baseline)
    .reduce((sum: number, check: Json) => sum + check.duration_ms, 0);
  return Date.parse(ticket.updated_at) - Date.parse(turns.at(-1)!.at) - checks;
}

const manyFiles = (): Record<string, string> =>
  Object.fromEntries(
    Array.from({ length: FILES }, (_, n) => [
      `src/part_${Math.floor(n / FILES_PER_FOLDER)}/file_${n}.txt`,
      `file ${n}\n`.repeat(20),
    ]),
  );
