/** The timeline of an idea or ticket. Its sentences are in history.tsx, which pages without Markdown load, too. */
import type { VNode } from "preact";
import type { ChangeEvent } from "../server/records.ts";
import { Panel, Time } from "./components.tsx";
import { firstLine } from "./format.ts";
import { describeChange, WORDS_MAX_CHARS, wordsOf } from "./history.tsx";
import { Inline } from "./inline.tsx";
import { Prose } from "./prose.tsx";

/** Changes that only repeat what another one says; they are not shown. */
const silent = new Set(["comment_changed", "comment_removed"]);

interface HistoryProps {
  id: string;
  /** Newest first. */
  changes: ChangeEvent[];
  nowMs: number;
}

/** The timeline of one idea or ticket. */
export function History({ id, changes, nowMs }: HistoryProps): VNode {
  const shown = changes.filter(({ type, data }) =>
    !silent.has(type) && !(type === "ticket_changed" && !data.step)
  );
  return (
    <Panel id={id} title="History">
      {shown.length === 0 ? <p class="muted">Nothing yet.</p> : (
        <ol class="history">
          {shown.map((change) => (
            <li key={change.seq}>
              <Change change={change} /> <Time at={change.at} nowMs={nowMs} />
            </li>
          ))}
        </ol>
      )}
    </Panel>
  );
}

/** The sentence; what does not fit into it unfolds. */
function Change({ change }: { change: ChangeEvent }): VNode {
  const words = wordsOf(change);
  if (words.trim() === firstLine(words, WORDS_MAX_CHARS)) {
    return (
      <span>
        <Inline text={describeChange(change)} />
      </span>
    );
  }
  return (
    <details id={`change-${change.seq}`}>
      <summary>
        <Inline text={describeChange(change)} />
      </summary>
      <Prose text={words} />
    </details>
  );
}
