/** The images that documents show, read once for an export of them. */
import { Buffer } from "node:buffer";
import type { App } from "../app.ts";
import { AppError } from "../errors.ts";
import type { PlanningDocument, Project } from "../records.ts";
import { addressesIn } from "./document_addresses.ts";
import { type DocumentImage, linkedImage, readImage } from "./document_images.ts";

/** Most bytes of texts and images that one export holds. */
export const EXPORT_BYTES = 64 * 1024 * 1024;

/** A document as far as its images go. */
type Illustrated = { document: Pick<PlanningDocument, "path">; text: string };

export interface ExportImages {
  /** By their path from `planning/`. */
  all: Map<string, DocumentImage>;
  /** The image that an address in a document leads to; null: to none that can be shown. */
  find(document: PlanningDocument, src: string): DocumentImage | null;
}

/** Throws `conflict` where texts and images come to more than `EXPORT_BYTES`, and the signal's reason. */
export async function exportImages(
  app: App,
  { project, documents }: { project: Project; documents: readonly Illustrated[] },
  signal: AbortSignal,
): Promise<ExportImages> {
  const all = new Map<string, DocumentImage>();
  let bytes = bytesOf(documents);
  for (const path of imagePaths(documents)) {
    signal.throwIfAborted();
    const image = await readIfShown(app, project, path, signal);
    if (image === null) continue;
    bytes += image.bytes.length;
    requireRoom(bytes);
    all.set(path, image);
  }
  return {
    all,
    find(document, src) {
      const path = linkedImage(document, src);
      return path === null ? null : all.get(path) ?? null;
    },
  };
}

/** Throws `conflict` for more bytes than `EXPORT_BYTES`. */
export function requireRoom(bytes: number): void {
  if (bytes > EXPORT_BYTES) throw tooMuch();
}

const bytesOf = (documents: readonly Illustrated[]): number =>
  documents.reduce((sum, { text }) => sum + Buffer.byteLength(text), 0);

function imagePaths(documents: readonly Illustrated[]): Set<string> {
  const found = new Set<string>();
  for (const { document, text } of documents) {
    for (const address of addressesIn(text)) {
      const path = linkedImage(document, address);
      if (path !== null) found.add(path);
    }
  }
  return found;
}

/** One that can't be shown is no reason to export none: its words stand in its place. */
async function readIfShown(
  app: App,
  project: Project,
  path: string,
  signal: AbortSignal,
): Promise<DocumentImage | null> {
  try {
    return await readImage(app, project, path, signal);
  } catch (error) {
    if (error instanceof AppError && ["not_found", "conflict"].includes(error.code)) return null;
    throw error;
  }
}

/** What an export is refused with that would be larger than `EXPORT_BYTES`. */
export const tooMuch = (): AppError =>
  new AppError(
    "conflict",
    `Cannot export: the documents and their images come to more than ${
      EXPORT_BYTES / 1024 / 1024
    } MB. ` +
      "Export single documents, or make images smaller",
  );
