/** The way from a review to a pull request. */
import type { VNode } from "preact";
import type { PullRequest, Ticket } from "../server/records.ts";
import { plural } from "./format.ts";
import { ActionForm, Button, Disclosure, ErrorSummary, Field } from "./forms.tsx";
import { pullHref } from "./links.ts";
import { type PullProps, standingOf } from "./pull_request.tsx";
import type { RefusedReview } from "./review_decision.tsx";

interface PullActionProps extends Pick<PullProps, "pull" | "forge" | "remarks"> {
  ticket: Ticket;
  /** Of the merge. */
  message: string;
  refused: RefusedReview | null;
  /** The commit of the shown diff. */
  shown: string | null;
}

/** Opens one, or pushes newer work to the one that is open; nothing where the project names no forge. */
export function PullAction(
  { ticket, pull, forge, remarks, message, refused, shown }: PullActionProps,
): VNode | null {
  if (forge === null) return null;
  const standing = standingOf({ pull, ticket });
  const fields: Record<string, string> = shown === null ? {} : { commit: shown };
  if (standing === "here") {
    return (
      <p class="effect">
        {openWords(pull!, forge.name)}
        {remarks.length > 0 && (
          <>
            {" "}
            <a href="#review-forge">{plural(remarks.length, "remark")}</a>
          </>
        )}
      </p>
    );
  }
  if (standing === "older") {
    return (
      <ActionForm action={pullHref(ticket.id)} fields={fields}>
        Push to {pull!.number ? `#${pull!.number}` : forge.name}
      </ActionForm>
    );
  }
  // Approving does it.
  if (forge.takesMerge) return null;
  const again = refused?.action === "pull-request" ? refused : null;
  return (
    <Disclosure id="open-pull" summary="Push and open a pull request" open={again !== null}>
      <form method="post" action={pullHref(ticket.id)} id="pull">
        {shown !== null && <input type="hidden" name="commit" value={shown} />}
        <ErrorSummary form="pull" message={again?.message ?? null} errors={again?.errors ?? []} />
        <p>
          Pushes <code>{ticket.branch}</code> to {forge.name}{" "}
          and opens a pull request. What is said there comes back here; merged there, the ticket is
          done.
        </p>
        <Field
          form="pull"
          name="message"
          kind="area"
          rows={6}
          mono
          label="Title and text"
          hint="The first line is the title. Trailers for developer and reviewer are added."
          value={again?.values.message ?? message}
          errors={again?.errors}
          required
        />
        <Button kind="primary">Push and open</Button>
      </form>
    </Disclosure>
  );
}

const openWords = ({ number, stopped }: PullRequest, forge: string): string => {
  const name = number === null ? `The pull request on ${forge}` : `${forge} #${number}`;
  if (stopped) return `${name} waits for you: see the ticket.`;
  return number === null
    ? `${name} is being opened.`
    : `${name} is open. Merged there, the ticket is done.`;
};
