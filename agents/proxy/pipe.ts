/** Passes bytes between two connections, with whatever limits the caller has. Loaded by the hands, too. */

/** What both ends have in common: TCP and Unix sockets, also with TLS. */
export type Duplex = Pick<Deno.Conn, "read" | "write" | "closeWrite" | "close">;

const CHUNK_BYTES = 32 * 1024;

/** Passes on until both sides have ended, or one has failed; both are closed then. `onBytes` may throw to end it. */
export async function joinPipes(
  a: Duplex,
  b: Duplex,
  onBytes: (bytes: number) => void = () => {},
): Promise<void> {
  try {
    await Promise.all([passOn(a, b, onBytes), passOn(b, a, onBytes)]);
  } finally {
    closeQuietly(a);
    closeQuietly(b);
  }
}

/** Passes on until `from` ends, or `maxBytes` were passed on; says how many. */
export async function passOn(
  from: Duplex,
  to: Duplex,
  onBytes: (bytes: number) => void = () => {},
  maxBytes = Infinity,
): Promise<number> {
  const buffer = new Uint8Array(CHUNK_BYTES);
  let passed = 0;
  try {
    while (passed < maxBytes) {
      const read = await from.read(buffer.subarray(0, Math.min(CHUNK_BYTES, maxBytes - passed)));
      if (read === null) break;
      onBytes(read);
      await writeAll(to, buffer.subarray(0, read));
      passed += read;
    }
    if (maxBytes === Infinity) await to.closeWrite();
    return passed;
  } catch (error) {
    // Whoever waits on the other direction must not wait for ever.
    closeQuietly(from);
    closeQuietly(to);
    throw error;
  }
}

export async function writeAll(to: Pick<Duplex, "write">, bytes: Uint8Array): Promise<void> {
  for (let done = 0; done < bytes.length;) done += await to.write(bytes.subarray(done));
}

/** No-op when it is closed. */
export function closeQuietly(conn: Pick<Duplex, "close">): void {
  try {
    conn.close();
  } catch (error) {
    if (!(error instanceof Deno.errors.BadResource)) throw error;
  }
}
