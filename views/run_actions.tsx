/** What a person may do with a run in its state. Moves that the state forbids are absent. */
import type { VNode } from "preact";
import type { FieldError } from "../server/errors.ts";
import type { Outlook, Run } from "../server/records.ts";
import { describeCall } from "./activity_words.ts";
import { Facts, Time } from "./components.tsx";
import { money, plural, tokens } from "./format.ts";
import { ActionForm, Button, buttonClass, Disclosure, ErrorSummary, Field } from "./forms.tsx";
import { forkHref, runHref } from "./links.ts";

/** A message that was refused. */
export interface RefusedMessage {
  text: string;
  message: string;
  errors: FieldError[];
}

/** What decides which moves there are, beside the run itself. */
export interface RunMovesProps {
  run: Run;
  /** Of a paused run; null: there is nothing to resume. */
  outlook: Outlook | null;
  /** Its ticket is paused too, and goes on with it. */
  ticketPaused: boolean;
  /** Messages that people have sent to it. */
  messages: number;
  refused: RefusedMessage | null;
  /** The way on after a failure, as the idea's or ticket's own verb. */
  retry: { action: string; label: string; effect: string } | null;
  forkable: boolean;
}

export const isActive = ({ status }: Run): boolean =>
  status === "queued" || status === "running" || status === "waiting";

/** The page's moves, always in reach; `#run-actions`. */
export function RunActions({ nowMs, ...props }: RunMovesProps & { nowMs: number }): VNode {
  const { run, outlook, retry, forkable } = props;
  const active = isActive(run);
  return (
    <div class="action-bar" id="run-actions">
      {active && run.pausedBy === null && <Pause run={run} />}
      {active && run.pausedBy !== null && run.status === "running" && <Pausing run={run} />}
      {outlook && <Resume {...props} outlook={outlook} nowMs={nowMs} />}
      {retry && (
        <div class="action-main">
          <ActionForm action={retry.action} kind="primary">{retry.label}</ActionForm>
          <span class="effect">{retry.effect}</span>
        </div>
      )}
      {forkable && <a class={buttonClass("plain")} href={forkHref(run.id)}>Fork</a>}
      {!active && <a class={buttonClass("plain")} href={`${runHref(run.id)}/replay`}>Replay</a>}
      {active && (
        <Disclosure id="stop" summary="Stop" keys="Shift+x">
          <form method="post" action={`${runHref(run.id)}/cancel`}>
            <p>Stops the agent and everything it started, at once. What it committed is kept.</p>
            <Button kind="danger">Stop the run</Button>
          </form>
        </Disclosure>
      )}
    </div>
  );
}

function Pause({ run }: { run: Run }): VNode {
  return (
    <Disclosure id="pause" summary="Pause" keys="p">
      <form method="post" action={`${runHref(run.id)}/pause`}>
        <p>
          {run.status === "running"
            ? "It finishes the request or tool call that it is at, keeps what came of it, and then waits for you."
            : "It does not go on by itself any more, but waits for you."}
        </p>
        <div class="actions">
          <Button kind="primary">Pause</Button>
          {run.status === "running" && (
            <Button name="tools" value="kill">Pause and end its tool call</Button>
          )}
        </div>
      </form>
    </Disclosure>
  );
}

/** Its last step is still at work. */
function Pausing({ run }: { run: Run }): VNode {
  return (
    <div class="action-main">
      <ActionForm action={`${runHref(run.id)}/resume`}>Do not pause</ActionForm>
      <ActionForm action={`${runHref(run.id)}/pause`} name="tools" value="kill">
        End its tool call now
      </ActionForm>
    </div>
  );
}

function Resume(
  { run, outlook, ticketPaused, nowMs }: RunMovesProps & { outlook: Outlook; nowMs: number },
): VNode {
  return (
    <Disclosure id="resume" summary="Resume" kind="primary" keys="p">
      <form method="post" action={`${runHref(run.id)}/resume`}>
        <p>The {run.agent} goes on from its log.</p>
        <Facts rows={outlookRows(outlook, nowMs)} />
        {ticketPaused && <p>Its ticket goes on with it.</p>}
        <Button kind="primary">Resume the run</Button>
      </form>
    </Disclosure>
  );
}

function outlookRows(outlook: Outlook, nowMs: number): [string, VNode | string | null][] {
  const { lastEvent, openCalls, turnsLeft, tokensLeft, costLeftMicroUsd } = outlook;
  const calls = openCalls.map((call) => {
    const { verb, object } = describeCall({
      number: 0,
      at: "",
      call,
      result: null,
      approval: null,
    });
    return `${verb} ${object}`.trim();
  });
  return [
    [
      "Last event",
      lastEvent && (
        <>
          <a href={`#e${lastEvent.number}`}>
            {lastEvent.number} {lastEvent.body.type.replaceAll("_", " ")}
          </a>{" "}
          <Time at={lastEvent.at} nowMs={nowMs} />
        </>
      ),
    ],
    ["Does next", calls.length > 0 ? calls.join(", ") : "Asks the model"],
    [
      "Left",
      [
        plural(turnsLeft, "turn"),
        ...(tokensLeft === null ? [] : [`${tokens(tokensLeft)} tokens`]),
        money(costLeftMicroUsd),
      ].join(", "),
    ],
  ];
}

/** Room for a word to the agent, away from what stops it; `#run-message`. */
export function MessagePanel({ run, messages, refused }: RunMovesProps): VNode {
  if (!isActive(run)) return <div id="run-message" />;
  // What was sent must be gone from the form: a new one stands there afterwards.
  const form = `message-${messages}`;
  return (
    <section class="panel" id="run-message" aria-label={`Message to the ${run.agent}`}>
      <Disclosure
        id={`${form}-open`}
        summary={`Message the ${run.agent}`}
        open={refused !== null}
        keys="r"
      >
        <form method="post" action={`${runHref(run.id)}/message`} id={form}>
          <ErrorSummary
            form={form}
            message={refused?.message ?? null}
            errors={refused?.errors ?? []}
          />
          <Field
            form={form}
            name="message"
            kind="area"
            rows={4}
            label="What should it know?"
            hint="It reads this with its next request to the model, and everybody reads it in the transcript."
            value={refused?.text}
            errors={refused?.errors}
            required
          />
          <Button kind="primary">Send</Button>
        </form>
      </Disclosure>
    </section>
  );
}
