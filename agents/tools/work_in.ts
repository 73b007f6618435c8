/**
 * Work in one folder of a place that nothing can be led out of. Names relative to the folder that a process stands in
 * are looked up from the folder itself, not from the root: what takes the place of one of its parents meanwhile, a link
 * say, changes nothing. No other call of the runtime opens a file below an open folder.
 */
import { relativePath } from "../paths.ts";

export interface WorkIn {
  /** Absolute real paths; `folder` is `root` or inside of it. Missing folders are made, one by one. */
  root: string;
  folder: string;
  /** What is thrown when a part of the folder is not, or no longer, what its name says. */
  replaced: () => Error;
}

/** What is done within a folder. It is synchronous, and `at` gives the path for one name in the folder. */
type Work<T> = (at: (name: string) => string, stillThere: () => void) => T;

/**
 * Calls `work` while the whole process stands in the folder. It gets a function that throws where the folder has since
 * been moved or replaced.
 */
export function workIn<T>({ root, folder, replaced }: WorkIn, work: Work<T>): T {
  const before = whereWeAre();
  const mustBe = (path: string) => {
    if (whereWeAre() !== path) throw replaced();
  };
  try {
    Deno.chdir(root);
    mustBe(root);
    let path = root;
    for (const name of relativePath(root, folder).split("/").filter(Boolean)) {
      step(name);
      path = path === "/" ? `/${name}` : `${path}/${name}`;
      mustBe(path);
    }
    return work((name) => name, () => mustBe(folder));
  } finally {
    goBack(before ?? root, root);
  }
}

/** Hands that may only see the place stand somewhere else at first, and can't go back there. */
function goBack(before: string, root: string): void {
  try {
    Deno.chdir(before);
  } catch (error) {
    if (!isOutOfReach(error)) throw error;
    Deno.chdir(root);
  }
}

function step(name: string): void {
  try {
    Deno.chdir(name);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
    Deno.mkdirSync(name);
    Deno.chdir(name);
  }
}

/** Real path; null: it is gone, or none that we may see. */
function whereWeAre(): string | null {
  try {
    return Deno.cwd();
  } catch (error) {
    if (isOutOfReach(error)) return null;
    throw error;
  }
}

const isOutOfReach = (error: unknown): boolean =>
  error instanceof Deno.errors.NotCapable || error instanceof Deno.errors.NotFound;
