/** Cutting text to what a model should read, and telling text from other bytes. */

const BINARY_LOOK_BYTES = 8_000;
const strictUtf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
const looseUtf8 = new TextDecoder("utf-8", { ignoreBOM: true });
const encoder = new TextEncoder();

export const utf8Length = (text: string): number => encoder.encode(text).length;

/** As git decides it: a NUL byte near the start. */
export const isBinary = (bytes: Uint8Array): boolean =>
  bytes.subarray(0, BINARY_LOOK_BYTES).includes(0);

/** `exact` is false where bytes that are not UTF-8 were replaced by U+FFFD. */
export function decodeText(bytes: Uint8Array): { text: string; exact: boolean } {
  try {
    return { text: strictUtf8.decode(bytes), exact: true };
  } catch {
    return { text: looseUtf8.decode(bytes), exact: false };
  }
}

export const BOM = "\uFEFF";

/** The line, cut at `maxChars` with a word about the rest. */
export const clipLine = (line: string, maxChars: number): string =>
  line.length <= maxChars
    ? line
    : `${line.slice(0, maxChars)} [${line.length - maxChars} more characters in this line]`;

/** As many whole lines from the start as fit both limits. */
export function takeLines(
  lines: readonly string[],
  { maxLines, maxBytes }: { maxLines: number; maxBytes: number },
): string[] {
  let bytes = 0;
  const taken: string[] = [];
  for (const line of lines) {
    bytes += utf8Length(line) + 1;
    if (taken.length === maxLines || bytes > maxBytes) break;
    taken.push(line);
  }
  return taken;
}

/** "1 match", "3 matches". */
export const count = (n: number, one: string, many = `${one}s`): string =>
  `${n} ${n === 1 ? one : many}`;
