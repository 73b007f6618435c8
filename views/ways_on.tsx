/** Ways on for a blocked ticket beside words to the developer: again from a step, or by hand; and what was tried. */
import type { VNode } from "preact";
import { CHECK_ROUNDS_MAX, type TicketStep } from "../server/states.ts";
import type { Check } from "../server/records.ts";
import { firstLine } from "./format.ts";
import { Button, Field } from "./forms.tsx";
import { checkHref, runHref, ticketHref } from "./links.ts";
import { Inline } from "./inline.tsx";
import { checkWords } from "./words.ts";

/** One round of repair. */
export interface TriedLine {
  round: number;
  runId: string;
  /** What the developer says that it did. */
  summary: string;
  /** What failed after it; null: nothing was checked then. */
  failed: Pick<Check, "id" | "ticketId" | "name" | "status" | "report"> | null;
}

export interface WaysOnProps {
  ticketId: string;
  /** Steps that it can be taken up again from, in order. */
  steps: TicketStep[];
  /** What to type to work on its branch; null: it has none yet. */
  commands: { inPlace: string; elsewhere: string } | null;
  /** A person has taken it over: what they need comes unfolded. */
  takenOver: boolean;
}

/** The rounds, oldest first, a line each. */
export function Tried({ tried }: { tried: TriedLine[] }): VNode | null {
  if (tried.length === 0) return null;
  return (
    <>
      <p class="remark-label">What was tried</p>
      <ol class="tried">
        {tried.map(({ round, runId, summary, failed }) => (
          <li key={runId}>
            <a href={runHref(runId)}>Round {round} of {CHECK_ROUNDS_MAX}</a>:{" "}
            <Inline text={firstLine(summary, SUMMARY_CHARS).replace(/\.$/, "")} />
            {failed && (
              <>
                ; then <a href={checkHref(failed.ticketId, failed.id)}>{failed.name}</a>{" "}
                {checkWords[failed.status].word.toLowerCase()}
                {failed.report && failed.report.failed > 0 && ` (${failed.report.failed} failed)`}.
              </>
            )}
          </li>
        ))}
      </ol>
    </>
  );
}

const SUMMARY_CHARS = 200;

const stepLabels: Record<TicketStep, string> = {
  prepare: "from the beginning",
  baseline: "from the check of the untouched base",
  develop: "from the developer",
  build: "from the build, which is run again",
  test: "from the tests, which are run again",
  review: "from the reviewer",
  merge: "from the merge",
};

/** Both of them, folded. */
export function WaysOn({ ticketId, steps, commands, takenOver }: WaysOnProps): VNode {
  return (
    <>
      {steps.length > 0 && (
        <details class="further" id="retry-from">
          <summary>Retry from a step</summary>
          <form method="post" action={`${ticketHref(ticketId)}/retry`} id="retry-step">
            <Field
              form="retry-step"
              name="step"
              kind="choice"
              label="Take it up again"
              value={steps.at(-1)}
              options={steps.map((value) => ({ value, label: stepLabels[value] }))}
              required
            />
            <Button>Retry from there</Button>
          </form>
        </details>
      )}
      {commands && (
        <details class="further" id="take-over" open={takenOver}>
          <summary>{takenOver ? "Work on it by hand" : "Take over by hand"}</summary>
          <p>
            Its branch is checked out in a folder of Gaffer's. Work there, and commit:
          </p>
          <pre class="output" tabIndex={0} aria-label="Commands for its own folder">
            {commands.inPlace}
          </pre>
          <p>Or in your own clone, and leave the branch there before you go on here:</p>
          <pre class="output" tabIndex={0} aria-label="Commands for your own clone">
            {commands.elsewhere}
          </pre>
          <form method="post" action={`${ticketHref(ticketId)}/continue`}>
            <p class="muted">
              Build, tests and review are then due for what you committed; what stood still counts
              as done by you.
            </p>
            <Button kind={takenOver ? "primary" : "plain"}>Continue with what I committed</Button>
          </form>
        </details>
      )}
    </>
  );
}
