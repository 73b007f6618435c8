/** Images of planning documents: added by people, saved as documents are, and read to be shown. */
import {
  IMAGE_BYTES,
  imageAddress,
  imageFile,
  imageKind,
  type ImageType,
  imageTypeOf,
  imageWords,
  isImagePath,
  newImagePath,
} from "../../agents/planning/image_files.ts";
import type { App } from "../app.ts";
import { AppError } from "../errors.ts";
import type { PlanningDocument, Project } from "../records.ts";
import { getProject } from "../store/projects.ts";
import { pathFrom } from "./document_facts.ts";
import { documentsAlone } from "./document_index.ts";
import { readFile, saveFile } from "./file_saves.ts";

export { IMAGE_BYTES };

export interface GivenImage {
  /** As the person's file is called. */
  name: string;
  bytes: Uint8Array;
}

/**
 * Keeps an image below `planning/images/` and gives its path from `planning/`. The same image again is the same file.
 * Throws `invalid` for what is no image or too large, `conflict` as `saveFile` and for an archived project.
 */
export async function addImage(
  app: App,
  projectId: string,
  { name, bytes }: GivenImage,
  signal: AbortSignal,
): Promise<string> {
  const project = getProject(app.db, projectId);
  if (project.status !== "active") {
    throw new AppError("conflict", `Cannot add the image: "${project.name}" is archived`);
  }
  const path = newImagePath(name, bytes);
  await documentsAlone(app, project, () =>
    saveFile(app, {
      ...{ project, signal },
      path: imageFile(path),
      shown: path,
      kind: imageKind,
      content: bytes,
      check: (present) => {
        // The name has only the beginning of the hash.
        if (present === null || sameBytes(present.bytes, bytes)) return;
        throw new AppError("conflict", `Cannot add the image: ${path} is another one already`);
      },
      message: (doing) => `docs(planning): ${doing} ${path}`,
    }));
  return path;
}

const sameBytes = (a: Uint8Array, b: Uint8Array): boolean =>
  a.length === b.length && a.every((byte, i) => byte === b[i]);

/** What a document says to show an image of its project. */
export const imageMarkdown = (
  { path }: Pick<PlanningDocument, "path">,
  { name, image }: { name: string; image: string },
): string => `![${imageWords(name)}](${imageAddress(path, image)})`;

export interface DocumentImage extends ImageType {
  bytes: Uint8Array<ArrayBuffer>;
}

/**
 * An image of a project's `planning/images/`. Throws `not_found` for another path, or where there is none;
 * `conflict` for what is no plain file, too large, or no image.
 */
export async function readImage(
  app: App,
  project: Project,
  path: string,
  signal: AbortSignal,
): Promise<DocumentImage> {
  const none = () => new AppError("not_found", `Cannot show the image "${path}": there is none`);
  if (!isImagePath(path)) throw none();
  const file = await readFile(app, { project, path: imageFile(path), kind: imageKind, signal });
  if (file === null) throw none();
  const type = imageTypeOf(file.bytes);
  if (type === null) {
    throw new AppError("conflict", `Cannot show ${path}: it is no PNG, JPEG, GIF or WebP image`);
  }
  return { ...type, bytes: file.bytes };
}

/** The image's path from `planning/` that an address in a document leads to; null: to none that is shown. */
export function linkedImage({ path }: Pick<PlanningDocument, "path">, src: string): string | null {
  const address = src.replace(/[?#].*$/s, "");
  const target = address.startsWith("/planning/")
    ? pathFrom("", address.slice("/planning/".length))
    : pathFrom(path, address);
  return target !== null && isImagePath(target) ? target : null;
}
