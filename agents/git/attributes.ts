/** Which files a repository's `.gitattributes` calls generated. */

/** Longest `.gitattributes` that is read, and most of its lines. */
export const ATTRIBUTES_CHARS = 64_000;
const RULES_MAX = 1_000;

/**
 * Reads the rules on `linguist-generated` of the root's `.gitattributes`. What comes out says of a path true or false
 * where a rule does, the last one winning, else null. Files deeper in the tree are not asked: they are rare.
 */
export async function generatedBy(text: string): Promise<(path: string) => boolean | null> {
  const { default: ignore } = await import("ignore");
  const rules = text.slice(0, ATTRIBUTES_CHARS).split("\n").slice(0, RULES_MAX).flatMap((line) => {
    const [pattern = "", ...attributes] = line.trim().split(/\s+/);
    if (pattern === "" || pattern.startsWith("#") || pattern.startsWith("[attr]")) return [];
    const said = attributes.findLast((name) => /^[-!]?linguist-generated(?:=|$)/.test(name));
    if (said === undefined) return [];
    const matcher = ignore().add(pattern);
    return [{ matcher, generated: !/^[-!]|=(?:false|0|no)$/i.test(said) }];
  });
  return (path) =>
    rules.findLast(({ matcher }) => ignore.isPathValid(path) && matcher.ignores(path))?.generated ??
      null;
}
