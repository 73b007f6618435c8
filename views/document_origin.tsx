/** The planning documents that something was made of, or is named in. */
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

/** A document that names an idea or a ticket. */
export interface NamingDocument {
  title: string;
  href: string;
}

/** Null: there is none. */
export const namingLinks = (documents: readonly NamingDocument[] = []): VNode | null =>
  documents.length === 0 ? null : (
    <>
      {documents.map(({ title, href }, i) => (
        <span key={href}>
          {i > 0 && ", "}
          <a href={href}>{title}</a>
        </span>
      ))}
    </>
  );
