/** What holds for every call of git, whatever the configuration of the person or of the repository says. */

/**
 * Settings that keep git from running anything but itself, from changing more than it was asked to, and from
 * waiting for someone. What has a name of the configuration's own choosing is in `drivers.ts`.
 */
export const guards: readonly string[] = [
  "core.hooksPath=/dev/null",
  "core.fsmonitor=false",
  "core.safecrlf=false",
  "core.quotePath=false",
  // No transport is allowed; these are programs all the same.
  "core.gitProxy=none",
  "core.alternateRefsCommand=false",
  "credential.helper=",
  "commit.gpgSign=false",
  // What checks signatures, and what asks for it.
  "gpg.program=false",
  "gpg.openpgp.program=false",
  "gpg.x509.program=false",
  "gpg.ssh.program=false",
  "gpg.ssh.defaultKeyCommand=false",
  "log.showSignature=false",
  "merge.verifySignatures=false",
  "gc.auto=0",
  "maintenance.auto=false",
  "submodule.recurse=false",
  "rerere.enabled=false",
  "merge.conflictStyle=diff3",
  "worktree.useRelativePaths=false",
  "worktree.guessRemote=false",
  "diff.suppressBlankEmpty=false",
  // Git fails in a repository that lacks the file which a person's configuration names.
  "diff.orderFile=/dev/null",
  "i18n.commitEncoding=UTF-8",
  "i18n.logOutputEncoding=UTF-8",
  // Git syncs no loose object by itself: after a power cut a commit that the database knows would be empty.
  // Versions before 2.36 do not know the setting.
  "core.fsync=committed,loose-object,reference,index",
].flatMap((setting) => ["-c", setting]);

/** Commands that would run the programs of `diff.external`, `diff.<name>.command` and `diff.<name>.textconv`. */
const comparing = new Set(["diff", "diff-files", "diff-index", "diff-tree", "log", "show"]);

/** The arguments of a command, with external programs for comparing off where it knows any. */
export const withoutPrograms = ([command = "", ...rest]: readonly string[]): string[] =>
  comparing.has(command)
    ? [command, "--no-ext-diff", "--no-textconv", ...rest]
    : [command, ...rest];

/** What is taken over from Gaffer's own environment: where programs and the person's git settings are. */
const inherited = ["PATH", "HOME", "XDG_CONFIG_HOME", "TMPDIR", "TZ"];

/** All that git sees of the environment; `extra` comes last. */
export function gitEnvironment(extra: Record<string, string>): Record<string, string> {
  const env: Record<string, string> = {
    LANG: "C",
    LC_ALL: "C",
    GIT_TERMINAL_PROMPT: "0",
    GIT_OPTIONAL_LOCKS: "0",
    GIT_ASKPASS: "false",
    SSH_ASKPASS: "false",
    GIT_SSH_COMMAND: "false",
    GIT_EDITOR: "false",
    GIT_SEQUENCE_EDITOR: "false",
    // Overrides `protocol.*.allow` of every configuration file: no transport at all, but what `pushing.ts` opens.
    GIT_ALLOW_PROTOCOL: "none",
    GIT_NO_LAZY_FETCH: "1",
  };
  for (const name of inherited) {
    const value = Deno.env.get(name);
    if (value !== undefined) env[name] = value;
  }
  return { ...env, ...extra };
}
