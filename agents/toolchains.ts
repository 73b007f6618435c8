/**
 * The person's own build tools, as far as PATH reaches them: which folders a sandbox must show, read-only,
 * so that they work there. Never the home folder itself, nor anything above it or above Gaffer's data.
 */
import { absolutePath, baseName, folderOf, isInside } from "./paths.ts";

export interface Toolchains {
  /** The folders of PATH that can be used, in its order. */
  path: string[];
  /** Absolute paths to show; none lies in another. */
  visible: string[];
  /** Variables that tell tools where they are, since HOME is another one in a sandbox. */
  env: Record<string, string>;
}

export interface ToolchainOptions {
  env: Record<string, string | undefined>;
  /** Folders that are shown anyway. */
  systemDirs: readonly string[];
  /** What must not be shown, nor anything that holds it. */
  protectedPaths: readonly string[];
}

const MAX_PATH_DIRS = 100;
/** Programs of one folder whose links are followed. */
const MAX_PROGRAMS = 5_000;

/** What programs load from beside their `bin`. Never `share`: on many machines that is where data is kept. */
const besideBin = ["lib", "lib64", "libexec", "include"];
/** What version managers keep beside their `shims`. */
const besideShims = ["bin", "lib", "libexec", "plugins", "versions", "installs", "version"];
const managerVariables: Record<string, string> = {
  ".pyenv": "PYENV_ROOT",
  ".rbenv": "RBENV_ROOT",
  ".nodenv": "NODENV_ROOT",
  ".asdf": "ASDF_DATA_DIR",
};
/** Taken over from the person's environment when they name a folder that may be shown. */
const homeVariables = ["JAVA_HOME", "GOROOT", "RUSTUP_HOME"];

/** Looks once through the folders of PATH. */
export async function findToolchains(options: ToolchainOptions): Promise<Toolchains> {
  const search = new Search(options);
  const path: string[] = [];
  for (const entry of (options.env.PATH ?? "").split(":").slice(0, MAX_PATH_DIRS)) {
    const dir = entry.startsWith("/") ? absolutePath("/", entry) : "";
    if (path.includes(dir) || !(await search.showProgramDir(dir))) continue;
    path.push(dir);
  }
  await search.showHomes();
  return { path, visible: search.visible(), env: search.env };
}

/**
 * The same with folders that a person has named: shown whole, their programs (in `bin`, where there is one) before all
 * others. One that is not there any more, or that a link now leads elsewhere to what must not be shown, is left out.
 */
export async function withFolders(
  found: Toolchains,
  folders: readonly string[],
  mayShow: (path: string) => boolean,
): Promise<Toolchains> {
  const path: string[] = [];
  const visible = [...found.visible];
  for (const folder of folders) {
    const real = await realPath(folder);
    if (real === null || !mayShow(folder) || !mayShow(real)) continue;
    visible.push(...new Set([folder, real]));
    path.push(await realPath(`${folder}/bin`) === null ? folder : `${folder}/bin`);
  }
  return {
    ...found,
    path: [...new Set([...path, ...found.path])],
    visible: [...new Set(visible)],
  };
}

class Search {
  readonly #options: ToolchainOptions;
  readonly #home: string;
  readonly #shown = new Set<string>();
  readonly env: Record<string, string> = {};

  constructor(options: ToolchainOptions) {
    this.#options = options;
    this.#home = options.env.HOME ? absolutePath("/", options.env.HOME) : "/root";
  }

  visible(): string[] {
    const all = [...this.#shown];
    return all.filter((path) => !all.some((other) => other !== path && isInside(other, path)))
      .sort();
  }

  /** False when programs from there can't be had. */
  async showProgramDir(dir: string): Promise<boolean> {
    const real = dir === "" ? null : await realPath(dir);
    if (real === null) return false;
    if (this.#isShown(dir) && this.#isShown(real)) return true;
    if (!this.#maySee(dir) || !this.#maySee(real)) return false;
    for (const spelling of new Set([dir, real])) await this.#showWithSiblings(spelling);
    await this.#showTargets(real);
    if (real === `${this.#home}/.cargo/bin`) {
      await this.#showHome("RUSTUP_HOME", `${this.#home}/.rustup`);
    }
    return true;
  }

  /** Folders that a variable names, and that are used though PATH need not lead there. */
  async showHomes(): Promise<void> {
    for (const name of homeVariables) {
      const dir = this.#options.env[name];
      if (dir?.startsWith("/")) await this.#showHome(name, absolutePath("/", dir));
    }
  }

  async #showHome(name: string, dir: string): Promise<void> {
    if (await realPath(dir) === null || !this.#show(dir)) return;
    this.env[name] = dir;
  }

  async #showWithSiblings(dir: string): Promise<void> {
    this.#show(dir);
    const parent = folderOf(dir);
    const siblings = { bin: besideBin, shims: besideShims }[baseName(dir)] ?? [];
    for (const name of siblings) {
      if (await realPath(`${parent}/${name}`) !== null) this.#show(`${parent}/${name}`);
    }
    const variable = managerVariables[baseName(parent)];
    if (variable && baseName(dir) === "shims") this.env[variable] = parent;
  }

  /** A program in PATH is often a link into the package that it belongs to. */
  async #showTargets(dir: string): Promise<void> {
    const names = [];
    for await (const entry of Deno.readDir(dir)) {
      if (entry.isSymlink) names.push(entry.name);
      if (names.length === MAX_PROGRAMS) break;
    }
    for (const name of names) {
      const target = await realPath(`${dir}/${name}`);
      if (target === null || this.#isShown(target)) continue;
      const root = packageRoot(target);
      if (root) this.#show(root);
      else if (baseName(folderOf(target)) === "bin") await this.#showWithSiblings(folderOf(target));
      else this.#show(target);
    }
  }

  #isShown(path: string): boolean {
    return [...this.#options.systemDirs, ...this.#shown].some((dir) => isInside(dir, path));
  }

  #show(path: string): boolean {
    if (!this.#maySee(path)) return false;
    if (!this.#isShown(path)) this.#shown.add(path);
    return true;
  }

  #maySee(path: string): boolean {
    const { protectedPaths } = this.#options;
    return path !== "/" &&
      ![this.#home, ...protectedPaths].some((secret) => isInside(path, secret)) &&
      !protectedPaths.some((secret) => isInside(secret, path));
  }
}

/** The folder of packages that need each other: npm's, or Homebrew's. */
function packageRoot(path: string): string | null {
  for (const mark of ["/node_modules/", "/Cellar/"]) {
    const at = path.indexOf(mark);
    if (at >= 0) return path.slice(0, at + mark.length - 1);
  }
  return null;
}

async function realPath(path: string): Promise<string | null> {
  try {
    return await Deno.realPath(path);
  } catch {
    return null; // not there, or not for us: then not for a sandbox either
  }
}
