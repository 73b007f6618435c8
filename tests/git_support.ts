/** A real repository in a folder of its own, as a person would have it; removed when the test ends. */
import { dirname, join } from "node:path";

export const never: AbortSignal = new AbortController().signal;

/** Runs the person's own git, without the settings of the machine that the test runs on. */
export async function personGit(dir: string, ...args: string[]): Promise<string> {
  const output = await new Deno.Command("git", {
    args: ["-C", dir, ...args],
    clearEnv: true,
    env: {
      PATH: Deno.env.get("PATH") ?? "",
      HOME: "/nonexistent",
      GIT_CONFIG_NOSYSTEM: "1",
      GIT_CONFIG_GLOBAL: "/dev/null",
      GIT_OPTIONAL_LOCKS: "0",
      GIT_EDITOR: "true",
      LC_ALL: "C",
    },
  }).output();
  const text = new TextDecoder().decode(output.stdout);
  if (output.success) return text.replace(/\n$/, "");
  throw new Error(`git ${args.join(" ")}: ${new TextDecoder().decode(output.stderr)}${text}`);
}

interface Content {
  folders: string[];
  files: [path: string, bytes: Uint8Array][];
}

/** What is in the folder of a repository without a commit. */
let begun: Promise<Content> | undefined;

export class TestRepo implements AsyncDisposable {
  private constructor(
    /** Holds the repository and everything that is made beside it. */
    readonly root: string,
    readonly dir: string,
  ) {}

  /** With one commit of `README.md` on "main"; the folder's name has a space and a letter that is not ASCII. */
  static async make(
    files: Record<string, string> = { "README.md": "one\n" },
    how: string[] = [],
  ): Promise<TestRepo> {
    const root = await Deno.realPath(await Deno.makeTempDir({ prefix: "gaffer tést " }));
    const repo = new TestRepo(root, join(root, "person's repo"));
    await Deno.mkdir(repo.dir);
    if (how.length === 0) await repo.begin();
    else await repo.init(how);
    if (Object.keys(files).length > 0) await repo.commit("Begin", files);
    return repo;
  }

  /** A clone of another one, made with these options. */
  static async clone(origin: TestRepo, ...how: string[]): Promise<TestRepo> {
    const root = await Deno.realPath(await Deno.makeTempDir({ prefix: "gaffer tést " }));
    const repo = new TestRepo(root, join(root, "person's repo"));
    await personGit(root, "clone", "-q", ...how, `file://${encodeURI(origin.dir)}`, repo.dir);
    await repo.introduce();
    return repo;
  }

  private async init(how: string[]): Promise<void> {
    await this.git("init", "-q", "-b", "main", ...how);
    await this.introduce();
  }

  /** As `init` makes it, without three programs for each. */
  private async begin(): Promise<void> {
    begun ??= this.init([]).then(() => contentOf(join(this.dir, ".git")));
    const { folders, files } = await begun;
    for (const path of folders) await Deno.mkdir(join(this.dir, ".git", path), { recursive: true });
    for (const [path, bytes] of files) {
      await Deno.writeFile(join(this.dir, ".git", path), bytes);
    }
  }

  private async introduce(): Promise<void> {
    await this.git("config", "user.name", "Pat Person");
    await this.git("config", "user.email", "pat@example.org");
  }

  git(...args: string[]): Promise<string> {
    return personGit(this.dir, ...args);
  }

  /** Path beside the repository. */
  beside(name: string): string {
    return join(this.root, name);
  }

  async write(path: string, text: string | Uint8Array, dir: string = this.dir): Promise<void> {
    const file = join(dir, path);
    await Deno.mkdir(dirname(file), { recursive: true });
    await (typeof text === "string" ? Deno.writeTextFile(file, text) : Deno.writeFile(file, text));
  }

  read(path: string, dir: string = this.dir): Promise<string> {
    return Deno.readTextFile(join(dir, path));
  }

  /** Writes the files, commits everything, gives the commit. */
  async commit(message: string, files: Record<string, string> = {}): Promise<string> {
    for (const [path, text] of Object.entries(files)) await this.write(path, text);
    await this.git("add", "--all");
    await this.git("commit", "-q", "--allow-empty", "-m", message);
    return await this.head() ?? await this.git("rev-parse", "HEAD");
  }

  /** The commit of the branch that is checked out, as its file has it; null where only git can tell. */
  private async head(): Promise<string | null> {
    try {
      const branch = /^ref: (refs\/heads\/.+)\n$/.exec(await this.read(".git/HEAD"))?.[1];
      return branch ? (await this.read(`.git/${branch}`)).trim() : null;
    } catch (error) {
      if (error instanceof Deno.errors.NotFound) return null;
      throw error;
    }
  }

  /** Commits files on a branch without touching the person's folder or index; gives the commit. */
  async commitOn(branch: string, files: Record<string, string | null>): Promise<string> {
    const dir = await Deno.makeTempDir({ dir: this.root });
    await this.git("worktree", "add", "-q", "--detach", dir, branch);
    for (const [path, text] of Object.entries(files)) {
      if (text === null) await Deno.remove(join(dir, path));
      else await this.write(path, text, dir);
    }
    await personGit(dir, "add", "--all");
    await personGit(dir, "commit", "-q", "-m", `On ${branch}`);
    const commit = await personGit(dir, "rev-parse", "HEAD");
    await this.git("worktree", "remove", "--force", dir);
    await this.git("update-ref", `refs/heads/${branch}`, commit);
    return commit;
  }

  /** An executable hook that leaves a file beside the repository and fails. */
  async trapHooks(...names: string[]): Promise<string> {
    const marker = this.beside("hook-ran");
    for (const name of names) {
      const path = join(this.dir, ".git/hooks", name);
      await this.write(`.git/hooks/${name}`, `#!/bin/sh\necho ${name} >> "${marker}"\nexit 1\n`);
      await Deno.chmod(path, 0o755);
    }
    return marker;
  }

  /**
   * Everything of the person's that Gaffer must leave alone, byte by byte: configuration, index, HEAD,
   * refs (Gaffer's own aside), stash, hooks, status, and every file of the folder.
   */
  async snapshot(): Promise<Record<string, string>> {
    const refs = await this.git("for-each-ref", "--format=%(refname) %(objectname)");
    const state: Record<string, string> = {
      refs: refs.split("\n").filter((ref) => !/^refs\/(heads\/)?gaffer\//.test(ref)).join("\n"),
      stash: await this.git("stash", "list"),
      status: await this.git("status", "--porcelain", "--ignored"),
    };
    for (const name of ["config", "index", "HEAD", "info/exclude"]) {
      state[`.git/${name}`] = await bytes(join(this.dir, ".git", name));
    }
    await addFiles(join(this.dir, ".git/hooks"), state);
    await addFiles(this.dir, state);
    return state;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Deno.remove(this.root, { recursive: true });
  }
}

/** But for the examples of hooks, which nobody looks at. */
async function contentOf(dir: string, path = ".", into: Content = { folders: [], files: [] }) {
  into.folders.push(path);
  for await (const { name, isDirectory } of Deno.readDir(join(dir, path))) {
    if (isDirectory) await contentOf(dir, join(path, name), into);
    else if (!name.endsWith(".sample")) {
      into.files.push([join(path, name), await Deno.readFile(join(dir, path, name))]);
    }
  }
  return into;
}

async function addFiles(dir: string, into: Record<string, string>): Promise<void> {
  for await (const entry of Deno.readDir(dir)) {
    if (entry.name === ".git") continue;
    const path = join(dir, entry.name);
    if (entry.isDirectory) await addFiles(path, into);
    else into[path] = entry.isSymlink ? await Deno.readLink(path) : await bytes(path);
  }
}

async function bytes(path: string): Promise<string> {
  try {
    return new Uint8Array(await Deno.readFile(path)).toHex();
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return "absent";
    throw error;
  }
}

export function exists(path: string): Promise<boolean> {
  return Deno.lstat(path).then(() => true, () => false);
}
