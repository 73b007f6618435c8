/** Documents as one JSON file. */
import { z } from "zod";
import { once } from "../once.ts";
import type { DocumentLink } from "../records.ts";
import type { OpenDocument } from "../services/documents.ts";
import { frontMatterOf } from "../services/document_facts.ts";
import { id, time } from "./common.ts";
import { documentJson, documentSchema } from "./documents.ts";

/** Changes when something of it is no longer what it was; what is only added does not count. */
const FORMAT = 1;

export const documentExportSchema = once(() =>
  z.object({
    format: z.literal(FORMAT),
    exported_at: time(),
    project: z.object({ id: id(), name: z.string() }),
    left_out: z.array(z.object({ path: z.string(), problem: z.string() }))
      .describe("Documents that could not be read, each with why"),
    documents: z.array(
      documentSchema().extend({
        front_matter: z.record(z.string(), z.unknown()).describe(
          "Its values; empty where there is none, or none that can be read",
        ),
        links: z.array(z.object({
          kind: z.enum(["document", "idea", "ticket"]),
          target: z.string().describe("A name or path in lower case, or a number"),
        })),
        versions: z.array(z.string()).describe(
          "Ids of commits and of saves that are none, newest first of each; `/documents/{id}/versions/{version}` has their texts",
        ),
      }),
    ),
  }).meta({ id: "DocumentExport" })
);

/** What an export tells of a document beside its text. */
export interface ExportedFacts extends OpenDocument {
  links: DocumentLink[];
  versions: string[];
}

export const documentExportJson = (
  { project, at, documents, leftOut }: {
    project: { id: string; name: string };
    /** UTC text. */
    at: string;
    documents: readonly ExportedFacts[];
    leftOut: { path: string; problem: string }[];
  },
): z.infer<ReturnType<typeof documentExportSchema>> => ({
  format: FORMAT,
  exported_at: at,
  project: { id: project.id, name: project.name },
  left_out: leftOut,
  documents: documents.map(({ links, versions, ...open }) => ({
    ...documentJson(open),
    front_matter: frontMatterOf(open.text),
    links: links.map(({ kind, target }) => ({ kind, target })),
    versions,
  })),
});
