/** What can follow "#" or "[[", for static/editor.js. */
import type { VNode } from "preact";

export interface CompletionRow {
  kind: "document" | "idea" | "ticket";
  name: string;
  about: string;
}

/** `data-insert` takes the place of the mark and what follows it. */
export function Completions({ rows }: { rows: CompletionRow[] }): VNode {
  return (
    <ul class="completions" id="completions" role="listbox" aria-label="Suggestions">
      {rows.map(({ kind, name, about }, i) => (
        <li
          key={name}
          role="option"
          id={`completion-${i}`}
          aria-selected={i === 0}
          data-insert={kind === "document" ? `[[${name}]]` : `#${name}`}
        >
          <strong>{kind === "document" ? name : `#${name}`}</strong>{" "}
          <span class="muted">{about}</span>
        </li>
      ))}
    </ul>
  );
}
