/** Agents as the services would hand them to the views. */
import type { AgentPageProps } from "../views/agent.tsx";
import type { AgentFileRow } from "../views/agent_files.tsx";
import type { AgentView } from "../views/agent_form.tsx";
import type { AgentRow, ResultMark } from "../views/agents.tsx";
import type { Agent, AgentVersion } from "../server/records.ts";
import type { Shell } from "../views/shell.ts";
import { runWords } from "../views/words.ts";
import { ago, idea, run } from "./pages_fixture.ts";

const TEXT = `---
# Searching is many cheap reads.
name: researcher
description: Finds what in the repository matters for an idea.
kind: refinement
model: sonnet
effort: medium
tools: Read, Glob, Grep, submit_result
max_turns: 20
timeout_minutes: 10
max_tokens: 1500000
max_cost_usd: 1
result: researcher
---

## Role

You find out where in this repository an idea lives.
`;

const results: ResultMark[] = Array.from({ length: 20 }, (_, index) => ({
  runId: `run_${index}`,
  shown: index % 7 === 3
    ? runWords.failed
    : index % 9 === 5
    ? runWords.cancelled
    : runWords.succeeded,
  demo: index % 10 === 0,
}));
const figures = {
  results,
  succeeded: 15,
  counted: 18,
  medianMicroUsd: 84_000,
  medianMs: 95_000,
};

export const agentRow = (changes: Partial<AgentRow> = {}): AgentRow => ({
  id: "researcher",
  name: "researcher",
  projectName: null,
  active: true,
  trusted: true,
  about: {
    description: "Finds what in the repository matters for an idea: the places to change.",
    model: "sonnet",
    effort: "medium",
    tools: ["Read", "Glob", "Grep"],
    maxTurns: 20,
    maxCostMicroUsd: 1_000_000,
  },
  figures,
  ...changes,
});

export const agent = (changes: Partial<Agent> = {}): Agent => ({
  id: "researcher",
  name: "researcher",
  projectId: null,
  active: true,
  file: null,
  trusted: true,
  version: 2,
  origin: "person",
  text: TEXT,
  updatedAt: ago(60),
  ...changes,
});

export const agentVersion = (changes: Partial<AgentVersion> = {}): AgentVersion => ({
  agentId: "researcher",
  version: 1,
  text: TEXT,
  origin: "built_in",
  note: "As it comes with Gaffer",
  savedBy: "owner",
  savedAt: ago(120),
  ...changes,
});

export const agentFile = (changes: Partial<AgentFileRow> = {}): AgentFileRow => ({
  path: ".claude/agents/one.md",
  hash: "0f1e",
  state: "untrusted",
  name: "one",
  description: "Looks at changes of the public API.",
  text: TEXT,
  assumed: ["kind is support, since the file does not say"],
  problem: null,
  diff: null,
  agentId: null,
  ...changes,
});

export function agentPage(shell: Shell, view: AgentView): AgentPageProps {
  const { id, number, title } = idea();
  const trialRun = run({
    id: "run_trial",
    status: "succeeded",
    trial: true,
    definition: { agentId: "researcher", version: 2 },
  });
  const value = `idea:${id}`;
  return {
    shell,
    live: { path: "/live/agent/researcher", after: 100 },
    agent: agent(),
    projectName: null,
    about: {
      description: "Finds what in the repository matters for an idea.",
      kind: "refinement",
      model: "sonnet",
      effort: "medium",
      tools: ["Read", "Glob", "Grep"],
      toolTags: { Read: ["private"] },
      webAllowed: false,
      maxTurns: 20,
      maxTokens: 1_500_000,
      maxCostMicroUsd: 1_000_000,
      timeoutMs: 600_000,
      memory: "none",
      allowedPaths: [],
      blockedPaths: ["docs/**"],
      writablePaths: [],
      commands: [],
      hosts: [],
      requireApproval: ["write(new)"],
    },
    problem: null,
    waiting: 0,
    figures,
    form: {
      agentId: "researcher",
      view,
      version: 2,
      text: TEXT,
      values: {
        description: "Finds what in the repository matters for an idea.",
        kind: "refinement",
        model: "sonnet",
        effort: "medium",
        tools: "Read, Glob, Grep, submit_result",
        max_turns: "20",
        timeout_minutes: "10",
        max_tokens: "1500000",
        max_cost_usd: "1",
        result: "researcher",
        prompt: "## Role\n\nYou find out where in this repository an idea lives.",
      },
      toolTags: { Read: ["private"] },
      unpriced: 2,
      choices: {
        kind: ["refinement", "development", "support", "planning"],
        model: ["opus", "sonnet"],
        effort: ["", "low", "medium"],
        result: ["researcher"],
        memory: ["", "project"],
        tools: ["Read", "Glob", "Grep", "Edit", "Write", "Bash", "run_checks", "ask_questions"],
      },
      note: "",
      message: null,
      errors: [],
    },
    trial: {
      runs: [{
        run: trialRun,
        subject: { kind: "idea", id, number, title, projectName: "Space game" },
      }],
      subjects: [{ value, label: `Idea #${number}: ${title}` }],
      refused: null,
    },
    versions: [
      agentVersion({ version: 2, origin: "person", note: "Fewer turns" }),
      agentVersion(),
    ].map(({ text: _, ...version }) => version),
    resettable: true,
    copyTo: [{ id: "prj_site", name: "Website" }],
  };
}
