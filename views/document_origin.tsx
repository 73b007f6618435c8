/** The planning document that something was made of. */
import type { VNode } from "preact";

export interface DocumentOrigin {
  /** Of the document; its path where nobody can open it any more. */
  title: string;
  /** Title of the section; "": none. */
  section: string;
  /** Null: the document is gone. */
  href: string | null;
}

export function OriginLink({ origin }: { origin: DocumentOrigin }): VNode {
  const { title, section, href } = origin;
  const words = section ? `${title}, ${section}` : title;
  return href === null
    ? <span class="muted">{words} (not there any more)</span>
    : <a href={href}>{words}</a>;
}
