/** Where a queued ticket stands among the others, in its menu: what dragging its card does, too (static/drag.js). */
import type { VNode } from "preact";
import type { Ticket } from "../server/records.ts";
import { Button } from "./forms.tsx";
import { ticketHref } from "./links.ts";

/** Whether none of those that are shown comes before it, or after it. */
export interface QueuePlace {
  first: boolean;
  last: boolean;
}

/** Past its neighbour or all others; null where it is the only one. Dropping its card fills in between which two. */
export function PlaceForm(
  { ticket: { id }, place: { first, last } }: { ticket: Ticket; place: QueuePlace },
): VNode | null {
  if (first && last) return null;
  return (
    <form method="post" action={`${ticketHref(id)}/place`} class="action-form" data-place="">
      <input type="hidden" name="after" value="" />
      <input type="hidden" name="before" value="" />
      {!first && (
        <>
          <Button kind="quiet" name="to" value="up" keys="+">Move up</Button>
          <Button kind="quiet" name="to" value="top" keys="t">To the top</Button>
        </>
      )}
      {!last && (
        <>
          <Button kind="quiet" name="to" value="down" keys="-">Move down</Button>
          <Button kind="quiet" name="to" value="bottom">To the end</Button>
        </>
      )}
    </form>
  );
}
