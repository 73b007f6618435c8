/** At a start: new projects that a crash has cut off are mended. Where there are none, nothing is loaded for it. */
import type { App } from "../app.ts";
import { MINUTE_MS } from "../clock.ts";
import { messageOf } from "../errors.ts";
import { listMakings } from "../store/project_makings.ts";

/** To remove a folder of a few hundred files takes milliseconds; a disk may hang. */
const MEND_TIMEOUT_MS = MINUTE_MS;

/** What fails is logged, and tried again with the next new project. */
export async function mendProjects(app: App): Promise<void> {
  if (listMakings(app.db).length === 0) return;
  try {
    const { mendMakings } = await import("./project_mending.ts");
    const mended = await mendMakings(app, AbortSignal.timeout(MEND_TIMEOUT_MS));
    for (const { name, path } of mended) {
      app.log.info("a new project that was cut off is whole now", { name, path });
    }
  } catch (error) {
    app.log.warn("what is left of new projects could not be mended", { error: messageOf(error) });
  }
}
