import type { ComponentChildren, VNode } from "preact";

/** Like markdown's own: as many backticks at both ends, and something between them. */
const CODE = /(?<!`)(`+)(?!`)([^\n]*?[^`\n])\1(?!`)/g;

/** A sentence or title in which only code between backticks is more than text. */
export function Inline({ text }: { text: string }): VNode {
  const parts: ComponentChildren[] = [];
  let end = 0;
  for (const match of text.matchAll(CODE)) {
    parts.push(text.slice(end, match.index), <code key={match.index}>{match[2]!.trim()}</code>);
    end = match.index + match[0].length;
  }
  return <>{parts}{text.slice(end)}</>;
}
