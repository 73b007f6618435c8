/** Gives a request up when its server falls silent, or sends more than any answer can have. */

/** Far above the longest answer of any model; a server that sends more is broken or hostile. */
export const MAX_ANSWER_BYTES = 32_000_000;

export interface IdleWatch {
  /** Sends through this are watched. One watch is for one request. */
  fetch: typeof fetch;
  /** Aborts when the caller's signal does, or when the server was silent for too long. */
  signal: AbortSignal;
  /** The server was silent for too long. */
  readonly stalled: boolean;
  /** Rejects when `signal` aborts: a fetch that ignores its signal can't hold up the caller. */
  aborted: Promise<never>;
  stop(): void;
}

/**
 * Silence counts from now on, so before the headers too, and ends with every byte that comes: the keep-alive
 * pings among them, which the vendor's library never shows to its caller.
 */
export function watchIdle(options: {
  fetch: typeof fetch;
  idleMs: number;
  signal: AbortSignal;
}): IdleWatch {
  const idle = new AbortController();
  const signal = AbortSignal.any([options.signal, idle.signal]);
  const expire = () => idle.abort(new Error(`no data for ${options.idleMs} ms`));
  let timer = setTimeout(expire, options.idleMs);
  const beat = () => {
    clearTimeout(timer);
    if (!signal.aborted) timer = setTimeout(expire, options.idleMs);
  };
  const aborted = new Promise<never>((_resolve, reject) => {
    if (signal.aborted) reject(signal.reason);
    signal.addEventListener("abort", () => reject(signal.reason), { once: true });
  });
  // The one who waits for the answer races it; without a request nobody does.
  aborted.catch(() => {});
  return {
    signal,
    aborted,
    get stalled() {
      return idle.signal.aborted;
    },
    async fetch(input, init) {
      const response = await options.fetch(input, init);
      beat();
      if (!response.body) return response;
      const { status, statusText, headers } = response;
      // Given up, it is hung up on here: whether `fetch` itself still hears of it once the headers are there, is left to
      // what the vendor's library and the garbage collector keep of its signal.
      const body = response.body.pipeThrough(meter(beat), { signal });
      return new Response(body, { status, statusText, headers });
    },
    stop() {
      clearTimeout(timer);
    },
  };
}

function meter(beat: () => void): TransformStream<Uint8Array, Uint8Array<ArrayBuffer>> {
  let bytes = 0;
  return new TransformStream({
    transform(chunk, controller) {
      beat();
      bytes += chunk.length;
      if (bytes > MAX_ANSWER_BYTES) throw new Error(`more than ${MAX_ANSWER_BYTES} bytes came`);
      controller.enqueue(chunk as Uint8Array<ArrayBuffer>);
    },
  });
}
