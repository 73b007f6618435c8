/** Which model to take when one is gone. */
import { modelFamilies, models } from "./models.ts";

/** Most models that a message lists. */
const MAX_LISTED = 6;

/**
 * Ids to take in place of a model that is gone, the best first: the newest of its own line, else all there are.
 * `offered`: what the endpoint lists; null where it lists nothing, then what Gaffer knows.
 */
export function successorsOf(gone: string, offered: readonly string[] | null): string[] {
  const others = (offered ?? models.map(({ id }) => id)).filter((id) => id !== gone);
  const family = modelFamilies.find((name) => gone.toLowerCase().includes(name));
  const line = family ? others.filter((id) => id.toLowerCase().includes(family)) : [];
  return (line.length > 0 ? line.toSorted(newestFirst) : others).slice(0, MAX_LISTED);
}

/** What a person is told to do about it. */
export function takeInstead(gone: string, offered: readonly string[] | null): string {
  const [first, ...more] = successorsOf(gone, offered);
  if (first === undefined) return "The endpoint lists no model at all: is its address right?";
  const isLine = modelFamilies.some((name) => gone.includes(name) && first.includes(name));
  return isLine
    ? `Take "${first}" instead, in the definition of the agent`
    : `Take one of these instead, in the definition of the agent: ${[first, ...more].join(", ")}`;
}

/** By the numbers in the id: claude-opus-5-5 before claude-opus-5 before claude-opus-4-8. */
function newestFirst(a: string, b: string): number {
  const [one, other] = [a, b].map((id) => (id.match(/\d+/g) ?? []).map(Number));
  for (let at = 0; at < Math.max(one!.length, other!.length); at++) {
    const difference = (other![at] ?? -1) - (one![at] ?? -1);
    if (difference !== 0) return difference;
  }
  return a < b ? -1 : 1;
}
