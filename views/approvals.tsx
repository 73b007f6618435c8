/** A person's yes or no that a waiting run needs: the exact command or change, and two buttons. */
import type { VNode } from "preact";
import type { Approval, Run } from "../server/records.ts";
import { PlainDiff } from "./activity_call.tsx";
import { Notice, Time } from "./components.tsx";
import { withCodes } from "./format.ts";
import { Button, Field } from "./forms.tsx";

interface ApprovalFormProps {
  approval: Approval;
  place: "row" | "page";
}

/** Which rule asks, and what would be done, word for word. */
export function ApprovalQuestion({ approval }: { approval: Approval }): VNode {
  const { tool, rule, detail, diff } = approval;
  return (
    <>
      {rule !== "" && (
        <p class="muted small">
          Asked by the rule <code>{rule}</code>
        </p>
      )}
      <pre
        class="output"
        tabIndex={0}
        aria-label={`What ${tool} would do`}
      >{withCodes(detail)}</pre>
      {diff !== null && <PlainDiff diff={withCodes(diff)} whole />}
    </>
  );
}

/** The question, and Allow or Deny; with room for a reason on a page of its own. */
export function ApprovalForm({ approval, place }: ApprovalFormProps): VNode {
  const form = `${place}-${approval.id}`;
  return (
    <form method="post" action={`/approvals/${approval.id}`} class="approval" id={form}>
      <ApprovalQuestion approval={approval} />
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
          decides
        >
          {approval.tool === "Bash" ? "Run it once" : "Allow it once"}
        </Button>
        <Button
          name="decision"
          value="deny"
          keys={place === "page" ? "Shift+x" : undefined}
          decides
        >
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
            Asked <Time at={approval.createdAt} nowMs={nowMs} />. The run goes on when you decide.
          </p>
        </Notice>
      ))}
    </>
  );
}
