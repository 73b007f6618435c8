/** A commit with other contents of some files, for a view to check out: on no branch, and the same one for the same contents. */
import { gitOk } from "./git.ts";
import { checkCommit, gaffer } from "./repository.ts";

/** `fast-import` wants a ref. It keeps the newest; a view keeps its own. */
const VIEW_REF = "refs/gaffer/view";

export interface ViewFile {
  /** From the repository's root; without a line end or a quote. */
  path: string;
  /** Null: the file is not there. */
  content: Uint8Array<ArrayBuffer> | null;
}

/** What is no plain folder on the way to one of them is a folder then. Throws `GitError`. */
export async function viewCommit(
  { repo, base, files, signal }: {
    repo: string;
    /** The commit that all other files are of. */
    base: string;
    files: readonly ViewFile[];
    signal: AbortSignal;
  },
): Promise<string> {
  const parts: (string | Uint8Array<ArrayBuffer>)[] = [
    `commit ${VIEW_REF}\nmark :1\ncommitter ${gaffer.name} <${gaffer.email}> 0 +0000\n`,
    `data 0\n\nfrom ${checkCommit(base)}\n`,
  ];
  for (const { path, content } of files) {
    if (/[\n"]/.test(path)) throw new Error(`no path of a file: ${path}`);
    if (content === null) parts.push(`D ${path}\n`);
    else parts.push(`M 100644 inline ${path}\ndata ${content.length}\n`, content, "\n");
  }
  parts.push("\nget-mark :1\ndone\n");
  const input = new Uint8Array(await new Blob(parts).arrayBuffer());
  const args = ["fast-import", "--quiet", "--done", "--force", "--date-format=raw"];
  const printed = await gitOk(repo, args, { signal, input, doing: "lay the documents out" });
  return checkCommit(printed.trim());
}
