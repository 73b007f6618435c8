/** Changes keys of a definition's file and leaves the rest of it as a person wrote it: comments, order, unknown keys. */
import { isMap, parseDocument } from "yaml";
import { AppError } from "../../server/errors.ts";
import { splitFrontMatter } from "./front_matter.ts";

export interface DefinitionChanges {
  /** By key of the front matter; undefined takes the key out. */
  keys?: Record<string, unknown>;
  /** The system prompt below the front matter. */
  body?: string;
}

/** Gives the new text; the same one when nothing changes. Throws `invalid` when the file can't be read. */
export function editDefinition(text: string, file: string, changes: DefinitionChanges): string {
  const { yaml, body } = splitFrontMatter(text, file);
  const newBody = changes.body?.replaceAll("\r\n", "\n").trim() ?? body;
  const keys = Object.entries(changes.keys ?? {});
  if (keys.length === 0 && newBody === body) return text;
  const changed = keys.length === 0 ? yaml : withKeys(yaml, file, keys);
  return `---\n${changed.replace(/\n*$/, "\n")}---\n\n${newBody}\n`;
}

function withKeys(yaml: string, file: string, keys: [string, unknown][]): string {
  const document = parseDocument(yaml, { prettyErrors: false });
  const [error] = document.errors;
  const { contents } = document;
  if (error || contents !== null && !isMap(contents)) {
    const message = error?.message ?? 'expected lines of the form "key: value"';
    throw new AppError("invalid", `Cannot change the agent definition ${file}: ${message}`);
  }
  for (const [key, value] of keys) {
    if (value === undefined) document.delete(key);
    else if (typeof document.get(key) === typeof value && document.get(key) === value) continue;
    else document.set(key, value);
  }
  return document.toString({ lineWidth: 0, flowCollectionPadding: false });
}
