/** A person's yes or no that a waiting run needs: the exact command or path, and two buttons. */
import type { VNode } from "preact";
import type { Approval, Run } from "../server/records.ts";
import { Notice, Time } from "./components.tsx";
import { Button, Field } from "./forms.tsx";

interface ApprovalFormProps {
  approval: Approval;
  place: "row" | "page";
}

/** What would be done, word for word, and Grant or Deny; with room for a reason on a page of its own. */
export function ApprovalForm({ approval, place }: ApprovalFormProps): VNode {
  const form = `${place}-${approval.id}`;
  return (
    <form method="post" action={`/approvals/${approval.id}`} class="approval" id={form}>
      <pre
        class="output"
        tabIndex={0}
        aria-label={`What ${approval.tool} would do`}
      >{approval.detail}</pre>
      {place === "page" && (
        <Field
          form={form}
          name="reason"
          label="Reason for the agent"
          hint="Helps the agent go another way when you deny."
          maxLength={1_000}
        />
      )}
      <div class="actions">
        <Button
          kind="primary"
          name="decision"
          value="grant"
          keys={place === "page" ? "a" : undefined}
        >
          Run it once
        </Button>
        <Button name="decision" value="deny" keys={place === "page" ? "Shift+x" : undefined}>
          Deny
        </Button>
      </div>
    </form>
  );
}

/** The open approvals of a run, on its page and its ticket's. */
export function PendingApprovals(
  { approvals, run, nowMs }: { approvals: Approval[]; run: Run | null; nowMs: number },
): VNode | null {
  const open = approvals.filter((approval) => approval.status === "pending");
  if (open.length === 0) return null;
  return (
    <>
      {open.map((approval) => (
        <Notice
          key={approval.id}
          tone="waiting"
          title={`The ${run?.agent ?? "agent"} wants to use ${approval.tool}`}
        >
          <ApprovalForm approval={approval} place="page" />
          <p class="muted small">
            Waits since{" "}
            <Time at={approval.createdAt} nowMs={nowMs} />. The run goes on when you decide.
          </p>
        </Notice>
      ))}
    </>
  );
}
