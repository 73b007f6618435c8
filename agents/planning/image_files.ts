/** Images of documents: what may be one, and what it is called. They lie below `planning/images/`. */
import { createHash } from "node:crypto";
import { AppError } from "../../server/errors.ts";
import { DOCUMENT_DEPTH, DOCUMENT_PATH_CHARS, isFolderName, PLANNING } from "./document_paths.ts";

/** Folder of images, from `planning/`. */
export const IMAGES = "images";
/** Largest image, in bytes. */
export const IMAGE_BYTES = 8 * 1024 * 1024;
/** Longest part of an image's name that is its own, in characters. */
const NAME_CHARS = 40;
/** Of the hash of its content: the same image is the same file, another one never takes its place. */
const HASH_CHARS = 12;

/** What an image's file is. */
export const imageKind = {
  maxBytes: IMAGE_BYTES,
  folder: "the images of documents",
  ordinary: "an ordinary image file",
};

/** Type of its content, and the ending of its name. */
export interface ImageType {
  type: "image/png" | "image/jpeg" | "image/gif" | "image/webp";
  ending: "png" | "jpg" | "gif" | "webp";
}

const signs: [ImageType, RegExp][] = [
  // deno-lint-ignore no-control-regex -- it is the format's own
  [{ type: "image/png", ending: "png" }, /^\x89PNG\r\n\x1a\n/],
  [{ type: "image/jpeg", ending: "jpg" }, /^\xff\xd8\xff/],
  [{ type: "image/gif", ending: "gif" }, /^GIF8[79]a/],
  [{ type: "image/webp", ending: "webp" }, /^RIFF[^]{4}WEBPVP8[ LX]/],
];

/** By its first bytes, whatever its name says; null: it is none of those that are shown. */
export function imageTypeOf(bytes: Uint8Array): ImageType | null {
  const head = String.fromCharCode(...bytes.subarray(0, 16));
  return signs.find(([, sign]) => sign.test(head))?.[0] ?? null;
}

/** Whether a path from `planning/` is one of an image: `images/…` with names as documents have them. */
export function isImagePath(path: string): boolean {
  const names = path.split("/");
  return path.length <= DOCUMENT_PATH_CHARS && names.length > 1 && names.length <= DOCUMENT_DEPTH &&
    names[0] === IMAGES && names.every(isFolderName) && /\.(?:png|jpe?g|gif|webp)$/i.test(path);
}

/**
 * The path from `planning/` under which an image is kept: the words of its own name, and the hash of its content.
 * Throws `invalid` for what is too large or none of the kinds of images.
 */
export function newImagePath(name: string, bytes: Uint8Array): string {
  const refuse = (why: string): never => {
    throw new AppError("invalid", `Cannot add the image: ${why}`, [
      { field: "image", message: why },
    ]);
  };
  if (bytes.length === 0) return refuse("Choose a file");
  if (bytes.length > IMAGE_BYTES) {
    return refuse(`It is larger than ${IMAGE_BYTES / 1024 / 1024} MB. Make it smaller`);
  }
  const known = imageTypeOf(bytes);
  if (known === null) return refuse(whyNoImage(bytes));
  const hash = createHash("sha256").update(bytes).digest("hex").slice(0, HASH_CHARS);
  return `${IMAGES}/${wordsOf(name) || "image"}-${hash}.${known.ending}`;
}

function whyNoImage(bytes: Uint8Array): string {
  const head = new TextDecoder().decode(bytes.subarray(0, 1_000));
  return /<svg|<\?xml|<!doctype/i.test(head)
    ? "An SVG file can hold scripts and addresses of other places. Save it as PNG"
    : "It is no PNG, JPEG, GIF or WebP image";
}

/** What an image is called where it can't be shown: its name's words. */
export const imageWords = (name: string): string =>
  baseOf(name).replace(/[^\p{L}\p{N}\p{M} .,_-]+/gu, " ").replace(/\s+/g, " ").trim()
    .slice(0, NAME_CHARS).trim() || "image";

const baseOf = (name: string): string =>
  name.normalize("NFC").split(/[/\\]/).at(-1)!.replace(/\.[A-Za-z0-9]{1,5}$/, "");

const wordsOf = (name: string): string =>
  baseOf(name).toLowerCase().replace(/[^a-z0-9]+/g, "-").slice(0, NAME_CHARS).replace(
    /^-+|-+$/g,
    "",
  );

/** Address of an image as a document says it. Both paths from `planning/`. */
export const imageAddress = (documentPath: string, imagePath: string): string =>
  "../".repeat(documentPath.split("/").length - 1) + imagePath;

/** Path from the repository's root. */
export const imageFile = (path: string): string => `${PLANNING}/${path}`;
