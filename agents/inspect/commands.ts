/**
 * Proposes a project's commands. What the authors wrote (package scripts, tasks, shell scripts, make
 * targets) comes before what is usual for the language, and the first proposal for a name stays.
 */
import { conventions } from "./conventions.ts";
import { denoTasks, packageScripts } from "./javascript.ts";
import { makeTargets, shellScripts } from "./scripts.ts";
import { python } from "./python.ts";
import type { Detector, ProjectFiles, Proposals } from "./proposal.ts";

const detectors: Detector[] = [
  denoTasks,
  packageScripts,
  shellScripts,
  makeTargets,
  python,
  conventions,
];

export async function proposeCommands(files: ProjectFiles): Promise<Proposals> {
  const found: Proposals = {};
  for (const detect of detectors) {
    for (const [name, proposal] of Object.entries(await detect(files))) {
      found[name as keyof Proposals] ??= proposal;
    }
  }
  return found;
}
