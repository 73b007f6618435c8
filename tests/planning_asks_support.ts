/** Planning agents over a real repository, with what they hand in said by the test. */
import type { PlanningResult } from "../agents/results.ts";
import type { PlanningAsk, Run } from "../server/records.ts";
import { askPlanningAgent, type PlanningAskInput } from "../server/services/planning_asks.ts";
import { taskOf } from "../server/services/run_task.ts";
import { findAskSuggestion, listHunks } from "../server/store/document_suggestions.ts";
import { getAskRun } from "../server/store/runs.ts";
import { never } from "./git_support.ts";
import { type PlanningBench, planningBench } from "./planning_support.ts";

export const SPEC = "planning/specs/saving.md";
export const SPEC_TEXT = `# Saving

Games are saved.

## Slots

There are three.

## Format

A save is a file.
`;

/** Three pieces, each at a place of its own. */
export const EDITS: PlanningResult["edits"] = [
  { old: "Games are saved.", new: "Games are saved often.", reason: "The code saves each minute" },
  { old: "There are three.", new: "There are five.", reason: "src/slots.ts has five" },
  { old: "A save is a file.", new: "A save is a folder.", reason: "It never was a file" },
];

export interface AskedBench extends PlanningBench {
  documentId: string;
  text(): Promise<string>;
  ask(input?: Partial<PlanningAskInput>): PlanningAsk;
  /** Begins an ask's run, as its agent does: with the document as it is now. */
  begin(ask: PlanningAsk): Promise<Run>;
  /** Lets an ask's run hand something in. */
  handIn(ask: PlanningAsk, result: Partial<PlanningResult>): Promise<void>;
  /** An ask whose agent has suggested three pieces; gives the suggestion's id. */
  suggested(result?: Partial<PlanningResult>): Promise<string>;
  /** Status of each piece. */
  states(suggestionId: string): string[];
}

export async function askedBench(text = SPEC_TEXT): Promise<AskedBench> {
  const bench = await planningBench({ [SPEC]: text });
  await bench.follow();
  const documentId = bench.idOf("specs/saving.md");
  const { app, project, repo } = bench;
  const own = {
    documentId,
    text: () => repo.read(SPEC),
    ask: (input: Partial<PlanningAskInput> = {}) =>
      askPlanningAgent(app, { documentId, ask: "update", words: "It is old", ...input }),
    async begin(ask: PlanningAsk) {
      const run = getAskRun(app.db, ask.id);
      await taskOf(app, run, project, never);
      return run;
    },
    async handIn(ask: PlanningAsk, result: Partial<PlanningResult>) {
      const run = await own.begin(ask);
      const whole = { summary: "It was behind", questions: [], ...result };
      await app.end(run, { type: "succeeded", result: whole });
    },
    async suggested(result: Partial<PlanningResult> = { edits: EDITS }) {
      const ask = own.ask();
      await own.handIn(ask, result);
      return findAskSuggestion(app.db, ask.id)!.id;
    },
    states: (id: string) => listHunks(app.db, id).map(({ status }) => status),
  };
  return Object.assign(bench, own);
}
