/** Makes a repository from given files: for the sample project, and for new ones of a template. */
import { dirname, join } from "node:path";
import { isInside } from "./contents.ts";
import { gitOk } from "./git.ts";
import { gaffer, type Identity, identityEnv } from "./repository.ts";

export interface NewRepository {
  /** An empty folder that exists. */
  path: string;
  files: readonly { path: string; content: string | Uint8Array; executable?: boolean }[];
  message: string;
  /** Of the first commit; Gaffer by default. */
  author?: Identity;
  signal: AbortSignal;
}

/** Writes the files and commits them on the branch "main". Throws before the first where one would lie outside the folder. */
export async function createRepository(spec: NewRepository): Promise<void> {
  const { path, files, message, author = gaffer, signal } = spec;
  const outside = files.find((file) => !isInside(file.path));
  if (outside) {
    const shown = JSON.stringify(outside.path.slice(0, 200));
    throw new Error(`Cannot make a repository in ${path}: the file ${shown} lies outside of it`);
  }
  for (const file of files) {
    const target = join(path, file.path);
    await Deno.mkdir(dirname(target), { recursive: true });
    const { content } = file;
    const bytes = typeof content === "string" ? new TextEncoder().encode(content) : content;
    await Deno.writeFile(target, bytes, { mode: file.executable ? 0o755 : 0o644 });
  }
  const git = (doing: string, ...args: string[]) =>
    gitOk(path, args, { signal, doing, env: identityEnv(author) });
  await git("make the repository", "init", "--quiet", "--initial-branch=main");
  // Whatever a person ignores everywhere: these files are meant.
  await git("add the files", "add", "--all", "--force");
  await git("make the first commit", "commit", "--quiet", "--message", message);
}
