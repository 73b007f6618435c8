/** What looking at a repository's files proposes for the project's commands. */
import type { CommandName } from "../../server/records.ts";

export interface Proposal {
  /** For `sh -c` in the repository's root. */
  command: string;
  /** Which file says so, for a person to read. */
  why: string;
  /** Folder that the command makes and that git should ignore. */
  leaves?: string;
}

export type Proposals = Partial<Record<CommandName, Proposal>>;

/** The tracked files of one commit. */
export interface ProjectFiles {
  paths: ReadonlySet<string>;
  /** Text of a tracked file; null when there is none, or it is binary or too large. */
  read(path: string): Promise<string | null>;
}

/** Proposes what it can; nothing for a kind of project that it does not know. */
export type Detector = (files: ProjectFiles) => Promise<Proposals>;

/** The first of `names` that is tracked. */
export function firstOf(files: ProjectFiles, names: readonly string[]): string | undefined {
  return names.find((name) => files.paths.has(name));
}

export function anyPath(files: ProjectFiles, pattern: RegExp): boolean {
  for (const path of files.paths) if (pattern.test(path)) return true;
  return false;
}
