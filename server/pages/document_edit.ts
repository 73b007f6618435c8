/** What the form of a document shows, and its versions. */
import { DOCUMENT_BYTES } from "../../agents/planning/document_paths.ts";
import { IMAGE_BYTES } from "../../agents/planning/image_files.ts";
import type { DocumentEditPageProps, DocumentLive } from "../../views/document_edit.tsx";
import type {
  DocumentForm,
  DocumentMeetingShown,
  OtherDraftShown,
} from "../../views/document_meeting.tsx";
import type { DocumentVersionsPageProps, StatusChangeRow } from "../../views/document_versions.tsx";
import type { App } from "../app.ts";
import { AppError } from "../errors.ts";
import type { ChangeEvent, PlanningDocument } from "../records.ts";
import { type DocumentMeeting, draftsFor, meet } from "../services/document_drafts.ts";
import { documentVersion } from "../services/document_facts.ts";
import { draftMark, newFormName } from "../services/document_typing.ts";
import {
  documentDiff,
  type LastChange,
  lastChange,
  listVersions,
  shownText,
} from "../services/document_versions.ts";
import { openDocument } from "../services/documents.ts";
import { type DocumentDraft, listDraftsOf } from "../store/document_drafts.ts";
import type { DocumentSpot } from "../store/documents_gone.ts";
import type { DocumentStatus } from "../states.ts";
import { lastSeq, listStatusChanges } from "../store/events.ts";
import { getProject } from "../store/projects.ts";
import { planningProjectOf } from "./planning.ts";
import { rendered } from "./rendered.ts";
import { type PageRequest, shellOf } from "./shell.ts";

/**
 * `refused`: what was typed, and why it was not saved. Else the draft of a form (`draft`), or the newest where there is
 * one, or the file's text; where the file was changed since the draft began, both are shown, and so are other drafts.
 */
export async function documentEditPage(
  request: PageRequest,
  id: string,
  signal: AbortSignal,
  { refused = null, draft: wanted }: { refused?: DocumentForm | null; draft?: string } = {},
): Promise<DocumentEditPageProps> {
  const { app } = request;
  const { document, text: present } = await openDocument(app, id, signal);
  const project = getProject(app.db, document.projectId);
  const drafts = draftsFor(app, document, present);
  const draft = refused
    ? drafts.find(({ form }) => form === refused.typed.form) ?? null
    : drafts.find(({ form }) => form === wanted) ?? drafts[0] ?? null;
  const crlf = present.includes("\r\n");
  const opened = refused ?? {
    text: draft?.text ?? present,
    seen: draft?.seen ?? document.version,
    crlf,
    typed: { form: newFormName(), from: draft ? draftMark(draft) : "" },
    message: null,
    errors: [],
  };
  const other = opened.seen !== document.version && opened.text !== present;
  const meeting = other ? await meet(app, id, { ...opened, present }, signal) : null;
  return {
    shell: shellOf({ ...request, projectId: project.id }),
    project: planningProjectOf(app, project),
    document,
    limits: { bytes: DOCUMENT_BYTES, imageBytes: IMAGE_BYTES },
    // What is saved next stands against the document as it is shown here.
    form: { ...opened, seen: document.version },
    typed: await liveOf(app, { ...document, gone: false }, {
      text: opened.text,
      draftAt: draft?.updatedAt ?? null,
      form: draft?.form ?? opened.typed.form,
    }),
    others: await othersShown(document, opened.text, drafts.filter((one) => one !== draft)),
    meeting: meeting &&
      await meetingShown(document, opened.text, {
        ...meeting,
        changed: await lastChange(app, document, present, signal),
        mergedIn: {
          form: newFormName(),
          from: draftMark({ form: draft?.form ?? opened.typed.form, text: opened.text }),
        },
      }),
    live: {
      path: `/live/document/${id}/edit?version=${document.version}`,
      after: lastSeq(app.db),
    },
  };
}

const LIVE_WAIT_MS = 250;

/** How a text looks, and whether it was kept. */
export async function liveOf(
  app: App,
  document: DocumentSpot,
  { text, form, draftAt, problem = null }: {
    text: string;
    /** Names the form whose draft it is. */
    form: string;
    draftAt: string | null;
    problem?: string | null;
  },
): Promise<DocumentLive> {
  // Whoever types is told first that the draft is kept.
  const { html, headings } = await rendered(app, document, text, { waitMs: LIVE_WAIT_MS });
  return {
    documentId: document.id,
    form,
    draftAt,
    otherAt: otherDraftAt(app, document, { text, form }),
    goneFrom: document.gone ? document.projectId : null,
    problem,
    html,
    headings,
    nowMs: app.clock.nowMs(),
  };
}

/** When this person last typed something else into the document, in another form; null: they did not. */
const otherDraftAt = (
  { db, actor }: App,
  document: DocumentSpot,
  { text, form }: { text: string; form: string },
): string | null =>
  listDraftsOf(db, document, actor)
    .find((draft) => draft.form !== form && draft.text !== text)?.updatedAt ?? null;

const othersShown = (
  { path }: PlanningDocument,
  shown: string,
  others: DocumentDraft[],
): Promise<OtherDraftShown[]> =>
  Promise.all(
    others.filter(({ text }) => text !== shown).map(async ({ form, text, updatedAt }) => ({
      ...{ form, text, updatedAt },
      diff: await documentDiff(path, shown, text),
    })),
  );

async function meetingShown(
  { path }: PlanningDocument,
  mine: string,
  { base, present, merged, changed, mergedIn }:
    & DocumentMeeting
    & { changed: LastChange }
    & Pick<DocumentMeetingShown, "mergedIn">,
): Promise<DocumentMeetingShown> {
  const changes = async (text: string) =>
    base === null ? null : await documentDiff(path, base, text);
  return {
    present,
    changed,
    version: documentVersion(present),
    theirs: await changes(present),
    mine: await changes(mine),
    merged,
    mergedIn,
  };
}

/** Newest changes of a document's status that are shown. */
const STATUSES_SHOWN = 50;

/**
 * `version`: the one that is looked at, "" for the list alone; `other`: what it is compared with, "now" for what the
 * file says. Throws `not_found` for one that there is not.
 */
export async function documentVersionsPage(
  request: PageRequest,
  id: string,
  { version, other }: { version: string; other: string },
  signal: AbortSignal,
): Promise<DocumentVersionsPageProps> {
  const { app } = request;
  const { document, text: present } = await openDocument(app, id, signal);
  const versions = await listVersions(app, document, signal);
  const page = {
    shell: shellOf({ ...request, projectId: document.projectId }),
    document,
    versions,
    statuses: listStatusChanges(app.db, document.id, STATUSES_SHOWN).map(statusChange),
  };
  if (version === "") return { ...page, shown: null };
  const look = async (wanted: string) => {
    const known = versions.find(({ id }) => id === wanted);
    if (known) return { known, text: await shownText(app, document, known, signal) };
    throw new AppError("not_found", `Cannot find version "${wanted}" of ${document.path}`);
  };
  const { known, text } = await look(version);
  const to = other === "now" ? null : await look(other);
  const diff = await documentDiff(document.path, text, to?.text ?? present);
  return { ...page, shown: { version: known, text, other: to?.known ?? null, diff } };
}

const statusChange = ({ seq, at, actor, data }: ChangeEvent): StatusChangeRow => ({
  ...{ seq, at },
  from: data.from as DocumentStatus,
  to: data.to as DocumentStatus,
  by: typeof data.by === "string" ? data.by : actor,
});
