import type { VNode } from "preact";
import { renderMarkdown, type ResolveReference } from "./markdown.ts";

interface ProseProps {
  text: string;
  resolve?: ResolveReference;
}

/** Markdown written by a person or a model. htmx never acts on anything inside it. */
export function Prose({ text, resolve }: ProseProps): VNode {
  const html = { __html: renderMarkdown(text, resolve) };
  return <div class="prose" hx-ignore="" dangerouslySetInnerHTML={html} />;
}
