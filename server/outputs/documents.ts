/** Planning documents, as the API gives them. */
import { z } from "zod";
import { once } from "../once.ts";
import type { PlanningDocument } from "../records.ts";
import type { DocumentVersion } from "../services/document_versions.ts";
import type { LostDraft } from "../services/document_drafts.ts";
import type { DocumentDraft } from "../store/document_drafts.ts";
import type { GoneDocument } from "../store/documents_gone.ts";
import { documentSaves, documentStatuses, documentTypes } from "../states.ts";
import { id, time } from "./common.ts";

const fields = () => ({
  id: id(),
  project_id: id(),
  path: z.string().describe("In the project's planning/"),
  title: z.string(),
  type: z.enum(documentTypes),
  status: z.enum(documentStatuses),
  owner: z.string(),
  target: z.string(),
  problem: z.string().describe("What is wrong with its front matter or file; empty: nothing"),
  bytes: z.number().int(),
  version: z.string().describe("Of its text"),
  indexed_at: time(),
});

export const documentSummarySchema = once(() => z.object(fields()).meta({ id: "DocumentSummary" }));

export const documentSummaryJson = (
  document: PlanningDocument,
): z.infer<ReturnType<typeof documentSummarySchema>> => ({
  id: document.id,
  project_id: document.projectId,
  path: document.path,
  title: document.title,
  type: document.type,
  status: document.status,
  owner: document.owner,
  target: document.target,
  problem: document.problem,
  bytes: document.bytes,
  version: document.version,
  indexed_at: document.indexedAt,
});

export const documentSchema = once(() =>
  z.object({ ...fields(), text: z.string() }).meta({ id: "Document" })
);

export const documentJson = (
  { document, text }: { document: PlanningDocument; text: string },
): z.infer<ReturnType<typeof documentSchema>> => ({ ...documentSummaryJson(document), text });

export const planningSettingsSchema = once(() =>
  z.object({
    project_id: id(),
    saves: z.enum(documentSaves).describe(
      "commit: each save is a commit on the base branch; files: only in the person's folder",
    ),
  }).meta({ id: "PlanningSettings" })
);

export const documentVersionSchema = once(() =>
  z.object({
    id: z.string().describe("A commit's, or a save's"),
    by: z.string(),
    at: time(),
    subject: z.string().nullable().describe("Of the commit; null: a save that is none"),
    path: z.string().nullable().describe("That the document had then; null: of a save"),
    removed: z.boolean().describe("It removed the document: there is no text"),
  }).meta({ id: "DocumentVersion" })
);

export const documentVersionJson = (
  { id, by, at, subject, path, removed }: DocumentVersion,
): z.infer<ReturnType<typeof documentVersionSchema>> => ({ id, by, at, subject, path, removed });

export const draftSchema = once(() =>
  z.object({
    document_id: id(),
    typed_in: z.string().describe("Names the form in which it was typed"),
    text: z.string(),
    seen: z.string().describe("Version of the text that was opened"),
    updated_at: time(),
  }).meta({ id: "DocumentDraft" })
);

export const draftJson = (
  documentId: string,
  { form, text, seen, updatedAt }: DocumentDraft,
): z.infer<ReturnType<typeof draftSchema>> => ({
  document_id: documentId,
  typed_in: form,
  text,
  seen,
  updated_at: updatedAt,
});

export const lostDraftSchema = once(() =>
  z.object({
    path: z.string().describe("That it was typed for, in the project's planning/"),
    typed_in: z.string().describe("Names the form in which it was typed"),
    text: z.string(),
    updated_at: time(),
  }).meta({ id: "LostDraft" })
);

export const lostDraftJson = (
  { path, form, text, updatedAt }: LostDraft,
): z.infer<ReturnType<typeof lostDraftSchema>> => ({
  path,
  typed_in: form,
  text,
  updated_at: updatedAt,
});

export const goneDocumentSchema = once(() =>
  z.object({
    id: id(),
    project_id: id(),
    path: z.string().describe("That it had in the project's planning/"),
    gone_at: time(),
  }).meta({ id: "GoneDocument" })
);

export const goneDocumentJson = (
  gone: GoneDocument,
): z.infer<ReturnType<typeof goneDocumentSchema>> => ({
  id: gone.id,
  project_id: gone.projectId,
  path: gone.path,
  gone_at: gone.goneAt,
});

export const templateSchema = once(() =>
  z.object({
    id: z.string(),
    name: z.string(),
    about: z.string(),
    folder: z.string(),
    text: z.string().describe("With {{title}} and {{date}} to be filled in"),
    own: z.boolean().describe("Of the project's planning/templates/"),
  }).meta({ id: "DocumentTemplate" })
);

export const completionSchema = once(() =>
  z.object({
    kind: z.enum(["document", "idea", "ticket"]),
    name: z.string().describe("What a link says: `idea-12` after #, a title or path in [[…]]"),
    about: z.string(),
  }).meta({ id: "DocumentCompletion" })
);
