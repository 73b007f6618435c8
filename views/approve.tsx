/** What a link in a notification opens: the question with two buttons, and then what was decided. */
import type { VNode } from "preact";
import type { Approval, Run } from "../server/records.ts";
import { ApprovalQuestion } from "./approvals.tsx";
import { Notice, Panel, Time } from "./components.tsx";
import { Button, Field } from "./forms.tsx";
import { Layout, PageHead } from "./layout.tsx";
import { runHref, type Subject, subjectName } from "./links.ts";
import type { Shell } from "./shell.ts";

export interface ApprovePageProps {
  shell: Shell;
  approval: Approval;
  run: Run;
  subject: Subject;
  /** The address that the form is posted to; null: it is decided. */
  action: string | null;
}

const FORM = "approve";

export function ApprovePage({ shell, approval, run, subject, action }: ApprovePageProps): VNode {
  const title = `The ${run.agent} wants to use ${approval.tool}`;
  return (
    <Layout shell={shell} title={title} current={null} live={null}>
      <PageHead
        crumb={{ href: runHref(run.id), label: `${subjectName(subject)} ${subject.title}` }}
        title={title}
      />
      {action === null
        ? (
          <Notice
            tone={approval.status === "granted" ? "done" : "waiting"}
            title={approval.status === "granted" ? "You granted it" : "You denied it"}
          >
            <p>
              The run goes on. This link is used up. <a href={runHref(run.id)}>See the run</a>
            </p>
          </Notice>
        )
        : (
          <Panel id="approve-panel" title="Decide once">
            <ApprovalQuestion approval={approval} />
            <form method="post" action={action} class="approval" id={FORM} hx-boost="false">
              <Field
                form={FORM}
                name="reason"
                label="Reason for the agent"
                hint="Helps the agent go another way when you deny."
                maxLength={1_000}
              />
              <div class="actions">
                <Button kind="primary" name="decision" value="grant">
                  {approval.tool === "Bash" ? "Run it once" : "Allow it once"}
                </Button>
                <Button name="decision" value="deny">Deny</Button>
              </div>
            </form>
            <p class="muted small">
              Asked{" "}
              <Time at={approval.createdAt} nowMs={shell.nowMs} />. Whoever has this link can
              decide, until somebody has.
            </p>
          </Panel>
        )}
    </Layout>
  );
}
