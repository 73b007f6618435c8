/** `CLAUDE.md` and `AGENTS.md` of a project, assembled from its documents: looked at first, saved by a person's word. */
import { unifiedDiff } from "../../agents/tools/diff.ts";
import type { App } from "../app.ts";
import { transact } from "../db.ts";
import { AppError } from "../errors.ts";
import type { PlanningDocument, Project } from "../records.ts";
import type { GuideFile } from "../states.ts";
import { getProject } from "../store/projects.ts";
import { documentVersion } from "./document_facts.ts";
import { documentsAlone } from "./document_index.ts";
import { linkedDocument } from "./document_links.ts";
import { readDocuments } from "./document_texts.ts";
import { readFile, saveFile } from "./file_saves.ts";
import { type GuidePart, guideParts, guideText, withGuide } from "./guide_text.ts";

/** Largest file that is changed, in bytes. */
const FILE_BYTES = 512 * 1024;
const kind = {
  maxBytes: FILE_BYTES,
  folder: "the project's folder",
  ordinary: "an ordinary text file",
};

export interface GuidePreview {
  file: GuideFile;
  /** What goes in. */
  parts: GuidePart[];
  /** The whole file as it would be. */
  text: string;
  /** From the present file to it, unified; "": it says that already, null: too far apart to show. */
  diff: string | null;
  /** Version of the present file. */
  seen: string;
  /** Version of `text`. */
  made: string;
}

/**
 * What the file would say, beside what it says where documents are saved: on the base branch, or in the folder. Throws
 * `conflict` where no document goes in, the file is no plain text, or its markers are no pair.
 */
export async function previewGuide(
  app: App,
  project: Project,
  file: GuideFile,
  signal: AbortSignal,
): Promise<GuidePreview> {
  const { parts, part } = await assemble(app, project, signal);
  const found = await readFile(app, { project, path: file, kind, signal });
  const present = found && decoded(file, found.bytes);
  const text = withGuide(file, present, part);
  return {
    ...{ file, parts, text },
    diff: text === present ? "" : await unifiedDiff(file, present, text) ?? null,
    seen: documentVersion(present),
    made: documentVersion(text),
  };
}

async function assemble(
  app: App,
  project: Project,
  signal: AbortSignal,
): Promise<{ parts: GuidePart[]; part: string }> {
  // A file that is no text says nowhere that it is approved.
  const accepted = ({ status }: PlanningDocument) => status !== "draft";
  const { documents: texts } = await readDocuments(app, project, { wanted: accepted, signal });
  const parts = guideParts(texts.map(({ document }) => document));
  if (parts.length === 0) {
    throw new AppError(
      "conflict",
      "Cannot assemble it: no document about the architecture, conventions or a milestone is approved. Set the status " +
        "of one to approved first",
    );
  }
  const part = guideText(
    parts,
    texts,
    (from, name) => linkedDocument(app, from, name, "name"),
  );
  return { parts, part };
}

/** Throws `conflict`: saved again, the bytes of what is no text would be others. */
function decoded(file: GuideFile, bytes: Uint8Array): string {
  const why = `Cannot change ${file}: it is no text in UTF-8. Mend it first`;
  let text: string;
  try {
    text = new TextDecoder("utf-8", { ignoreBOM: true, fatal: true }).decode(bytes);
  } catch (cause) {
    throw new AppError("conflict", why, [], { cause });
  }
  if (text.includes("\0")) throw new AppError("conflict", why);
  return text;
}

export interface GuideSave {
  file: GuideFile;
  /** Of the preview that the person looked at. */
  seen: string;
  made: string;
}

/**
 * Saves what was looked at, as documents are saved. Throws `conflict` where the file or a document has changed since,
 * and as `previewGuide` and `saveFile`; nothing is changed then.
 */
export async function saveGuide(
  app: App,
  projectId: string,
  { file, seen, made }: GuideSave,
  signal: AbortSignal,
): Promise<void> {
  const project = getProject(app.db, projectId);
  if (project.status !== "active") {
    throw new AppError("conflict", `Cannot save ${file}: "${project.name}" is archived`);
  }
  const { text, made: now } = await previewGuide(app, project, file, signal);
  // Saved already, by a request whose answer got lost.
  const isSaved = (version: string) => version === made;
  await documentsAlone(app, project, () =>
    saveFile(app, {
      ...{ project, kind, signal },
      path: file,
      content: new TextEncoder().encode(text),
      check(present) {
        const version = documentVersion(present && decoded(file, present.bytes));
        if (!isSaved(version) && version !== seen) throw moved(file, "the file");
        if (now !== made) throw moved(file, "a document");
      },
      message: (doing) => `docs: ${doing} ${file} from the planning documents`,
    }));
  transact(app, (tx) => tx.emit({ type: "guide_saved", projectId: project.id, data: { file } }));
}

const moved = (file: GuideFile, what: string): AppError =>
  new AppError(
    "conflict",
    `Cannot save ${file}: ${what} has changed since you looked. Look at the changes once more, then save again`,
  );
