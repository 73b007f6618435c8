import type { MiddlewareHandler } from "hono";
import type { Env } from "./api.ts";
import { AppError } from "./errors.ts";

export const MAX_BODY_BYTES = 2 * 1024 * 1024;
/** Of a request that brings an image: 8 MB, as a form or in base64, and what is about it. */
export const MAX_IMAGE_BODY_BYTES = 12 * 1024 * 1024;
const BRINGS_IMAGE = /^\/(?:documents|api\/v1\/projects)\/[^/]+\/images$/;

/**
 * Refuses a body that is too long, before it is read where its length is known. Hono's own copies the request
 * with its signal, and merely touching that makes Deno print a warning.
 */
export const bodyLimit: MiddlewareHandler<Env> = async (c, next) => {
  const { body, headers, method, url } = c.req.raw;
  if (body) {
    const most = BRINGS_IMAGE.test(c.req.path) ? MAX_IMAGE_BODY_BYTES : MAX_BODY_BYTES;
    const length = headers.get("content-length");
    if (length === null || headers.has("transfer-encoding")) {
      c.req.raw = new Request(url, { method, headers, body: await readLimited(body, most) });
    } else if (Number(length) > most) throw tooLong(most);
  }
  await next();
};

async function readLimited(body: ReadableStream<Uint8Array>, most: number): Promise<Blob> {
  const chunks: Uint8Array<ArrayBuffer>[] = [];
  let bytes = 0;
  for await (const chunk of body) {
    bytes += chunk.byteLength;
    if (bytes > most) throw tooLong(most);
    chunks.push(chunk as Uint8Array<ArrayBuffer>);
  }
  return new Blob(chunks);
}

const tooLong = (most: number) =>
  new AppError(
    "invalid",
    `Cannot read the request: its body is larger than ${most / 1024 / 1024} MB`,
    [],
    { status: 413 },
  );
