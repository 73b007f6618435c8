import type { GuidePageProps } from "../../views/guide.tsx";
import { AppError } from "../errors.ts";
import type { Project } from "../records.ts";
import { previewGuide } from "../services/guides.ts";
import type { GuideFile } from "../states.ts";
import { planningProjectOf } from "./planning.ts";
import { type PageRequest, shellOf } from "./shell.ts";

/** `message`: why the last save was refused. */
export async function guidePage(
  request: PageRequest,
  project: Project,
  { file, message = null }: { file: GuideFile; message?: string | null },
  signal: AbortSignal,
): Promise<GuidePageProps> {
  const { app } = request;
  const about = {
    shell: shellOf({ ...request, projectId: project.id }),
    project: planningProjectOf(app, project),
    file,
    message,
  };
  try {
    const { parts, diff, text, seen, made } = await previewGuide(app, project, file, signal);
    return { ...about, preview: { parts, diff, chars: text.length, seen, made }, problem: null };
  } catch (error) {
    if (!(error instanceof AppError) || error.code !== "conflict") throw error;
    return { ...about, preview: null, problem: error.message };
  }
}
