/** Trailers of a commit message, by the rules of `git interpret-trailers`: what git finds, and no line twice. */

const SEPARATED = /^([A-Za-z0-9-]+)[ \t]*:(.*)$/;
/** Lines that git writes itself: beside one of them, up to three of four lines may be something else. */
const GENERATED = /^(Signed-off-by: |\(cherry picked from commit )/;

/**
 * The message with these trailers (`Key: value` lines) at its end: in the block that it ends in already, or in
 * one of their own. What stands there with the same key and value, in whatever case, is not added again.
 */
export function addTrailers(message: string, trailers: readonly string[]): string {
  const text = message.replace(/\r\n?/g, "\n").trim();
  const block = trailerBlock(text);
  const known = new Set(block.map(comparable));
  const added = trailers.filter((trailer) => !known.has(comparable(trailer)));
  const start = block.length > 0 ? text : `${text}\n`;
  return [start, ...added].join("\n") + "\n";
}

/** Lines of the last paragraph, when it is a block of trailers. The first paragraph, the title, never is. */
function trailerBlock(text: string): string[] {
  const paragraphs = text.split(/\n\s*\n/);
  const lines = paragraphs.length > 1 ? paragraphs.at(-1)!.split("\n") : [];
  let trailers = 0;
  let others = 0;
  let belongsToTrailer = false;
  for (const line of lines) {
    const isComment = line.startsWith("#");
    const continues = /^\s/.test(line);
    const isTrailer = !continues && (GENERATED.test(line) || SEPARATED.test(line));
    if (isTrailer) trailers++;
    else if (!isComment && !(continues && belongsToTrailer)) others++;
    belongsToTrailer = isTrailer || continues && belongsToTrailer;
  }
  const isBlock = lines.some((line) => GENERATED.test(line))
    ? trailers * 3 >= others
    : trailers > 0 && others === 0;
  return isBlock ? lines : [];
}

const comparable = (line: string): string =>
  line.replace(SEPARATED, (_, key, value) => `${key}:${value.trim()}`).toLowerCase();
