/**
 * What a command prints whose variables hold a person's secrets, without them: they come neither to a model nor into a
 * file. A test that wants to can spell a secret otherwise; this is for those that print it as it is.
 */

/** Shorter values are words that occur for other reasons. */
const MIN_SECRET_CHARS = 6;

export interface MaskedOutput {
  /** A whole text without the secrets. */
  clean(text: string): string;
  /** Passes on what comes in pieces; a secret that two of them share is seen too. `end` passes on the rest. */
  live(pass: (text: string) => void): { push(text: string): void; end(): void };
}

/** `secrets`: values by the name of the variable that they come from, or pairs of both where one has several. */
export function maskedOutput(
  secrets: Readonly<Record<string, string>> | readonly (readonly [name: string, value: string])[],
): MaskedOutput {
  const all = Array.isArray(secrets) ? secrets : Object.entries(secrets);
  const known = all.filter(([, value]) => value.length >= MIN_SECRET_CHARS)
    .toSorted(([, one], [, other]) => other.length - one.length);
  const clean = (text: string) =>
    known.reduce(
      (masked, [name, value]) => masked.replaceAll(value, `[redacted: $${name}]`),
      text,
    );
  const held = (known[0]?.[1].length ?? 1) - 1;
  return {
    clean,
    live(pass) {
      let kept = "";
      return {
        push(text) {
          const all = clean(kept + text);
          const end = all.length - held;
          if (end > 0) pass(all.slice(0, end));
          kept = all.slice(Math.max(end, 0));
        },
        end() {
          if (kept !== "") pass(kept);
          kept = "";
        },
      };
    },
  };
}
