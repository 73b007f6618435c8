/** Advice that follows from the figures: what it rests on, what it saves, with Apply, Dismiss and Undo. */
import type { VNode } from "preact";
import { Panel, Time } from "./components.tsx";
import { money, sentence } from "./format.ts";
import { ActionForm, Disclosure } from "./forms.tsx";

export interface AdviceProps {
  advice: {
    key: string;
    title: string;
    basis: string;
    savingMicroUsd: number | null;
    applies: boolean;
    /** Of the agent that applying it changes; null: it changes none. */
    version: number | null;
    /** Where a person finds out more; null: nowhere. */
    agentHref: string | null;
  }[];
  /** What a person has decided, the newest first. */
  decided: {
    key: string;
    title: string;
    state: "applied" | "dismissed";
    decidedBy: string;
    decidedAt: string;
    /** Why it can't be taken back any more; null: it can. */
    notUndone: string | null;
  }[];
}

/** Nothing where nothing is or was advised. */
export function AdvicePanel(
  { advice, decided, nowMs }: AdviceProps & { nowMs: number },
): VNode | null {
  if (advice.length + decided.length === 0) return null;
  return (
    <Panel id="advice" title="Advice">
      {advice.length === 0
        ? <p class="calm">Nothing else follows from the figures.</p>
        : <ul class="rows">{advice.map((one) => <AdviceRow key={one.key} advice={one} />)}</ul>}
      {decided.length > 0 && (
        <Disclosure id="advice-decided" summary="Applied and dismissed">
          <ul class="rows">
            {decided.map(({ key, title, state, decidedBy, decidedAt, notUndone }) => (
              <li class="row" key={key}>
                <div class="row-main">
                  <p class="row-title">{title}</p>
                  <p class="row-note">
                    {state === "applied" ? "Applied" : "Dismissed"} by {decidedBy}{" "}
                    <Time at={decidedAt} nowMs={nowMs} />
                    {notUndone && <>. It can't be undone: {notUndone}</>}
                  </p>
                </div>
                {notUndone === null && (
                  <ActionForm
                    action={`/usage/advice/undo?key=${encodeURIComponent(key)}`}
                    label={`Undo: ${title}`}
                  >
                    Undo
                  </ActionForm>
                )}
              </li>
            ))}
          </ul>
        </Disclosure>
      )}
    </Panel>
  );
}

function AdviceRow({ advice }: { advice: AdviceProps["advice"][number] }): VNode {
  const { key, title, basis, savingMicroUsd, applies, version, agentHref } = advice;
  return (
    <li class="row">
      <div class="row-main">
        <p class="row-title">{title}</p>
        <p class="row-note">
          {sentence(basis)} {agentHref && <a href={agentHref}>Look at the agent</a>}
        </p>
      </div>
      {savingMicroUsd !== null && <span class="row-fact">{money(savingMicroUsd)} in 7 days</span>}
      <div class="actions">
        {applies && (
          <ActionForm
            action="/usage/advice/apply"
            kind="primary"
            fields={{ key, ...version !== null && { version: String(version) } }}
            label={`Apply: ${title}`}
          >
            Apply
          </ActionForm>
        )}
        <ActionForm action="/usage/advice/dismiss" fields={{ key }} label={`Dismiss: ${title}`}>
          Dismiss
        </ActionForm>
      </div>
    </li>
  );
}
