/**
 * What new documents begin with: the built-in templates, and a project's own from `planning/templates/`. A template is
 * a document whose front matter has `template` (its name), `about` and `folder` besides; they don't become part of it.
 */
import { readdirSync, readFileSync } from "node:fs";

export interface DocumentTemplate {
  /** Name of its file, without the ending. */
  id: string;
  name: string;
  /** What it is for, in a sentence; empty: nobody said. */
  about: string;
  /** Where documents of it go, from `planning/`; "" is `planning/` itself. */
  folder: string;
  /** With the places to fill in. */
  text: string;
  /** Of the project; it may stand in place of a built-in one. */
  own: boolean;
}

/** In a bundle this file is part of one at the root of everything. */
const folder = new URL(
  import.meta.url.endsWith(".ts") ? "./templates/" : "./agents/planning/templates/",
  import.meta.url,
);

/** Those that Gaffer brings along, by name; they may be embedded in the executable. */
export const builtInTemplates = (): DocumentTemplate[] =>
  readdirSync(folder).filter((name) => name.endsWith(".md")).sort()
    .map((name) => readTemplate(name, readFileSync(new URL(name, folder), "utf8"), false));

const OWN_KEYS = /^(template|about|folder):[ \t]*(.*?)\r?\n/gm;
const FRONT = /^(\uFEFF?---[ \t]*\r?\n)([^]*?\n)(---[ \t]*(?:\r?\n|$))/;
const WORDS_CHARS = 200;

/** `file` is its name in its folder. */
export function readTemplate(file: string, text: string, own: boolean): DocumentTemplate {
  const id = file.replace(/\.md$/i, "");
  const [front, open, yaml, close] = FRONT.exec(text) ?? [];
  const said: Record<string, string> = {};
  const rest = (yaml ?? "").replaceAll(OWN_KEYS, (_, key: string, value: string) => {
    said[key] = value.trim().replace(/^(["'])(.*)\1$/, "$2").slice(0, WORDS_CHARS);
    return "";
  });
  const kept = rest.trim() === "" ? "" : `${open}${rest}${close}`;
  return {
    id,
    name: said.template || id.replaceAll(/[-_]/g, " "),
    about: said.about ?? "",
    folder: (said.folder ?? "").replace(/^\/+|\/+$/g, ""),
    text: front === undefined
      ? text
      : kept + text.slice(front.length).replace(kept ? "" : /^\s*\n/, ""),
    own,
  };
}

/** A document made of a template. `date`: of today, as "2026-01-02". */
export const fillTemplate = (
  { text }: DocumentTemplate,
  { title, date }: { title: string; date: string },
): string => text.replaceAll(/\{\{(title|date)\}\}/g, (_, key) => key === "title" ? title : date);
