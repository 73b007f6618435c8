/** What in a working tree is not as in the commit that it has checked out, as one look of git's tells it. */
import { gitBytes, type GitPlace } from "./git.ts";
import { GitError } from "./git_error.ts";
import type { TreeEntry } from "./tree_bytes.ts";

/** Most paths that git is asked about one by one; of more it is told to look at everything. */
export const ASKED_PATHS = 100;
/** Most bytes of the look: some hundred thousand changed files. */
const LOOK_BYTES = 64 * 1024 * 1024;

export interface Change {
  /** A repository inside the tree ends in a slash. Bytes of the name that are not UTF-8 are U+FFFD here. */
  path: string;
  /** The path as it is. */
  name: Uint8Array<ArrayBuffer>;
  /** In the commit; null: there is none of that path. */
  head: TreeEntry | null;
  /** In the index; null: there is none. */
  index: TreeEntry | null;
  /** What the working tree has: the same as the index, nothing, or something else. */
  file: "same" | "gone" | "changed";
  /** A submodule, or a file of which a merge has left several: only git knows what is to be done. */
  isOdd: boolean;
}

/**
 * Every path (of `among`, if given) that is not as committed, ignored files aside. What git knows a path by can stand
 * twice: as gone from the index, and as a file that it does not know.
 */
export async function changesIn(
  place: GitPlace,
  signal: AbortSignal,
  among?: readonly string[],
): Promise<Change[]> {
  const paths = among && among.length <= ASKED_PATHS ? among : [];
  const args = [
    ...["status", "--porcelain=v2", "-z", "--no-renames"],
    // Whatever the person's settings hide; but what is changed inside of a submodule only its own git knows, and
    // that is not asked: it would run whatever programs its configuration names.
    ...["--ignore-submodules=dirty", "--untracked-files=all", "--no-show-stash", "--", ...paths],
  ];
  const doing = "see what is not committed";
  const env = { GIT_LITERAL_PATHSPECS: "1" };
  const bytes = await gitBytes(place, args, { signal, env, doing, maxOutputBytes: LOOK_BYTES });
  if (bytes === null) throw GitError.tooLong(doing);
  const changes: Change[] = [];
  for (let from = 0; from < bytes.length;) {
    const end = bytes.indexOf(0, from);
    changes.push(changeIn(bytes.subarray(from, end)));
    from = end + 1;
  }
  return changes;
}

const SPACE = 32;
/** Fields before the path, by the letter that a line begins with. */
const FIELDS: Record<string, number> = { "1": 8, "u": 10, "?": 1 };
const ABSENT = "000000";
const OF_SUBMODULE = "160000";

function changeIn(line: Uint8Array<ArrayBuffer>): Change {
  const kind = String.fromCharCode(line[0]!);
  let at = 0;
  for (let left = FIELDS[kind] ?? 0; left > 0; left--) at = line.indexOf(SPACE, at) + 1;
  if (at === 0) throw new Error(`git status says what nobody knows: ${text(line)}`);
  const name = line.slice(at);
  const path = text(name);
  if (kind === "?") {
    return { path, name, head: null, index: null, file: "changed", isOdd: false };
  }
  const [, state = "", submodule = "", ...rest] = text(line.subarray(0, at)).split(" ");
  const isGone = state.endsWith("D");
  if (kind === "u") {
    const file = rest[3] === ABSENT ? "gone" : "changed";
    return { path, name, head: null, index: null, file, isOdd: true };
  }
  const [headMode = "", indexMode = "", , headId = "", indexId = ""] = rest;
  return {
    path,
    name,
    head: entryOf(headMode, headId),
    index: entryOf(indexMode, indexId),
    file: state.endsWith(".") ? "same" : isGone ? "gone" : "changed",
    isOdd: state.includes("U") || submodule !== "N..." ||
      [headMode, indexMode].includes(OF_SUBMODULE),
  };
}

const entryOf = (mode: string, id: string): TreeEntry | null =>
  mode === ABSENT ? null : { mode, id };

const text = (bytes: Uint8Array): string =>
  new TextDecoder("utf-8", { ignoreBOM: true }).decode(bytes);
