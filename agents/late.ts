import type { Agents, AgentsStatus } from "./runtime.ts";

/**
 * Agents that are still being made: until then they show `status`, and whoever asks them for work waits.
 * Rejects, whatever is asked, as `made` does.
 */
export function lateAgents(status: AgentsStatus, made: Promise<Agents>): Agents {
  let agents: Agents | null = null;
  made.then((them) => agents = them, () => {}); // who asks for work hears of the failure
  return {
    status: () => agents?.status() ?? status,
    liveText: (runId) => agents?.liveText(runId) ?? null,
    run: async (runId, signal) => await (await made).run(runId, signal),
    // Before they are made no run is active.
    pauseRun: (runId, options) => agents?.pauseRun(runId, options),
    letGo: (runId) => agents?.letGo(runId),
    tellRun: (runId, note) => agents?.tellRun(runId, note),
    stopRun: async (runId) => await (await made).stopRun(runId),
    command: async (place, spec, options) => await (await made).command(place, spec, options),
    serve: async (place, configs, signal) => await (await made).serve(place, configs, signal),
    release: async (dir) => await (await made).release(dir),
    close: async () => await (await made).close(),
  };
}
