/** How lines end: with LF, or with CR and LF, and in some files now so and now so. A text from a form or an agent comes without. */

const CRLF = "\r\n";

/** What most lines of a text end with. */
export function lineEndOf(text: string): "\n" | "\r\n" {
  const all = text.split("\n").length - 1;
  const withCr = text.split("\r\n").length - 1;
  return withCr > all - withCr ? "\r\n" : "\n";
}

/**
 * The text with the ends that its lines have in the file. In one that has both kinds each line keeps its own; a new one
 * gets the kind that the file has more of. A file of one kind gives that to all.
 */
export function withEndsOf(text: string, file: string): string {
  const lines = text.replaceAll(CRLF, "\n").split("\n");
  const [was, ends] = splitLines(file);
  const crlf = ends.filter((end) => end === CRLF).length;
  if (crlf === 0) return lines.join("\n");
  const lf = ends.filter((end) => end === "\n").length;
  if (lf === 0) return lines.join(CRLF);
  const most = crlf >= lf ? CRLF : "\n";
  const last = Math.min(lines.length, was.length);
  let begin = 0;
  while (begin < last && lines[begin] === was[begin]) begin++;
  let tail = 0;
  while (tail < last - begin && lines.at(-1 - tail) === was.at(-1 - tail)) tail++;
  // Between what is the same at both ends of the text, a line that was there has its end from there.
  const between = new Map<string, string>();
  for (let i = begin; i < was.length - tail; i++) between.set(was[i]!, ends[i]!);
  return lines.map((line, i) => {
    if (i === lines.length - 1) return line;
    const end = i < begin
      ? ends[i]
      : i >= lines.length - tail
      ? ends[i - lines.length + was.length]
      : between.get(line);
    return line + (end || most);
  }).join("");
}

/** Lines without their ends, and these; the last line has none. */
function splitLines(file: string): [lines: string[], ends: string[]] {
  const [lines, ends]: [string[], string[]] = [[], []];
  for (const line of file.split("\n")) {
    const isCrlf = line.endsWith("\r");
    lines.push(isCrlf ? line.slice(0, -1) : line);
    ends.push(isCrlf ? CRLF : "\n");
  }
  ends[ends.length - 1] = "";
  return [lines, ends];
}
