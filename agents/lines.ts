/** Lines of JSON on a pipe, bounded before anything parses them. */

/** Longest line that hands may send. Escapes can make six bytes of one character. */
export const MAX_ANSWER_BYTES = 2 * 1024 * 1024;
/** Longest line that the server may send: the content of a file that an agent writes. */
export const MAX_REQUEST_BYTES = 64 * 1024 * 1024;

const LINE_END = 10;

/** The line had more than the bytes allowed; nothing of it was parsed. */
export class LineTooLong extends Error {
  override name = "LineTooLong";
  constructor(maxBytes: number) {
    super(`a line had more than ${maxBytes} bytes`);
  }
}

/** The lines of a stream, without their ends. What follows the last line end is dropped: it was cut off. */
export async function* readLines(
  stream: ReadableStream<Uint8Array>,
  maxBytes: number,
): AsyncGenerator<string> {
  const decoder = new TextDecoder();
  let text = "";
  let held = 0;
  for await (const chunk of stream) {
    let from = 0;
    for (let end = chunk.indexOf(LINE_END); end >= 0; end = chunk.indexOf(LINE_END, from)) {
      held += end - from;
      if (held > maxBytes) throw new LineTooLong(maxBytes);
      yield text + decoder.decode(chunk.subarray(from, end));
      text = "";
      held = 0;
      from = end + 1;
    }
    held += chunk.length - from;
    if (held > maxBytes) throw new LineTooLong(maxBytes);
    text += decoder.decode(chunk.subarray(from), { stream: true });
  }
}
