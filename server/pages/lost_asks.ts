import type { LostAsksPageProps } from "../../views/lost_asks.tsx";
import type { Project } from "../records.ts";
import { LOST_ASKS_MAX, lostAsks } from "../services/lost_asks.ts";
import { rowOf } from "./asks.ts";
import { follow } from "./planning.ts";
import { type PageRequest, shellOf } from "./shell.ts";

/** What was asked about documents that are gone, after a look at what is there. */
export async function lostAsksPage(
  request: PageRequest,
  project: Project,
  signal: AbortSignal,
): Promise<LostAsksPageProps> {
  const { app } = request;
  await follow(app, project, signal);
  const asks = lostAsks(app, project.id);
  const groups = Map.groupBy(asks, ({ path }) => path);
  return {
    shell: shellOf({ ...request, projectId: project.id }),
    project: { id: project.id, name: project.name },
    groups: [...groups].map(([path, of]) => ({ path, rows: of.map((ask) => rowOf(app, ask)) })),
    more: asks.length === LOST_ASKS_MAX,
  };
}
