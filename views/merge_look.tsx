/** What a merge would do now, in the dialog that asks for it; a page of its own where no script fetches it. */
import type { VNode } from "preact";
import type { MergeLook, Ticket } from "../server/records.ts";
import { plural } from "./format.ts";
import { Layout, PageHead } from "./layout.tsx";
import { mergeLookHref, mergingHref, reviewHref } from "./links.ts";
import type { Shell } from "./shell.ts";

/** `#merge-look`: fetched when the dialog with the id `opener` is opened; a link to the same until then. */
export function MergeLookLater({ ticket, opener }: { ticket: Ticket; opener: string }): VNode {
  const href = mergeLookHref(ticket.id);
  return (
    <div
      id="merge-look"
      hx-get={href}
      hx-trigger={`toggle once from:#${opener}`}
      hx-target="#merge-look"
      hx-swap="innerHTML"
      hx-morph-skip=""
    >
      <p class="muted small">
        <a href={href}>See whether it would conflict now, and what is checked</a>
      </p>
    </div>
  );
}

/** The same, known. `look`: null where there is nothing to merge yet. */
export function MergeLookPart(
  { ticket, look }: { ticket: Ticket; look: MergeLook | null },
): VNode {
  if (look === null) return <p class="muted">There is nothing to merge yet.</p>;
  return (
    <>
      <Standing look={look} />
      <Checks look={look} />
      {look.unsigned && (
        <p class="outcome tone-waiting">
          Your own commits here are signed; what Gaffer lands is not.{" "}
          <a href={mergingHref(ticket.projectId)}>Name a key</a>
        </p>
      )}
    </>
  );
}

function Standing({ look: { newer, conflicts, baseBranch } }: { look: MergeLook }): VNode {
  if (newer === 0) {
    return (
      <p>
        <code>{baseBranch}</code> has nothing newer: it lands as it was checked.
      </p>
    );
  }
  const moved = (
    <>
      <code>{baseBranch}</code> has {plural(newer, "newer commit")}
    </>
  );
  if (conflicts === null) {
    return <p>{moved}; whether they conflict with this shows when they are combined.</p>;
  }
  if (conflicts.length === 0) return <p>{moved}, and combines with them without a conflict.</p>;
  return (
    <>
      <p class="outcome tone-failed">{moved}, and would conflict with them now in:</p>
      <ul class="plain-list">
        {conflicts.map((path) => (
          <li key={path}>
            <code class="path">{path}</code>
          </li>
        ))}
      </ul>
    </>
  );
}

function Checks({ look: { newer, checks } }: { look: MergeLook }): VNode | null {
  if (checks.length === 0) {
    return <p class="muted">The project has no checks that could run on the result.</p>;
  }
  return (
    <p class="muted">
      {newer === 0 ? "Should it move on before: " : "On the result run "}
      {checks.map(({ name, command }, i) => (
        <>
          {i > 0 && ", "}
          {name} (<code>{command}</code>)
        </>
      ))}
      {newer === 0 ? " would run on the result." : "; it lands when they pass."}
    </p>
  );
}

export interface MergeLookPageProps {
  shell: Shell;
  ticket: Ticket;
  look: MergeLook | null;
}

export function MergeLookPage({ shell, ticket, look }: MergeLookPageProps): VNode {
  return (
    <Layout shell={shell} title={`Merging #${ticket.number}`} current="development" live={null}>
      <PageHead
        crumb={{ href: reviewHref(ticket.id), label: `Review #${ticket.number} ${ticket.title}` }}
        title="If it were merged now"
      />
      <div class="panel">
        <MergeLookPart ticket={ticket} look={look} />
      </div>
    </Layout>
  );
}
