/**
 * How a page stays true without being loaded again: the contract between pages and the event stream.
 *
 * - Each page with live parts has exactly one element made by `LiveStream`. It connects to
 *   `<path>?after=<seq>`, where `seq` is the newest event that the page was rendered with. A reconnect
 *   sends `Last-Event-ID` instead, which wins over `after`. So no event between rendering and connecting,
 *   or while the tab was hidden, is missed.
 * - A message has no event name, the number of the newest event it reflects as its id, and as its data
 *   one or more partials: `liveMessage(seq, <>{…}</>)`. A message that only streams text has no id.
 *   A named message changes nothing on the page. `<title>` in a message sets the page's title.
 * - A partial whose target is not on the page is dropped by the page. So a stream may send more than one
 *   page shows (a row that the filter hides), but must not rely on it for what is new: send the list.
 * - Swaps: `outerMorph` for a part that replaces itself; focus, open details and typed text survive it,
 *   because every part and field has an id. `beforeend` for list items: one whose id is already there
 *   replaces that item in place (static/connection.js), so that nothing doubles after a replay.
 *   `textContent` for streamed text, always all of the turn's text so far.
 *
 * Targets, beside `#nav`, `#banners` and `#status` (one sentence for screen readers) of every page:
 *
 * | page          | path                    | made by                                                    |
 * |---------------|-------------------------|------------------------------------------------------------|
 * | Home          | /live/home              | `homePartials`: #needs #running #spend #recent             |
 * | Ideas         | /live/ideas?…           | `ideasPartials`: #idea-list #idea-filters; row #idea-<id>  |
 * | Idea          | /live/idea/<id>         | `ideaPartials`: #idea-strip #idea-main (all of its parts:  |
 * |               |                         | their order changes) #idea-facts #idea-history             |
 * |               |                         | #idea-actions; text #live-<runId>                          |
 * | Development   | /live/development?…     | `developmentPartials`: #tickets; card #ticket-<id>         |
 * | Ticket        | /live/ticket/<id>       | `ticketPartials`: #ticket-strip #ticket-attention          |
 * |               |                         | #ticket-subtasks #ticket-checks #ticket-runs #ticket-facts |
 * |               |                         | #ticket-history #ticket-actions; #running-check, text      |
 * |               |                         | #running-output; and the run's, below                      |
 * | Review        | /live/review/<id>       | `reviewPartials`: #review-strip #review-checks #review-bar |
 * | Run           | /live/run/<id>          | `runPartials`: #run-strip #run-attention #run-message      |
 * |               |                         | #run-learned #run-actions                                  |
 * | Document      | /live/document/<id>     | `documentStatePartials`: #document-ideas #document-drift,  |
 * |               |                         | badges #state-…, #progress-… beside headings               |
 * | a run's part  | in ticket and run       | `activityPartial`: #activity (all of it: a new run began)  |
 * |               |                         | `itemsPartial`: items into #activity-<runId>               |
 * |               |                         | `liveTextPartial`: #live-<runId>                           |
 * | Agents        | /live/agents            | `agentsPartials`: #agent-groups                            |
 * | Agent         | /live/agent/<id>        | `agentPartials`: #agent-head #agent-notices #agent-results |
 * |               |                         | #agent-trials #agent-versions #agent-moves                 |
 * | Usage         | /live/usage?…           | `usagePartials`: #usage-totals #usage-days #usage-<group>  |
 * | Planning      | /live/planning?…        | `planningPartials`: #planning-list                         |
 * | Document      | /live/document/<id>     | `documentPartials`: #document-page; gone: #document-outside |
 * | its form      | /live/document/<id>/edit | `documentEditPartials`: #document-outside; never the text  |
 * | An ask        | /live/ask/<id>          | `askPartials`: #ask-strip #ask-main                        |
 * | Settings      | /live/settings          | `settingsPartials`: #agents-status                         |
 */
import { type Attributes, type ComponentChildren, h, type VNode } from "preact";
import { render } from "./render.ts";
import { idPart } from "./links.ts";

export type Swap = "outerMorph" | "innerMorph" | "beforeend" | "textContent" | "delete";

/** A piece of a message: swaps `content` into what `target` (a CSS selector) finds on the page. */
export function partial(target: string, swap: Swap, content: ComponentChildren): VNode {
  return h("hx-partial", { "hx-target": target, "hx-swap": swap } as Attributes, content);
}

/** Replaces the element with this id by `content`, which carries the same id. */
export const replace = (id: string, content: ComponentChildren): VNode =>
  partial(`#${id}`, "outerMorph", content);

/** What the turn that streams now has said so far. */
export const liveTextPartial = (runId: string, text: string): VNode =>
  partial(`#live-${idPart(runId)}`, "textContent", text);

/** One sentence for screen readers: "Tests passed". Milestones only. */
export const statusPartial = (text: string): VNode => partial("#status", "textContent", text);

/** The page's stream: where it connects, and the newest event that the page was rendered with. */
export interface Live {
  /** `/live/…`, with the page's filters. */
  path: string;
  after: number;
}

/**
 * The element that holds the page's connection. Its id is its path, and it is never morphed: htmx's
 * extension goes on with the old address when the attribute of a connected element changes.
 */
export function LiveStream({ path, after }: Live): VNode {
  const url = `${path}${path.includes("?") ? "&" : "?"}after=${after}`;
  return (
    <div
      id={`stream-${idPart(path)}`}
      hx-sse:connect={url}
      hx-swap="none"
      hx-sync="drop"
      hx-morph-skip=""
      data-stream=""
    />
  );
}

/** A server-sent event with partials as its data; `seq` null for streamed text, which has no number. */
export function liveMessage(seq: number | null, content: VNode): string {
  const data = render(content).split(/\r\n|\r|\n/).map((line) => `data: ${line}\n`).join(
    "",
  );
  return `${seq === null ? "" : `id: ${seq}\n`}${data}\n`;
}
