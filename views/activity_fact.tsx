/** What happens in a run between its turns: started, noted, waiting, ended. */
import type { ComponentChildren, VNode } from "preact";
import type { ReadDocument } from "../agents/protocol.ts";
import { failureReasons } from "../server/states.ts";
import { Cut } from "./activity_call.tsx";
import type { FactItem } from "./activity_fold.ts";
import { capital, Time } from "./components.tsx";
import { plural, shortCommit } from "./format.ts";
import { documentHref, runHref } from "./links.ts";
import { Prose } from "./prose.tsx";
import { failureWords, reportsBlocked, type Tone } from "./words.ts";

/** One fact with its time and address. */
export function Fact({ item, nowMs }: { item: FactItem; nowMs: number }): VNode {
  const { tone, text, more } = describeFact(item.body);
  return (
    <li class="fact" id={`e${item.first}`} data-step="" tabIndex={-1}>
      <p class="turn-head">
        <span class={tone ? `outcome tone-${tone}` : "outcome"}>{text}</span>
        <Time at={item.at} nowMs={nowMs} />
      </p>
      {more}
    </li>
  );
}

/** Which hosts a run was given. */
function wayOutWords({ permissions }: Extract<FactItem["body"], { type: "started" }>): string {
  const { hosts = [], checkHosts = [] } = permissions ?? {};
  const told = [
    ...hosts.length > 0 ? [`its commands may reach ${hosts.join(", ")}`] : [],
    ...checkHosts.length > 0 ? [`the checks that it runs may reach ${checkHosts.join(", ")}`] : [],
  ];
  return capital(told.join("; "));
}

/** Which planning documents a run was told. */
function ReadDocuments({ documents }: { documents: ReadDocument[] }): VNode {
  return (
    <div class="small">
      <p class="remark-label">Planning documents that it was given</p>
      <ul class="plain-list">
        {documents.map(({ id, path, title, version }) => (
          <li key={id}>
            <a href={documentHref(id)}>{title}</a>{" "}
            <span class="muted path">{path}, version {version}</span>
          </li>
        ))}
      </ul>
    </div>
  );
}

export interface FactWords {
  tone: Tone | null;
  text: string;
  more?: ComponentChildren;
}

/** What a fact is called, and what more there is to show. */
export function describeFact(body: FactItem["body"]): FactWords {
  switch (body.type) {
    case "started":
      return {
        tone: null,
        text:
          `Started with the model ${body.spec.model.id}, ${
            plural(body.spec.tools.length, "tool")
          }, ` +
          `at most ${plural(body.spec.limits.maxTurns, "turn")}`,
        more: (
          <>
            {body.serverProblems?.map((problem) => (
              <p class="turn-head" key={problem}>
                <span class="outcome tone-failed">{problem}</span>
              </p>
            ))}
            {body.documents && <ReadDocuments documents={body.documents} />}
            {body.tags?.includes("outbound") && <p class="muted small">{wayOutWords(body)}</p>}
            <details class="thinking" id="given">
              <summary>What the agent was given</summary>
              <p class="remark-label">Task</p>
              <Cut text={body.spec.prompt} />
              <p class="remark-label">Instructions</p>
              <Cut text={body.spec.system} />
            </details>
          </>
        ),
      };
    case "note":
      return {
        tone: null,
        text: body.by === undefined ? "Note to the agent" : `Message from ${body.by}`,
        more: <Prose text={body.text} />,
      };
    case "nudge":
      return { tone: null, text: "Reminder to the agent", more: <Prose text={body.text} /> };
    case "approval_requested":
      return { tone: "waiting", text: "Waits for your approval", more: <Cut text={body.detail} /> };
    case "approval_decided":
      return {
        tone: body.granted ? "done" : "failed",
        text: `${body.granted ? "Granted" : "Denied"} by ${body.by}${
          body.reason ? `: ${body.reason}` : ""
        }`,
      };
    case "checkpoint":
      return {
        tone: null,
        text: `Checkpoint ${shortCommit(body.commit)}, ${plural(body.files.length, "file")}`,
      };
    case "forked":
      return {
        tone: null,
        text: `Forked: up to here the steps, and what they cost, are another run's`,
        more: (
          <p>
            <a href={runHref(body.from)}>The run that it was forked from</a>, after turn {body.turn}
          </p>
        ),
      };
    case "waiting":
      return {
        tone: "waiting",
        text: `Waits: ${body.reason}`,
        more: body.failure && <p class="muted">{failureReasons[body.failure].mend}</p>,
      };
    case "resumed":
      return { tone: null, text: `Goes on${body.reason ? `: ${body.reason}` : ""}` };
    case "succeeded":
      return reportsBlocked(body.result)
        ? { tone: "failed", text: "Reported blocked" }
        : { tone: "done", text: "Done" };
    case "failed":
      return {
        tone: "failed",
        text: `${failureWords[body.reason]}: ${body.message}`,
        more: <p class="muted">{failureReasons[body.reason].mend}</p>,
      };
    case "cancelled":
      return { tone: null, text: `Cancelled by ${body.by}` };
  }
}
