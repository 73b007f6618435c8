/** File names as diffs write them: quoted like a C string, with prefixes that tell old from new. */

/**
 * The name in the rest of a `diff --git` line, which shows it twice: `a/x y b/x y`. Cutting in the middle
 * reads any name, spaces or not. Only a rename or copy has two, and it names them in lines of its own.
 */
export function nameInHeader(rest: string): string {
  const middle = Math.floor(rest.length / 2);
  const [old, now] = [unquote(rest.slice(0, middle)), unquote(rest.slice(middle + 1))];
  return old === now ? now : afterSlash(now); // equal: made with --no-prefix
}

/** Old and new name of a plain diff, from its `---` and `+++` lines; null stands for /dev/null. */
export function plainNames(old: string, now: string): [string | null, string | null] {
  const [from, to] = [plainName(old), plainName(now)];
  const prefixed = (from === null || from.startsWith("a/")) && (to === null || to.startsWith("b/"));
  const strip = (name: string | null) => prefixed && name !== null ? afterSlash(name) : name;
  return [strip(from), strip(to)];
}

/** A time stamp follows a tab; git ends a name that has spaces with a bare tab. */
function plainName(name: string): string | null {
  const text = name.startsWith('"') ? unquote(name) : name.split("\t")[0] ?? "";
  return text === "/dev/null" ? null : text;
}

const afterSlash = (name: string): string => name.slice(name.indexOf("/") + 1);

const escapes: Record<string, number> = { a: 7, b: 8, t: 9, n: 10, v: 11, f: 12, r: 13 };

/** Undoes git's quoting: `"\303\244 \"q\""` is `ä "q"`. A name without quotes is given back. */
export function unquote(name: string): string {
  if (!/^".*"$/.test(name)) return name;
  const bytes: number[] = [];
  const encoder = new TextEncoder();
  for (const [part, octal, letter] of name.slice(1, -1).matchAll(/\\([0-7]{3})|\\(.)|[^\\]+/gs)) {
    if (octal !== undefined) bytes.push(parseInt(octal, 8));
    else if (letter !== undefined) {
      bytes.push(...escapes[letter] ? [escapes[letter]] : encoder.encode(letter));
    } else bytes.push(...encoder.encode(part));
  }
  return new TextDecoder().decode(new Uint8Array(bytes));
}
