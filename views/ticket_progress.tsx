/** How far a ticket is, what such tickets take, and in the end what it came to. */
import type { VNode } from "preact";
import type { CommandName, MemoryChange, RunPurpose, Subtask, Ticket } from "../server/records.ts";
import type { TicketType } from "../server/states.ts";
import { DataTable, Fact, Money, Panel } from "./components.tsx";
import { count, duration, money } from "./format.ts";
import { memoryHref, runHref } from "./links.ts";
import { Prose } from "./prose.tsx";
import { purposeWords, ticketTypeWords } from "./words.ts";

export interface ProgressFactsProps {
  /** What the active run has used of its limits; null: there is none. */
  run: {
    id: string;
    turns: number;
    maxTurns: number;
    tokens: number;
    /** Null: not known before it has begun. */
    maxTokens: number | null;
    costMicroUsd: number;
    maxCostMicroUsd: number;
  } | null;
  /** The subtask that is worked on. */
  subtask: Pick<Subtask, "id" | "position" | "title"> | null;
  /** Null: there is no history yet. */
  expected: { ms: number; costMicroUsd: number; of: number; type: TicketType | null } | null;
}

/** Facts of the strip, while a ticket is open. */
export function ProgressFacts({ run, subtask, expected }: ProgressFactsProps): VNode {
  return (
    <>
      {subtask && (
        <Fact name="Now">
          <a href={`#subtask-${subtask.id}`}>Subtask {subtask.position}</a>
        </Fact>
      )}
      {run && (
        <>
          <Fact name="Turns" num>
            <a href={runHref(run.id)}>{count(run.turns)} of {count(run.maxTurns)}</a>
          </Fact>
          <Fact name="Tokens" num>
            {count(run.tokens)}
            {run.maxTokens !== null && ` of ${count(run.maxTokens)}`}
          </Fact>
          <Fact name="This run" num>{money(run.costMicroUsd)} of {money(run.maxCostMicroUsd)}</Fact>
        </>
      )}
      <Fact name="Expected" title={expected ? basisOf(expected) : undefined}>
        {expected === null ? <span class="muted">no history yet</span> : (
          <span class="num">
            {duration(expected.ms)} to review, {money(expected.costMicroUsd)}
          </span>
        )}
      </Fact>
    </>
  );
}

function basisOf({ of, type }: NonNullable<ProgressFactsProps["expected"]>): string {
  const kind = type === null ? "" : `${ticketTypeWords[type].toLowerCase()} `;
  return `Median of the newest ${of} ${kind}ticket${of === 1 ? "" : "s"} of this project`;
}

export interface TicketSummaryProps {
  ticket: Ticket;
  summary: {
    /** The reviewer's words. */
    text: string;
    subtasks: Subtask[];
    steps: {
      step: RunPurpose | CommandName | "baseline";
      times: number;
      ms: number;
      tokens: number;
      costMicroUsd: number;
    }[];
    workedMs: number;
    elapsedMs: number | null;
    costMicroUsd: number;
    learned: MemoryChange[];
  };
}

const commandWords = {
  setup: "Setup command",
  build: "Build command",
  test: "Test command",
  baseline: "Checks of the untouched base",
} as const;
const stepName = (step: RunPurpose | keyof typeof commandWords): string =>
  step in commandWords
    ? commandWords[step as keyof typeof commandWords]
    : purposeWords[step as RunPurpose];

/** `#ticket-summary`: there once something has been done for it. */
export function TicketSummary({ ticket, summary }: TicketSummaryProps): VNode {
  const { steps, learned } = summary;
  if (steps.length === 0) return <div id="ticket-summary" />;
  const ended = ticket.status === "done" || ticket.status === "cancelled";
  const done = summary.subtasks.filter(({ summary }) => summary !== "");
  return (
    <Panel id="ticket-summary" title={ended ? "Summary" : "So far"}>
      {ended && (
        <>
          {summary.text !== "" && <Prose text={summary.text} />}
          {done.length > 0 && (
            <ul>
              {done.map(({ id, title, summary }) => (
                <li key={id}>
                  <strong>{title}</strong>
                  <Prose text={summary} />
                </li>
              ))}
            </ul>
          )}
        </>
      )}
      <StepTable summary={summary} ended={ended} />
      {learned.length > 0 && (
        <>
          <h3>Learned</h3>
          <ul class="plain-list">
            {learned.map((change) => (
              <li key={change.id}>
                <details id={`learned-${change.id}`}>
                  <summary>{change.by} changed {change.path}</summary>
                  <pre class="output" tabIndex={0} aria-label={`Change of ${change.path}`}>
                    {change.diff}
                  </pre>
                  <a href={memoryHref(change.memory)}>Open the memory</a>
                </details>
              </li>
            ))}
          </ul>
        </>
      )}
    </Panel>
  );
}

/** How long it waited is known once it has ended: what is at work now counts when its turn is over. */
function StepTable(
  { summary, ended }: Pick<TicketSummaryProps, "summary"> & { ended: boolean },
): VNode {
  const { steps, workedMs, elapsedMs } = summary;
  return (
    <DataTable
      label="What each step took and cost"
      head={
        <>
          <th scope="col">Step</th>
          <th scope="col">Time</th>
          <th scope="col">Cost</th>
        </>
      }
    >
      {steps.map(({ step, times, ms, tokens, costMicroUsd }) => (
        <tr key={step}>
          <th scope="row">
            {stepName(step)} <span class="muted small">{partsOf({ times, tokens })}</span>
          </th>
          <td>{duration(ms)}</td>
          <td>{tokens === 0 ? "" : <Money microUsd={costMicroUsd} />}</td>
        </tr>
      ))}
      {ended && elapsedMs !== null && (
        <tr>
          <th scope="row">Waiting for people, limits and slots</th>
          <td>{duration(Math.max(0, elapsedMs - workedMs))}</td>
          <td></td>
        </tr>
      )}
    </DataTable>
  );
}

const partsOf = ({ times, tokens }: { times: number; tokens: number }): string =>
  [times > 1 && `${count(times)} times`, tokens > 0 && `${count(tokens)} tokens`]
    .filter(Boolean).join(", ");
