/** Reads the head of a request or an answer, up to its empty line, and what came behind it. */
import type { Duplex } from "./pipe.ts";
import { BadRequest } from "./request.ts";

const END = "\r\n\r\n";
/** What begins so is no HTTP: SOCKS, TLS, or a program's own. */
const isText = (byte: number): boolean => byte >= 0x20 && byte < 0x7f;

/** Null: it ended before its end. Throws `BadRequest` for one that is too long, or no HTTP. */
export async function readHead(
  conn: Pick<Duplex, "read">,
  maxBytes: number,
): Promise<{ head: string; rest: Uint8Array } | null> {
  const bytes = new Uint8Array(maxBytes);
  let length = 0;
  while (true) {
    const read = await conn.read(bytes.subarray(length));
    if (read === null) return null;
    length += read;
    if (length > 0 && !isText(bytes[0]!)) {
      throw new BadRequest(400, "this is no request to an HTTP proxy");
    }
    const text = latin1(bytes.subarray(0, length));
    const end = text.indexOf(END);
    if (end >= 0) return { head: text.slice(0, end), rest: bytes.slice(end + END.length, length) };
    if (length === maxBytes) throw new BadRequest(431, "its headers are too long");
  }
}

/** One character a byte, so that places in the text are places in the bytes. */
function latin1(bytes: Uint8Array): string {
  let text = "";
  for (let at = 0; at < bytes.length; at += 1024) {
    text += String.fromCharCode(...bytes.subarray(at, at + 1024));
  }
  return text;
}
