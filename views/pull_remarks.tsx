/** What was said on the forge of a ticket's pull request, on its review. */
import type { VNode } from "preact";
import type { Comment, DiffFile, ForgeCheck, ForgeRemark, Ticket } from "../server/records.ts";
import { forgeNames } from "../server/states.ts";
import { Hidden, StatusBadge, Time } from "./components.tsx";
import { fileId, lineId } from "./diff_place.ts";
import { plural } from "./format.ts";
import { ActionForm } from "./forms.tsx";
import { pullHref } from "./links.ts";
import { Prose } from "./prose.tsx";
import { isLeft, type PullProps } from "./pull_request.tsx";
import { showsLine } from "./review_evidence.ts";
import { forgeCheckWords, type Shown } from "./words.ts";

interface Props extends Pick<PullProps, "pull" | "checks" | "remarks"> {
  ticket: Ticket;
  nowMs: number;
}

/** What was said there, with the way to take it up; `#review-forge`, under the diff. */
export function ForgeRemarks(
  { pull, checks, remarks, ticket, nowMs, files }: Props & { files: DiffFile[] },
): VNode {
  const failed = checks.filter(({ status }) => status === "failed");
  if (pull === null || remarks.length + failed.length === 0) {
    return <div id="review-forge" hidden />;
  }
  const open = ticket.status === "review" && ticket.step !== "merge";
  const left = remarks.filter(isLeft);
  return (
    <details class="panel" id="review-forge" open>
      <summary>
        <h2>On {forgeNames[pull.kind]}</h2>
        {failed.length > 0 && (
          <span class="outcome tone-failed">{plural(failed.length, "check")} failed</span>
        )}
        {remarks.length > 0 && <span class="muted small">{plural(remarks.length, "remark")}</span>}
        <Verdicts remarks={remarks} />
      </summary>
      <FailedChecks ticketId={ticket.id} failed={failed} open={open} />
      {open && left.length > 1 && (
        <ActionForm
          action={pullHref(ticket.id, "take-up")}
          fields={{ remarks: left.map(({ id }) => id).join(" ") }}
        >
          Take up all {left.length}
        </ActionForm>
      )}
      {remarks.map((remark) => (
        <article class="remark" id={`forge-${remark.id}`} key={remark.id}>
          <p class="remark-head">
            <strong>{remark.author}</strong>
            {remark.verdict && <StatusBadge shown={verdictOf(remark)!} />}
            {remark.path && <Place remark={remark} files={files} />}
            <When remark={remark} forge={forgeNames[pull.kind]} nowMs={nowMs} />
          </p>
          {remark.body.trim() !== "" && <Prose text={remark.body} />}
          {remark.commentId !== null && (
            <p class="muted small">
              <a href={`#comment-${remark.commentId}`}>Taken up</a>
            </p>
          )}
          {open && remark.commentId === null && remark.body.trim() !== "" && (
            <TakeUp ticketId={ticket.id} remarkId={remark.id} author={remark.author} />
          )}
        </article>
      ))}
    </details>
  );
}

/** With the way to it there, where it has one; not every forge says when a verdict was given. */
function When(
  { remark: { at, url }, forge, nowMs }: { remark: ForgeRemark; forge: string; nowMs: number },
): VNode | null {
  const time = at === null ? null : <Time at={at} nowMs={nowMs} />;
  if (url === "") return time && <span class="muted">{time}</span>;
  return (
    <span class="muted">
      <a href={url} rel="noreferrer">{time ?? `On ${forge}`}</a>
    </span>
  );
}

/** They are named on the ticket, too; here each can be given to the developer. */
function FailedChecks(
  { ticketId, failed, open }: { ticketId: string; failed: ForgeCheck[]; open: boolean },
): VNode | null {
  if (failed.length === 0) return null;
  return (
    <ul class="checks">
      {failed.map(({ key, name, status, summary, url }) => (
        <li key={key}>
          <div class="check-head">
            <StatusBadge shown={forgeCheckWords[status]} />
            {url === "" ? <span>{name}</span> : <a href={url} rel="noreferrer">{name}</a>}
            <span class="muted">{summary}</span>
          </div>
          {open && (
            <ActionForm
              action={pullHref(ticketId, "take-up")}
              fields={{ check: key }}
              kind="quiet"
            >
              Take up<Hidden>that {name} fails</Hidden>
            </ActionForm>
          )}
        </li>
      ))}
    </ul>
  );
}

/** Makes a draft of it. */
export function TakeUp(
  { ticketId, remarkId, author }: { ticketId: string; remarkId: string; author: string },
): VNode {
  return (
    <ActionForm
      action={pullHref(ticketId, "take-up")}
      fields={{ remarks: remarkId }}
      kind="quiet"
    >
      Take up<Hidden>what {author} says</Hidden>
    </ActionForm>
  );
}

function Place({ remark, files }: { remark: ForgeRemark; files: DiffFile[] }): VNode {
  const { path, line, side } = remark;
  const words = <code class="path">{path}{line ? `:${line}` : ""}</code>;
  if (!path || !files.some((file) => file.path === path)) return words;
  const place = { path, line: line ?? 0, side };
  const at = line && showsLine(files, place) ? lineId(place) : fileId(path);
  return <a href={`#${at}`}>{words}</a>;
}

/** How each person's stands: the last one that was not withdrawn, else that it was. */
function Verdicts({ remarks }: { remarks: ForgeRemark[] }): VNode {
  const latest = new Map<string, ForgeRemark>();
  for (const remark of remarks) {
    if (remark.verdict === null) continue;
    const before = latest.get(remark.author);
    if (remark.withdrawnAt === null || !before || before.withdrawnAt !== null) {
      latest.set(remark.author, remark);
    }
  }
  const shown = [...latest].map(([author, remark]) => ({ author, shown: verdictOf(remark)! }));
  return (
    <>
      {shown.map(({ author, shown }) => (
        <span key={author} class={`outcome tone-${shown.tone}`}>
          {author}: {shown.word.toLowerCase()}
        </span>
      ))}
    </>
  );
}

const verdictWords: Record<NonNullable<ForgeRemark["verdict"]>, Shown> = {
  approved: { word: "Approved", tone: "done" },
  changes_requested: { word: "Wants changes", tone: "waiting" },
};

const withdrawnWords: typeof verdictWords = {
  approved: { word: "Approval withdrawn", tone: "idle" },
  changes_requested: { word: "Wish for changes withdrawn", tone: "idle" },
};

/** Null: it has none. */
const verdictOf = ({ verdict, withdrawnAt }: ForgeRemark): Shown | null =>
  verdict && (withdrawnAt === null ? verdictWords : withdrawnWords)[verdict];

/** As comments at their lines: those that stand on a line of what is shown, and are not taken up. */
export function remarksInDiff(
  { pull, remarks, ticket }: Omit<Props, "nowMs" | "checks">,
): Comment[] {
  if (pull === null) return [];
  return remarks.filter(({ path, commit, commentId }) =>
    path !== null && commentId === null && commit === ticket.headCommit
  )
    .map(({ id, author, path, line, side, body, at, seenAt }) => ({
      id,
      ticketId: ticket.id,
      author: `${author} on ${forgeNames[pull.kind]}`,
      ...{ path, line, side, body },
      sent: true,
      createdAt: at ?? seenAt,
      commit: null,
      appliedCommit: null,
      remarkId: id,
    }));
}
