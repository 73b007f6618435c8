import { questionsInput } from "../results.ts";
import { defineTool } from "./tool.ts";

/** Runs on the server: the questions are recorded, and a person answers them later. */
export const askQuestionsTool = defineTool({
  name: "ask_questions",
  description:
    "Records questions to the person whose idea this is, each with why the answer matters and, where " +
    "there are likely answers, options to choose from. Ask only what you can't find out yourself and what " +
    "changes the outcome. It returns at once, without answers: they reach the agents that come after you. " +
    "Ask everything in one call, then finish with submit_result.",
  readOnly: false,
  // A question that is on record already is not recorded twice.
  whenCutOff: "again",
  input: questionsInput,
});
