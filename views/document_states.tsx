/** What changes on a document's page while its text stays the same. */
import type { VNode } from "preact";
import { DriftNotice, type DriftNoticeProps } from "./document_drift.tsx";
import { DocumentIdeasPanel, type KnownIdeaRow } from "./document_ideas.tsx";
import { documentMarkPartials, type DocumentMarks, type StatusOf } from "./document_progress.tsx";
import { replace } from "./live.tsx";

export interface DocumentStatesProps {
  marks: DocumentMarks;
  statusOf: StatusOf;
  /** Those that were made of it. */
  ideas: KnownIdeaRow[];
  drift: DriftNoticeProps;
}

/** For its stream, beside what stands around every page. */
export function documentStatePartials(
  { marks, statusOf, ideas, drift }: DocumentStatesProps,
): VNode {
  return (
    <>
      {documentMarkPartials(marks, statusOf)}
      {replace("document-ideas", <DocumentIdeasPanel rows={ideas} />)}
      {replace("document-drift", <DriftNotice {...drift} />)}
    </>
  );
}
