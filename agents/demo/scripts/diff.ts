/**
 * The new side of a unified diff: which lines a change added. The whole parser is in agents/diff.ts; the demo
 * model stands for a model elsewhere and so knows nothing of Gaffer's own code.
 */

/** A line of the new version of a file. */
export interface AddedLine {
  path: string;
  /** From 1. */
  line: number;
  text: string;
}

const HUNK = /^@@ -\d+(?:,\d+)? \+(\d+)(?:,\d+)? @@/;

/** Added lines in the order of the diff. Deleted and binary files have none. */
export function addedLines(diff: string): AddedLine[] {
  const added: AddedLine[] = [];
  let path = "";
  /** 0 outside of a hunk. */
  let line = 0;
  for (const row of diff.split("\n")) {
    const hunk = row.match(HUNK);
    if (hunk) {
      line = Number(hunk[1]);
    } else if (row.startsWith("diff --git ")) {
      path = "";
      line = 0;
    } else if (line === 0) {
      const name = row.match(/^\+\+\+ (?:b\/)?(.+?)\t?$/)?.[1];
      if (name && name !== "/dev/null") path = name;
    } else if (row.startsWith("+")) {
      if (path) added.push({ path, line, text: row.slice(1) });
      line++;
    } else if (!row.startsWith("-") && !row.startsWith("\\")) {
      line++;
    }
  }
  return added;
}
