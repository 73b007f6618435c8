/** Settings of a project that its repository's file holds: shown with where they stand, and changed there alone. */
import { PROJECT_CONFIG } from "../server/records.ts";

/** Says where a setting stands. `line`: of the file, from 1. */
export const lockedWords = (line: number): string =>
  `Set in line ${line} of ${PROJECT_CONFIG}, which you trusted: change it there.`;

/** Hint of a field, which can only be read where the file holds it. `locked`: lines by the settings' names. */
export function locking(
  locked: Readonly<Record<string, number | undefined>>,
  key: string,
  hint: string,
): { hint: string; readOnly?: true } {
  const line = locked[key];
  return line === undefined ? { hint } : { readOnly: true, hint: `${lockedWords(line)} ${hint}` };
}
