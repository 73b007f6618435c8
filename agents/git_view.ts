/**
 * What a sandbox sees of a repository's .git folder: enough for git to read history and state, nothing
 * that holds addresses, credentials or programs (config, hooks, FETCH_HEAD, logs, modules).
 */
import { git } from "./git/git.ts";
import { absolutePath, folderOf, isInside } from "./paths.ts";
import type { Place } from "./protocol.ts";

export interface GitView {
  /** Arguments for bubblewrap; those for `config` expect it on file descriptor CONFIG_FD. */
  args: string[];
  /** Content of `config`; null when none is bound. */
  config: string | null;
}

/** File descriptor through which bubblewrap gets the sanitised config. */
export const CONFIG_FD = 3;

/** Folders are bound live; a file is bound as it is now, since git replaces files by renaming. */
const shownParts = ["HEAD", "packed-refs", "shallow", "objects", "refs", "reftable", "info"];
/** Of the repository's own checkout; a worktree has one in its own folder. */
const checkoutParts = ["index"];
const keptKeys =
  /^(core\.(repositoryformatversion|filemode|bare|ignorecase|symlinks|precomposeunicode)|extensions\.(?!worktreeconfig)[a-z]+)$/;
const plainValue = /^[\w.-]*$/;
const MAX_GITFILE_BYTES = 8_192;

export async function gitView(place: Place, signal: AbortSignal): Promise<GitView> {
  const dotGit = `${place.dir}/.git`;
  const link = await readLink(dotGit);
  // A worktree's .git names the folder that all later git commands trust: commands may not change it.
  const keepLink = link === null ? [] : ["--ro-bind", dotGit, dotGit];
  if (place.gitDir === null) {
    return { args: link === null ? await hide(dotGit) : keepLink, config: null };
  }
  const { gitDir } = place;
  const args = ["--tmpfs", gitDir];
  const parts = link === null ? [...shownParts, ...checkoutParts] : shownParts;
  for (const name of parts) {
    args.push("--ro-bind-try", `${gitDir}/${name}`, `${gitDir}/${name}`);
  }
  args.push("--ro-bind-data", String(CONFIG_FD), `${gitDir}/config`);
  const admin = link === null ? null : await realPath(link);
  if (admin !== null && isInside(`${gitDir}/worktrees`, admin)) {
    args.push("--ro-bind", admin, admin);
  }
  args.push("--remount-ro", gitDir, ...keepLink);
  return { args, config: await sanitisedConfig(gitDir, signal) };
}

/** Where the .git file of a worktree leads; null when `.git` is a folder or not there. */
async function readLink(dotGit: string): Promise<string | null> {
  const info = await Deno.lstat(dotGit).catch(() => null);
  if (!info?.isFile || info.size > MAX_GITFILE_BYTES) return null;
  const target = /^gitdir: (.*)\n?$/.exec(await Deno.readTextFile(dotGit))?.[1];
  return target ? absolutePath(folderOf(dotGit), target) : "";
}

async function hide(dotGit: string): Promise<string[]> {
  const info = await Deno.lstat(dotGit).catch(() => null);
  return info?.isDirectory ? ["--tmpfs", dotGit, "--remount-ro", dotGit] : [];
}

async function realPath(path: string): Promise<string | null> {
  return path === "" ? null : await Deno.realPath(path).catch(() => null);
}

async function sanitisedConfig(gitDir: string, signal: AbortSignal): Promise<string> {
  const { stdout } = await git(gitDir, ["config", "--file", "config", "--null", "--list"], {
    signal,
  });
  return stdout.split("\0").flatMap((entry) => {
    const [key = "", value = "true"] = entry.split("\n", 2);
    if (!keptKeys.test(key) || !plainValue.test(value)) return [];
    const [section, name] = key.split(".");
    return [`[${section}]`, `\t${name} = ${value}`];
  }).join("\n");
}
