/** Keeps the head and the tail of an output of any length in bounded memory. */
export class HeadAndTail {
  readonly #half: number;
  #head = new Uint8Array(0);
  readonly #tail: Uint8Array[] = [];
  #tailBytes = 0;
  /** Bytes that came in all. */
  total = 0;

  /** `maxBytes` in all, half for each end. */
  constructor(maxBytes: number) {
    this.#half = Math.floor(maxBytes / 2);
  }

  push(chunk: Uint8Array): void {
    this.total += chunk.length;
    const room = this.#half - this.#head.length;
    if (room > 0) this.#head = concat([this.#head, chunk.subarray(0, room)]);
    if (chunk.length <= room) return;
    const rest = chunk.slice(Math.max(room, 0)).slice(-this.#half);
    this.#tail.push(rest);
    this.#tailBytes += rest.length;
    while (this.#tailBytes - this.#tail[0]!.length >= this.#half) {
      this.#tailBytes -= this.#tail.shift()!.length;
    }
  }

  /** Decoded as UTF-8, with what was left out said in between. */
  text(): string {
    const tail = concat(this.#tail).slice(-this.#half);
    const missing = this.total - this.#head.length - tail.length;
    const decoder = new TextDecoder();
    if (missing <= 0) return decoder.decode(concat([this.#head, tail]));
    return `${decoder.decode(this.#head)}\n\n[${missing} bytes left out]\n\n${
      decoder.decode(tail)
    }`;
  }
}

function concat(parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const all = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}
