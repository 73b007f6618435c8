/** The check that is at work for a ticket, with what it prints as it does. */
import type { VNode } from "preact";
import type { CommandName } from "../server/records.ts";
import { capital, Elapsed, Panel, Tag } from "./components.tsx";
import { ticketHref } from "./links.ts";
import { partial } from "./live.tsx";

export interface RunningCheckProps {
  ticketId: string;
  /** Null: none is at work. */
  check: {
    name: CommandName;
    command: string;
    baseline: boolean;
    startedAt: string;
    /** The end of what it printed. */
    tail: string;
  } | null;
  nowMs: number;
}

const LINES = 40;
const lastLines = (text: string) => text.trimEnd().split("\n").slice(-LINES).join("\n");

/** `#running-check`, which is there also when nothing is at work. */
export function RunningCheckPanel({ ticketId, check, nowMs }: RunningCheckProps): VNode {
  if (check === null) return <div id="running-check" hidden />;
  return (
    <div id="running-check">
      <Panel
        id="running-check-panel"
        title={`${capital(check.name)} is running`}
        aside={
          <a href={`${ticketHref(ticketId)}/checks/running`} hx-boost="false">All of it so far</a>
        }
      >
        <p class="muted">
          <code>{check.command}</code> {check.baseline && <Tag>baseline</Tag>}{" "}
          <Elapsed since={check.startedAt} nowMs={nowMs} />
        </p>
        <pre
          class="output"
          id="running-output"
          role="group"
          tabIndex={0}
          aria-label="The end of what it prints"
        >
          {lastLines(check.tail)}
        </pre>
      </Panel>
    </div>
  );
}

/** What it has printed since; null: none is at work. */
export const runningOutputPartial = ({ check }: Pick<RunningCheckProps, "check">): VNode | null =>
  check && partial("#running-output", "textContent", lastLines(check.tail));
