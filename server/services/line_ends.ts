/** How lines end: with LF, or with CR and LF, and in some files now so and now so. */

/** What most lines of a text end with. */
export function lineEndOf(text: string): "\n" | "\r\n" {
  const all = text.split("\n").length - 1;
  const withCr = text.split("\r\n").length - 1;
  return withCr > all - withCr ? "\r\n" : "\n";
}
