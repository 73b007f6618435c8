/** All that agents were asked about a document. */
import type { VNode } from "preact";
import { Panel } from "./components.tsx";
import { type AskRow, AskRows } from "./document_asks.tsx";
import { buttonClass } from "./forms.tsx";
import { Layout, PageHead } from "./layout.tsx";
import { documentHref } from "./links.ts";
import type { Shell } from "./shell.ts";

export interface AsksPageProps {
  shell: Shell;
  document: { id: string; title: string };
  rows: AskRow[];
  moreHref: string | null;
  /** What was asked about documents that are gone: this may be one of them. Null: there is none. */
  lostHref: string | null;
}

export function AsksPage(
  { shell, document: { id, title }, rows, moreHref, lostHref }: AsksPageProps,
): VNode {
  return (
    <Layout shell={shell} title={`${title}, asked`} current="planning" live={null}>
      <PageHead crumb={{ href: documentHref(id), label: title }} title="What agents were asked" />
      <Panel id="asks" title="Newest first">
        {rows.length === 0
          ? <p class="muted">Nothing yet. Ask an agent on the document's page.</p>
          : <AskRows rows={rows} nowMs={shell.nowMs} />}
      </Panel>
      {moreHref && <a class={buttonClass("plain")} href={moreHref}>Older</a>}
      {lostHref && (
        <p class="muted">
          Had it another name before?{" "}
          <a href={lostHref}>What was asked about documents that are gone</a>
        </p>
      )}
    </Layout>
  );
}
