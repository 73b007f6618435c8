/** Advice that follows from the figures: what it rests on, what it saves, with Apply and Dismiss. */
import type { VNode } from "preact";
import { Panel } from "./components.tsx";
import { money, sentence } from "./format.ts";
import { ActionForm } from "./forms.tsx";

export interface AdviceProps {
  advice: {
    key: string;
    title: string;
    basis: string;
    savingMicroUsd: number | null;
    applies: boolean;
  }[];
}

/** Nothing where nothing is advised. */
export function AdvicePanel({ advice }: AdviceProps): VNode | null {
  if (advice.length === 0) return null;
  return (
    <Panel id="advice" title="Advice">
      <ul class="rows">
        {advice.map(({ key, title, basis, savingMicroUsd, applies }) => (
          <li class="row" key={key}>
            <div class="row-main">
              <p class="row-title">{title}</p>
              <p class="row-note">{sentence(basis)}</p>
            </div>
            {savingMicroUsd !== null && (
              <span class="row-fact">{money(savingMicroUsd)} in 7 days</span>
            )}
            <div class="actions">
              {applies && (
                <ActionForm
                  action="/usage/advice/apply"
                  kind="primary"
                  fields={{ key }}
                  label={`Apply: ${title}`}
                >
                  Apply
                </ActionForm>
              )}
              <ActionForm
                action="/usage/advice/dismiss"
                fields={{ key }}
                label={`Dismiss: ${title}`}
              >
                Dismiss
              </ActionForm>
            </div>
          </li>
        ))}
      </ul>
    </Panel>
  );
}
