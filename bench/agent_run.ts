/** An agent's run of four turns (Read, Edit, Bash, submit) against the strict fake, with cold and warm hands. */
import { createBrains } from "../agents/brains.ts";
import { createHands } from "../agents/hands_client.ts";
import { resolveModel } from "../agents/models.ts";
import type { RunEventBody } from "../agents/protocol.ts";
import { createAgents, type RunHost } from "../agents/runtime.ts";
import { toolSpec } from "../agents/tools/registry.ts";
import { silentLog } from "../server/log.ts";
import { answer, startFakeClaude, text, toolUse } from "../tests/fake_claude/mod.ts";
import { tempDir } from "../tests/gaffer.ts";
import { residentMb } from "./executable.ts";
import type { Measured } from "./table.ts";

const RUNS = 7;
const root = new URL("../", import.meta.url);

export async function measureAgentRun(): Promise<Measured[]> {
  await using dir = await tempDir("gaffer-bench-");
  const place = await Deno.realPath(dir.path);
  await using claude = startFakeClaude({
    reply: ({ turn }) => {
      const file_path = "greet.sh";
      if (turn === 1) return answer(toolUse("Read", { file_path }));
      if (turn === 2) {
        return answer(toolUse("Edit", { file_path, old_string: "hello", new_string: "good day" }));
      }
      if (turn === 3) return answer(toolUse("Bash", { command: "sh greet.sh" }));
      const result = { status: "done", summary: "Greets in another way" };
      return answer(text("Done."), toolUse("submit_result", result));
    },
  });
  const brains = createBrains({
    root,
    compiled: false,
    endpoint: {
      kind: "endpoint",
      baseUrl: claude.url,
      apiKey: claude.apiKey,
      idleTimeoutMs: 10_000,
    },
    size: 1,
    log: silentLog,
  });
  const hands = createHands({
    root,
    compiled: false,
    sandbox: "auto",
    log: silentLog,
    protectedPaths: [],
  });
  const confinement = await hands.confinement();
  if (confinement.kind !== "bubblewrap") {
    console.log(
      "The agent's run is measured without its Bash turn's sandbox: there is no bubblewrap",
    );
  }
  const agents = createAgents({
    brains,
    hands,
    host: hostOf(place),
    model: { kind: "endpoint", baseUrl: claude.url },
    confinement: { kind: "bubblewrap", hint: "" },
    proof: Promise.resolve(null),
    nowMs: Date.now,
  });
  const times = { cold: [] as number[], warm: [] as number[] };
  const before = await residentMb(Deno.pid);
  let memory = 0;
  const run = async (name: keyof typeof times | null, n: number) => {
    await Deno.writeTextFile(`${place}/greet.sh`, "echo hello\n");
    const begin = performance.now();
    const outcome = await agents.run(`run_${name}_${n}`, new AbortController().signal);
    if (outcome.type !== "succeeded") {
      throw new Error(`The run ended as ${JSON.stringify(outcome)}`);
    }
    if (name) times[name].push(performance.now() - begin);
  };
  try {
    await run(null, 0); // the brain is started once, hands for every worktree
    memory = await residentMb(Deno.pid) - before + await childrenMb(Deno.pid);
    for (let n = 0; n < RUNS; n++) {
      await hands.release(place);
      await run("cold", n);
      await run("warm", n);
    }
  } finally {
    await agents.close();
  }
  return [
    {
      name: "run of four turns, hands cold",
      unit: "s",
      values: times.cold.map((ms) => ms / 1_000),
      goal: 0.3,
    },
    {
      name: "run of four turns, hands warm",
      unit: "s",
      values: times.warm.map((ms) => ms / 1_000),
    },
    { name: "memory of a run, hands included", unit: "MB", values: [memory], goal: 60 },
  ];
}

/** A host that keeps each run's log in memory, so that only the agents are measured. */
function hostOf(dir: string): RunHost {
  const setup = { resultName: "developer", checkNames: [] } as const;
  const names = ["Read", "Edit", "Bash", "submit_result"];
  return {
    prepare(runId) {
      const spec = {
        runId,
        agent: "bugfix-dev",
        model: resolveModel("haiku", "low"),
        system: "You are the bugfix-dev agent of Gaffer.",
        tools: names.map((name) => toolSpec(name, setup)),
        prompt: "Greet in another way.",
        limits: {
          maxTurns: 10,
          maxTokens: 1_000_000,
          maxCostMicroUsd: 1_000_000,
          timeoutMs: 60_000,
        },
      };
      const started: RunEventBody = { type: "started", spec };
      return Promise.resolve({
        spec,
        log: [started],
        workedMs: 0,
        place: { dir, access: "write", gitDir: null },
        policy: { allow: [], block: [] },
        commands: [],
        unconfinedAllowed: false,
        resultName: "developer",
      });
    },
    append: () => {},
    worked: () => {},
    delta: () => {},
    questions: () => {},
    approval: () => ({ status: "granted", reason: "" }),
    checkpoint: () => Promise.resolve(null),
  };
}

/** Resident memory of all processes that descend from one. */
async function childrenMb(pid: number): Promise<number> {
  let sum = 0;
  for await (const { name } of Deno.readDir("/proc")) {
    if (!/^\d+$/.test(name)) continue;
    const stat = await Deno.readTextFile(`/proc/${name}/stat`).catch(() => "");
    const parent = Number(stat.slice(stat.lastIndexOf(")") + 2).split(" ")[1]);
    if (parent === pid) sum += await residentMb(Number(name)) + await childrenMb(Number(name));
  }
  return sum;
}
