/** Acceptance criteria and what a review says of them, brought together by their words. */

/**
 * The verdict on each criterion, null where there is none, and those on anything else. Words count, not how they are set;
 * each verdict is about one criterion, so that one given twice hides none that is missing.
 */
export function matchVerdicts<T extends { criterion: string }>(
  criteria: readonly string[],
  verdicts: readonly T[],
): { of: { criterion: string; verdict: T | null }[]; others: T[] } {
  const left = new Set(verdicts);
  const take = (fits: (words: string) => boolean): T | null => {
    for (const verdict of left) {
      if (!fits(plainWords(verdict.criterion))) continue;
      left.delete(verdict);
      return verdict;
    }
    return null;
  };
  const of = criteria.map((criterion) => {
    const words = plainWords(criterion);
    return { criterion, verdict: take((other) => other === words) };
  });
  // A shortened or lengthened one, where nothing says just the same.
  for (const one of of) {
    const words = plainWords(one.criterion);
    one.verdict ??= take((other) =>
      other.length >= PART_CHARS && words.includes(other) ||
      words.length >= PART_CHARS && other.includes(words)
    );
  }
  return { of, others: [...left] };
}

/** Fewer letters than this, within others, are no criterion. */
const PART_CHARS = 12;

/** A text's letters and digits, however they are set. */
export const plainWords = (text: string): string =>
  text.toLowerCase().replace(/[^\p{L}\p{N}]+/gu, " ").trim();
