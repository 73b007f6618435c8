/**
 * Switches off the programs that a configuration names: filters (`filter.<name>.clean`, `.smudge`, `.process`) and
 * merge drivers. A repository chooses with its `.gitattributes` which of them run on which file, so one that is only
 * meant for a person's own files would run on whatever an agent wrote. Git has no switch for all of them; so their
 * names are read from the configuration, once per state of its files, and overridden one by one. What else of it Gaffer
 * goes by is read along.
 *
 * Files are therefore checked out as they are stored: those of git-lfs as the small text that points to them, those of
 * git-crypt encrypted; what a filter should have changed is not committed (`filters.ts`). Files with a merge driver of
 * their own are combined as text.
 */
import { join, resolve } from "node:path";
import { AppError } from "../../server/errors.ts";
import { isFolderSync, readIfThereSync } from "./presence.ts";

/** Most names that are overridden, and most characters of them: all of it goes into git's environment. */
const MAX_NAMES = 500;
const MAX_CHARS = 64_000;
/** Repositories whose names are remembered. */
const MAX_REMEMBERED = 500;

/**
 * Commands that read no index and no working tree. (`write-tree` looks whether the index is up to date.) `check-attr`
 * reads names alone, and should hear of all files that name them.
 */
const apart = new Set([
  ...[
    "cat-file",
    "check-attr",
    "check-ref-format",
    "commit-tree",
    "config",
    "for-each-ref",
    "ls-tree",
    "merge-base",
  ],
  ...["rev-list", "rev-parse", "symbolic-ref", "update-ref", "version"],
  ...["init", "ls-remote", "push"],
]);

/** The three-way merge of text files that git does itself, with the labels of a merge of Gaffer's. */
const TEXT_MERGE = "git merge-file -q --marker-size=%L -L base -L before -L ticket %A %O %B";

export interface DriverQuestion {
  /** Folder that git works in, and the repository's own folder where the caller knows it. */
  path: string;
  gitDir: string | null;
  /** Name of the git command that is to run. */
  command: string;
  /** What `git config` prints with these arguments, in that place; null when it fails: then nothing runs there. */
  config(args: string[]): Promise<string | null>;
}

/** What the configuration says for a place, with the person's own. */
export interface ConfigFacts {
  /** For git: overrides every filter and merge driver. */
  env: Record<string, string>;
  /** `user.name` and `user.email`; empty where they are not set. */
  user: { name: string; email: string };
  /**
   * Its working tree is the folder around `.git`, and its objects are files that anyone may add to: no setting says
   * otherwise, and no extension is on that Gaffer doesn't know.
   */
  isPlain: boolean;
  /** Modes, links and names of files are kept as the file system has them. */
  keepsFiles: boolean;
  /** Names of the filters that somebody has set up: some program is to run for them. */
  filters: ReadonlySet<string>;
  /** It says where a file of attributes is (`core.attributesFile`). */
  namesAttributes: boolean;
}

interface Known {
  /** Of every file that took part: a change of any is a reason to ask again. */
  files: string[];
  state: string;
  facts: ConfigFacts;
}

const remembered = new Map<string, Known>();

/** Environment for git that overrides every filter and merge driver. Throws `conflict` where there are too many. */
export async function driversOff(question: DriverQuestion): Promise<Record<string, string>> {
  if (apart.has(question.command)) return {};
  return (await configFacts(question))?.env ?? {};
}

/** Null: git can't read it. Throws `conflict` where there are too many filters and merge drivers. */
export async function configFacts(
  question: Omit<DriverQuestion, "command">,
): Promise<ConfigFacts | null> {
  const own = ownConfig(question);
  const key = own.join("\0");
  const known = remembered.get(key);
  if (known && known.state === stateOf(known.files)) return known.facts;
  const files = [...own, ...personsConfig()];
  const before = stateOf(files);
  const text = await question.config(["--null", "--show-scope", "--show-origin", "--list"]);
  if (text === null) return null;
  const entries = entriesOf(text);
  // The values stay here: some are nobody else's business.
  const facts = {
    env: overriding(entries),
    user: userIn(entries),
    isPlain: isPlain(entries),
    keepsFiles: keepsFiles(entries),
    filters: filtersIn(entries),
    namesAttributes: lastOf(entries, "core.attributesfile") !== null,
  };
  if (mayBeRemembered(own, entries)) {
    const more = entries.map(({ file }) => file).filter((file) => file.startsWith("/"));
    const all = [...new Set([...files, ...more])];
    // Changed while it was read: not remembered as the newer state.
    if (before === stateOf(files)) {
      if (remembered.size >= MAX_REMEMBERED) remembered.clear();
      remembered.set(key, { files: all, state: stateOf(all), facts });
    }
  }
  return facts;
}

interface Entry {
  scope: string;
  /** Relative paths are those of the repository's own files. */
  file: string;
  /** Section and variable in small letters, the name between them as it is. */
  key: string;
  /** A name alone stands for "true". */
  value: string;
}

function entriesOf(text: string): Entry[] {
  const fields = text.split("\0");
  const entries: Entry[] = [];
  for (let at = 0; at + 2 < fields.length; at += 3) {
    const [scope = "", origin = "", setting = ""] = fields.slice(at, at + 3);
    const end = setting.indexOf("\n");
    const [key, value] = end < 0
      ? [setting, "true"]
      : [setting.slice(0, end), setting.slice(end + 1)];
    entries.push({ scope, file: origin.replace(/^file:/, ""), key, value });
  }
  return entries;
}

/** Of several values the last counts. */
const lastOf = (entries: readonly Entry[], wanted: string): string | null =>
  entries.findLast(({ key }) => key === wanted)?.value ?? null;

const userIn = (entries: readonly Entry[]): ConfigFacts["user"] => ({
  name: lastOf(entries, "user.name")?.trim() ?? "",
  email: lastOf(entries, "user.email")?.trim() ?? "",
});

/** They change nothing about where files lie, or how objects are stored. */
const KNOWN_EXTENSIONS = /^extensions\.(?:noop|objectformat|worktreeconfig|preciousobjects)$/;

const isOff = (value: string | null): boolean =>
  ["", "false", "no", "off", "0"].includes(value?.toLowerCase() ?? "");

function isPlain(entries: readonly Entry[]): boolean {
  const shared = lastOf(entries, "core.sharedrepository");
  return isOff(lastOf(entries, "core.bare")) &&
    lastOf(entries, "core.worktree") === null &&
    (isOff(shared) || shared!.toLowerCase() === "umask") &&
    !entries.some(({ key }) => key.startsWith("extensions.") && !KNOWN_EXTENSIONS.test(key));
}

const keepsFiles = (entries: readonly Entry[]): boolean =>
  ["core.filemode", "core.symlinks"].every((key) => {
    const value = lastOf(entries, key);
    return value === null || !isOff(value);
  }) &&
  ["core.ignorecase", "core.precomposeunicode"].every((key) => isOff(lastOf(entries, key)));

const filtersIn = (entries: readonly Entry[]): Set<string> =>
  new Set(
    entries.flatMap(({ key }) => /^filter\.(.+)\.(?:clean|smudge|process)$/s.exec(key)?.[1] ?? []),
  );

function overriding(entries: readonly Entry[]): Record<string, string> {
  const settings = new Map<string, string>();
  for (const { scope, key } of entries) {
    const [, section, name] = /^(filter|merge)\.(.+)\.[^.]+$/s.exec(key) ?? [];
    if (section === "filter") {
      for (const program of ["clean", "smudge", "process"]) {
        settings.set(`filter.${name}.${program}`, "");
      }
      settings.set(`filter.${name}.required`, "false");
    } else if (section === "merge") {
      settings.set(`merge.${name}.driver`, TEXT_MERGE);
    }
    // A repository's own name for the file would make attributes of any file of the machine.
    if (isRepositorys(scope) && key === "core.attributesfile") settings.set(key, "/dev/null");
  }
  const chars = [...settings.keys()].reduce((sum, key) => sum + key.length, 0);
  if (settings.size > MAX_NAMES || chars > MAX_CHARS) {
    throw new AppError(
      "conflict",
      `Cannot use git here: its configuration names more than ${MAX_NAMES} settings of filters and merge drivers. ` +
        "Remove those that are not needed; see them with: git config --show-origin --list",
    );
  }
  // Not as arguments: there a name with "=" would end early.
  const env: Record<string, string> = { GIT_CONFIG_COUNT: String(settings.size) };
  [...settings].forEach(([key, value], index) => {
    env[`GIT_CONFIG_KEY_${index}`] = key;
    env[`GIT_CONFIG_VALUE_${index}`] = value;
  });
  return settings.size === 0 ? {} : env;
}

/** An environment with numbered settings after those that it has already; `more` holds nothing but such. */
export function joinSettings(
  env: Record<string, string>,
  more: Record<string, string>,
): Record<string, string> {
  const before = Number(env.GIT_CONFIG_COUNT ?? 0);
  const count = Number(more.GIT_CONFIG_COUNT ?? 0);
  if (count === 0) return env;
  const joined: Record<string, string> = { ...env, GIT_CONFIG_COUNT: String(before + count) };
  for (let index = 0; index < count; index++) {
    for (const part of ["GIT_CONFIG_KEY", "GIT_CONFIG_VALUE"]) {
      joined[`${part}_${before + index}`] = more[`${part}_${index}`]!;
    }
  }
  return joined;
}

/** What a repository includes may change without its own files, and anybody's with the branch: asked each time. */
const mayBeRemembered = (own: string[], entries: readonly Entry[]): boolean =>
  own.length > 0 &&
  !entries.some(({ scope, key }) =>
    isRepositorys(scope)
      ? /^include(if\..*)?\.path$/s.test(key)
      : key.startsWith("includeif.onbranch:")
  );

const isRepositorys = (scope: string): boolean => scope === "local" || scope === "worktree";

/** The files of the repository's own configuration; none where only git knows them. */
function ownConfig({ path, gitDir }: Pick<DriverQuestion, "path" | "gitDir">): string[] {
  const dir = gitDir ?? gitDirOf(path);
  if (dir === null) return [];
  const common = readIfThereSync(join(dir, "commondir"));
  const shared = common === null ? dir : resolve(dir, common.trim());
  return [join(shared, "config"), join(shared, "config.worktree"), join(dir, "config.worktree")];
}

/** Null: no repository's root, or a git folder itself. */
function gitDirOf(path: string): string | null {
  const usual = join(path, ".git");
  return isFolderSync(usual) ? usual : null;
}

function personsConfig(): string[] {
  const home = Deno.env.get("HOME");
  const config = Deno.env.get("XDG_CONFIG_HOME") || (home && `${home}/.config`);
  return [
    "/etc/gitconfig",
    ...(home ? [`${home}/.gitconfig`] : []),
    ...(config ? [`${config}/git/config`] : []),
  ];
}

/** Before each command of git: at once, which takes microseconds, where threads would take a millisecond. */
function stateOf(files: readonly string[]): string {
  const states = files.map((file) => {
    try {
      const { ino, size, mtime } = Deno.statSync(file);
      return `${ino} ${size} ${mtime?.getTime()}`;
    } catch {
      return "none"; // git will not read it either
    }
  });
  return states.join("\n");
}
