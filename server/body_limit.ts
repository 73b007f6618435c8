import type { MiddlewareHandler } from "hono";
import type { Env } from "./api.ts";
import { AppError } from "./errors.ts";

export const MAX_BODY_BYTES = 2 * 1024 * 1024;

/**
 * Refuses a body that is too long, before it is read where its length is known. Hono's own copies the request
 * with its signal, and merely touching that makes Deno print a warning.
 */
export const bodyLimit: MiddlewareHandler<Env> = async (c, next) => {
  const { body, headers, method, url } = c.req.raw;
  if (body) {
    const length = headers.get("content-length");
    if (length === null || headers.has("transfer-encoding")) {
      c.req.raw = new Request(url, { method, headers, body: await readLimited(body) });
    } else if (Number(length) > MAX_BODY_BYTES) throw tooLong();
  }
  await next();
};

async function readLimited(body: ReadableStream<Uint8Array>): Promise<Blob> {
  const chunks: Uint8Array<ArrayBuffer>[] = [];
  let bytes = 0;
  for await (const chunk of body) {
    bytes += chunk.byteLength;
    if (bytes > MAX_BODY_BYTES) throw tooLong();
    chunks.push(chunk as Uint8Array<ArrayBuffer>);
  }
  return new Blob(chunks);
}

const tooLong = () =>
  new AppError(
    "invalid",
    `Cannot read the request: its body is larger than ${MAX_BODY_BYTES / 1024 / 1024} MB`,
    [],
    { status: 413 },
  );
