import type { DocumentDraftsPageProps, RefusedDraft } from "../../views/document_drafts.tsx";
import type { Project } from "../records.ts";
import { draftsOf } from "../services/document_drafts.ts";
import { goneDocuments } from "../services/documents_gone.ts";
import { follow, planningProjectOf } from "./planning.ts";
import { type PageRequest, shellOf } from "./shell.ts";

/** All that a person typed in a project and did not save, after a look at what is there. */
export async function documentDraftsPage(
  request: PageRequest,
  project: Project,
  refused: RefusedDraft | null,
  signal: AbortSignal,
): Promise<DocumentDraftsPageProps> {
  const { problem } = await follow(request.app, project, signal);
  return {
    shell: shellOf({ ...request, projectId: project.id }),
    project: planningProjectOf(request.app, project),
    ...draftsOf(request.app, project.id),
    gone: problem ? [] : await goneDocuments(request.app, project, signal),
    problem,
    refused,
  };
}
