/** Which script plays which agent. */
import type { Desk, Script } from "../script.ts";
import { clarifier } from "./clarifier.ts";
import { developer } from "./developer.ts";
import { estimator } from "./estimator.ts";
import { failures } from "./failures.ts";
import { prioritizer } from "./prioritizer.ts";
import { researcher } from "./researcher.ts";
import { reviewer } from "./reviewer.ts";

const scripts: Record<string, (desk: Desk) => Script<string>> = {
  clarify: clarifier,
  research: researcher,
  estimate: estimator,
  prioritize: prioritizer,
  develop: developer,
  fix: developer,
  change: developer,
  review: reviewer,
  explain: failures,
};
/** What an agent does when its task does not say. */
const purposes: Record<string, string> = {
  clarifier: "clarify",
  researcher: "research",
  estimator: "estimate",
  prioritizer: "prioritize",
  reviewer: "review",
  builder: "explain",
  tester: "explain",
};
const AGENT = /^You are the ([a-z-]+) agent of Gaffer\./;

/** The script for an agent and its task: by the task's purpose, else by the agent's name. */
export function scriptFor(system: string, desk: Desk): Script<string> {
  const agent = system.match(AGENT)?.[1] ?? "";
  const purpose = desk.task.purpose ||
    (purposes[agent] ?? (agent.endsWith("-dev") ? "develop" : ""));
  return (scripts[purpose] ?? unknown)(desk);
}

// deno-lint-ignore require-yield -- there is nothing to do for an agent that it does not know
function* unknown(): Script<string> {
  return "I am Gaffer's demo model. I play only Gaffer's built-in agents, and this is none of them. " +
    "With ANTHROPIC_API_KEY set, a real model answers here.";
}
