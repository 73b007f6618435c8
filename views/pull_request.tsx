/** A ticket's pull request: how it stands, on the ticket's page. */
import type { VNode } from "preact";
import type { ForgeCheck, ForgeRemark, PullRequest, Ticket } from "../server/records.ts";
import { forgeNames } from "../server/states.ts";
import { Fact, Notice, Panel, StatusBadge, Time } from "./components.tsx";
import { DelayNote } from "./delay.tsx";
import { plural, shortCommit } from "./format.ts";
import { ActionForm } from "./forms.tsx";
import { pullHref, reviewHref } from "./links.ts";
import { type Delay, forgeCheckWords, pullWords } from "./words.ts";

/** Checks of a pull request that the page names; the forge has them all. */
const CHECKS_SHOWN = 20;

export interface PullProps {
  /** The newest; null: none was ever asked for. */
  pull: PullRequest | null;
  checks: ForgeCheck[];
  /** Oldest first. */
  remarks: ForgeRemark[];
  /** The one that the project names now; null: none. */
  forge: { name: string; takesMerge: boolean } | null;
  /** Why the forge is not asked, though that is due. */
  delay: Delay | null;
}

interface Props extends PullProps {
  ticket: Ticket;
  nowMs: number;
}

/** "GitHub #7". */
const nameOf = ({ kind, number }: PullRequest): string =>
  number === null ? forgeNames[kind] : `${forgeNames[kind]} #${number}`;

/** Its page there, where it has one. */
function Link({ pull }: { pull: PullRequest }): VNode {
  return pull.url === ""
    ? <>{nameOf(pull)}</>
    : <a href={pull.url} rel="noreferrer">{nameOf(pull)}</a>;
}

/** It has words that nobody has taken up, or taken back; a verdict without any is nothing to take up. */
export const isLeft = ({ commentId, body, withdrawnAt }: ForgeRemark): boolean =>
  commentId === null && withdrawnAt === null && body.trim() !== "";

/** How it stands; `#ticket-pull`, which is there also when there is none. */
export function PullPanel(props: Props): VNode {
  const { pull, checks, remarks, ticket, nowMs } = props;
  if (pull === null) return <div id="ticket-pull" hidden />;
  const isOver = ticket.status === "done" || ticket.status === "cancelled";
  const open = pull.endedAt === null && !isOver;
  const isClosing = pull.endedAt === null && pull.closeAskedBy !== null;
  const mayReopen = pull.status === "closed" && pull.number !== null && !isOver;
  const waiting = remarks.filter(isLeft).length;
  return (
    <div id="ticket-pull">
      <Panel
        id="pull-request"
        title="Pull request"
        aside={<StatusBadge shown={pullWords[pull.status]} />}
      >
        <dl class="facts">
          <Fact name="Where">
            <Link pull={pull} />
          </Fact>
          <Fact name="Repository">
            <code class="path">{pull.repository}</code>
          </Fact>
          <Fact name="Branch">
            <code class="path">{pull.branch}</code>
          </Fact>
          {pull.pushed && (
            <Fact name="Pushed">
              <code>{shortCommit(pull.pushed)}</code>
            </Fact>
          )}
          {pull.lookedAt && (
            <Fact name="Last look">
              <Time at={pull.lookedAt} nowMs={nowMs} />
            </Fact>
          )}
        </dl>
        {open && pull.head !== null && pull.pushed !== null && pull.head !== pull.pushed && (
          <p class="outcome tone-waiting">
            Somebody else pushed to the branch there: it is at {shortCommit(pull.head)}.
          </p>
        )}
        {props.delay !== null && (
          <p class="outcome tone-waiting">
            <DelayNote delay={props.delay} nowMs={nowMs} />
          </p>
        )}
        {pull.error !== "" && !pull.stopped && <p class="outcome tone-waiting">{pull.error}</p>}
        <Checks checks={checks} />
        {remarks.length > 0 && (
          <p>
            <a href={`${reviewHref(ticket.id)}#review-forge`}>
              {plural(remarks.length, "remark")} there
            </a>
            {waiting > 0 && <span class="muted">, {waiting} not taken up</span>}
          </p>
        )}
        {(open || isClosing || mayReopen) && (
          <ActionForm action={pullHref(ticket.id, "look")}>
            {pull.stopped ? "Try again" : "Look now"}
          </ActionForm>
        )}
        <Closing pull={pull} ticket={ticket} />
      </Panel>
    </div>
  );
}

/** The way to close it there, or that it is on its way. */
function Closing({ pull, ticket }: { pull: PullRequest; ticket: Ticket }): VNode | null {
  if (pull.endedAt !== null) return null;
  if (pull.closeAskedBy !== null) {
    return <p class="muted small">{pull.closeAskedBy} wants it closed there.</p>;
  }
  if (ticket.status === "done" || ticket.status === "cancelled") {
    return <p class="muted small">Nothing looks at it any more.</p>;
  }
  return (
    <>
      <CloseAction pull={pull} ticket={ticket} />
      <p class="muted small">
        Its branch and what was said stay there, and it can be reopened there.
      </p>
    </>
  );
}

const CloseAction = ({ pull, ticket }: { pull: PullRequest; ticket: Ticket }): VNode => (
  <ActionForm action={pullHref(ticket.id, "close")}>
    {pull.number === null
      ? `Call off the pull request on ${forgeNames[pull.kind]}`
      : `Close #${pull.number} on ${forgeNames[pull.kind]}`}
  </ActionForm>
);

function Checks({ checks }: { checks: ForgeCheck[] }): VNode | null {
  if (checks.length === 0) return null;
  const left = checks.length - CHECKS_SHOWN;
  return (
    <>
      <h3 class="remark-label">Checks there, of {shortCommit(checks[0]!.commit)}</h3>
      <ul class="checks">
        {checks.slice(0, CHECKS_SHOWN).map(({ key, name, status, summary, url }) => (
          <li key={key}>
            <div class="check-head">
              <StatusBadge shown={forgeCheckWords[status]} />
              {url === "" ? <span>{name}</span> : <a href={url} rel="noreferrer">{name}</a>}
              <span class="muted">{summary}</span>
            </div>
          </li>
        ))}
      </ul>
      {left > 0 && <p class="muted small">{left} more there</p>}
    </>
  );
}

/** What a person should know of it before anything else on the ticket's page. */
export function PullNotice({ pull, ticket }: Pick<Props, "pull" | "ticket">): VNode | null {
  if (pull === null) return null;
  const isOver = ticket.status === "done" || ticket.status === "cancelled";
  if (pull.endedAt === null && isOver && pull.closeAskedBy === null) {
    return (
      <Notice tone="waiting" title={`Its pull request is still open on ${forgeNames[pull.kind]}`}>
        <p>
          <Link pull={pull} />{" "}
          stays open there until somebody closes it. Its branch and what was said stay there.
        </p>
        <CloseAction pull={pull} ticket={ticket} />
      </Notice>
    );
  }
  if (isOver && pull.endedAt !== null) return null;
  if (pull.stopped && pull.endedAt === null) {
    return (
      <Notice tone="failed" title="The pull request waits for you">
        <p>{pull.error}</p>
        <ActionForm action={pullHref(ticket.id, "look")} kind="primary">Try again</ActionForm>
      </Notice>
    );
  }
  if (pull.status === "closed" && ticket.status === "review") {
    return (
      <Notice tone="waiting" title={`Closed on ${forgeNames[pull.kind]} without a merge`}>
        <p>
          {pull.error ||
            "The ticket is as it was: open another, merge it here, send it back or reject it."}
        </p>
      </Notice>
    );
  }
  if (pull.status === "merged") {
    return (
      <Notice tone="waiting" title={`Merged on ${forgeNames[pull.kind]}, but not all of it`}>
        <p>
          Commit <code>{shortCommit(pull.mergeCommit ?? "")}</code>{" "}
          has what was pushed; the ticket has newer work. Open another pull request of that, merge
          it here, or reject it.
        </p>
      </Notice>
    );
  }
  return null;
}

/** The forge on which the ticket's merge happened; null: it happened here. */
export const mergedOn = (
  { pull, ticket }: Pick<Props, "pull" | "ticket">,
): string | null =>
  pull?.status === "merged" && pull.mergeCommit === ticket.mergeCommit
    ? forgeNames[pull.kind]
    : null;

/** What there is of it for the ticket's work as it is now. */
export type PullStanding = "none" | "here" | "older";

export function standingOf({ pull, ticket }: Pick<Props, "pull" | "ticket">): PullStanding {
  if (pull === null || pull.endedAt !== null) return "none";
  return pull.commit === ticket.headCommit ? "here" : "older";
}
