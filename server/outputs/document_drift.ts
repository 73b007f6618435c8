/** Documents that the code has left behind, as the API gives them. */
import { z } from "zod";
import type { App } from "../app.ts";
import { once } from "../once.ts";
import type { PlanningDocument } from "../records.ts";
import { type StaleDocument, staleReasonOf } from "../services/document_drift.ts";
import { listDocumentFiles } from "../store/document_drift.ts";
import { time } from "./common.ts";
import { documentSummaryJson, documentSummarySchema } from "./documents.ts";

const commitSchema = once(() =>
  z.object({
    commit: z.string(),
    by: z.string(),
    at: time(),
    subject: z.string(),
    files: z.array(z.string()).describe("Those of its files that the document describes"),
  }).meta({ id: "DriftCommit" })
);

export const driftSchema = once(() =>
  z.object({
    stale: z.boolean(),
    files: z.array(z.string()).describe("Paths and globs that the document describes"),
    reason: z.string().describe("In a sentence; empty: it is not stale"),
    commits: z.array(commitSchema()).describe("Newest first"),
  }).meta({ id: "DocumentDrift" })
);

export function driftJson(
  app: App,
  document: PlanningDocument,
): z.infer<ReturnType<typeof driftSchema>> {
  const { reason = "", commits = [] } = staleReasonOf(app, document) ?? {};
  const files = listDocumentFiles(app.db, document);
  return { stale: commits.length > 0, files, reason, commits };
}

export const staleSchema = once(() =>
  z.object({
    document: documentSummarySchema(),
    reason: z.string(),
    commits: z.array(commitSchema()),
  }).meta({ id: "StaleDocument" })
);

export const staleJson = (
  { document, reason, commits }: StaleDocument,
): z.infer<ReturnType<typeof staleSchema>> => ({
  document: documentSummaryJson(document),
  reason,
  commits,
});
