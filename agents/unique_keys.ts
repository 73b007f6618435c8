/** Whether the keys of a template's YAML are unique: the library compares each with each, which takes hours for many. */
import { isNode, isScalar, type parseDocument, visit } from "yaml";

/** Most keys of one file together: some times more than all its other limits leave room for. */
export const TEMPLATE_KEYS_MAX = 10_000;

/** What is wrong with a key. */
export interface KeyProblem {
  message: string;
  /** Its place in the file, in characters from the beginning. */
  offset: number;
}

/** The first key that is there twice, is no word, or is one too many; null: all are right. For YAML read with `uniqueKeys: false`. */
export function wrongKey(document: ReturnType<typeof parseDocument>): KeyProblem | null {
  let problem: KeyProblem | null = null;
  let count = 0;
  visit(document, {
    Map(_, { items }) {
      const seen = new Set<string>();
      for (const { key } of items) {
        const word = isScalar(key) ? String(key.value) : null;
        const message = ++count > TEMPLATE_KEYS_MAX
          ? `expected at most ${TEMPLATE_KEYS_MAX} keys in all`
          : word === null
          ? "expected a word as key"
          : seen.has(word)
          ? `expected the key "${word}" once`
          : null;
        if (message !== null) {
          problem = { message, offset: isNode(key) ? key.range?.[0] ?? 0 : 0 };
          return visit.BREAK;
        }
        seen.add(word!);
      }
    },
  });
  return problem;
}
