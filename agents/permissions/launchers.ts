/**
 * Commands that are simple to read and yet do not say what will run: they start other programs, change what later
 * words mean, or write files by an option. Such a command never matches an allowed pattern.
 */
import { baseName } from "../paths.ts";
import type { SimpleCommand } from "./shell_parse.ts";

/** Why what this command does is not to be read from its words, or null. */
export function whyOpaque({ argv }: SimpleCommand): string | null {
  const name = baseName(argv[0]!).replace(/\.exe$/i, "").toLowerCase();
  const rest = argv.slice(1);
  if (launchers.has(name)) return `"${name}", which runs what comes after it`;
  if (builtins.has(name)) return `"${name}", which changes the shell itself`;
  if (shells.test(name)) {
    const runsFile = rest.length > 0 && !/^[-+]/.test(rest[0]!) && rest[0] !== "";
    return runsFile ? null : `a shell (${name}) that runs text`;
  }
  if (/^ld(-linux.*)?\.so/.test(name)) return `"${name}", which runs what comes after it`;
  const interpreter = interpreters.find(({ names }) => names.test(name));
  if (interpreter) {
    const reads = rest.length === 0 || rest[0] === "-";
    return reads || rest.some((word) => interpreter.text.test(word))
      ? `${name} with a program as text`
      : null;
  }
  if (/^g?sed$/.test(name) && rest.some(isSedProgram)) {
    return "sed with a program that runs or writes";
  }
  if (name === "printf" && /^-v/.test(rest[0] ?? "")) return "printf -v, which sets a variable";
  if ((name === "test" || name === "[") && rest.some((word) => /\[|^-[vR]$/.test(word))) {
    return `"${name}" with a subscript`;
  }
  const option = options[name]?.(rest);
  return option ? `${name} ${option}` : null;
}

const words = (text: string): Set<string> => new Set(text.split(/\s+/));

const launchers = words(
  "env command builtin exec eval source . sudo doas su runuser pkexec xargs parallel nohup nice ionice timeout " +
    "setsid stdbuf unbuffer script watch strace ltrace chroot unshare nsenter flock busybox toybox ssh time chrt " +
    "taskset setarch systemd-run at batch crontab screen tmux expect gdb bwrap firejail setpriv capsh entr vi vim " +
    "nvim ex ed emacs",
);
const builtins = words(
  "trap coproc alias unalias enable hash set shopt export declare typeset local readonly unset read mapfile " +
    "readarray getopts let complete compgen compopt bind history fc bg fg disown suspend ulimit wait shift return " +
    "caller pushd popd",
);
const shells = /^(r?bash|dash|[akz]sh|r?sh|ksh\d*|mksh|t?csh|fish|pwsh|powershell|cmd|nu)$/;

/** Languages, and the words by which a program in them stands in the line itself. */
const interpreters: { names: RegExp; text: RegExp }[] = [
  { names: /^(python|pypy)[\d.]*$/, text: /^-[a-zA-Z]*c/ },
  {
    names: /^(node(js)?|bun)$/,
    text: /^(-[a-z]*[epr]|--(eval|print|require|import|loader|experimental-loader)\b)/,
  },
  { names: /^deno$/, text: /^(eval|repl)$/ },
  { names: /^(perl|ruby)[\d.]*$/, text: /^-[a-zA-Z0-9]*[eE]/ },
  { names: /^php[\d.]*$/, text: /^(-[a-zA-Z]*[rBRE]|--(run|process-)\w*)/ },
  {
    names: /^(lua|luajit|rscript|r|julia|osascript|groovy|scala|elixir)[\d.]*$/,
    text: /^-[a-zA-Z]*e|^--eval/,
  },
  // Of these every program stands in the line; those that can do no more than read and print may pass.
  {
    names: /^[gm]?awk$/,
    text: /system|getline|[|>@]|^-[a-zA-Z]*[flEi]|^--(file|load|exec|include)/,
  },
];

/** With the commands e or w, or those letters among the flags of an s; or taken from a file. */
function isSedProgram(word: string): boolean {
  if (/^-[a-zA-Z]*f|^--file/.test(word)) return true;
  if (
    word.length > MAX_SED_CHARS ||
    /(?:^|[;\n{}])[\d$,+~!\s]*(?:\/[^/]*\/\s*)?[ewEW](?:\s|$)/.test(word)
  ) {
    return true;
  }
  return /(?:^|[;\n{}\d$/\s])s[^\sa-z0-9\\]/i.test(word) &&
    /[^a-z0-9\s][a-df-vx-z0-9]*[ew][a-z0-9]*\s*(?:$|[;\n}])/i.test(word);
}

/** What is longer is not looked through. */
const MAX_SED_CHARS = 500;

/** Options that run something or write a file, by program; as long options may be shortened, so are these matched. */
const options: Record<string, (words: string[]) => string | null> = {
  git: gitOption,
  find: (words) =>
    words.find((word) => /^-(exec|execdir|ok|okdir|delete|fls|fprint0?|fprintf)$/.test(word)) ??
      null,
  fd: (words) =>
    words.find((w) => /^-[a-z]*[xX]/.test(w) || isLong(w, ["exec", "exec-batch"])) ?? null,
  rg: (words) => words.find((w) => isLong(w, ["pre", "hostname-bin"])) ?? null,
  tar: (words) =>
    words.find((w) =>
      /^-?[A-Za-z]*[IF]/.test(w) ||
      isLong(w, [
        ...["to-command", "checkpoint-action", "use-compress-program", "rsh-command"],
        ...["info-script", "new-volume-script"],
      ])
    ) ?? null,
  rsync: (words) =>
    words.find((w) => /^-[a-zA-Z]*e/.test(w) || isLong(w, ["rsh", "rsync-path"])) ?? null,
  zip: (words) =>
    words.find((w) => /^-[a-zA-Z]*TT/.test(w) || isLong(w, ["unzip-command"])) ?? null,
  sort: (words) =>
    words.find((w) => /^-[a-zA-Z]*o/.test(w) || isLong(w, ["compress-program", "output"])) ?? null,
};

/** Is it one of these long options, perhaps shortened? `sort --co=x` runs x: two letters, even one, are enough. */
function isLong(word: string, names: string[]): boolean {
  if (!word.startsWith("--")) return false;
  const name = word.slice(2).split("=")[0]!;
  return name !== "" && names.some((long) => long.startsWith(name));
}

const gitRunning = [
  ...[
    "exec-path",
    "config-env",
    "git-dir",
    "work-tree",
    "namespace",
    "super-prefix",
    "attr-source",
  ],
  ...[
    "upload-pack",
    "receive-pack",
    "exec",
    "ext-diff",
    "textconv",
    "extcmd",
    "open-files-in-pager",
  ],
  ...["output", "output-directory", "template", "separate-git-dir", "reference", "config"],
  ...["receive-pack", "edit", "gpg-sign", "paginate", "interactive"],
];
const gitCommands = words(
  "config bisect submodule filter-branch difftool mergetool alias daemon shell instaweb gui citool send-email " +
    "upload-pack receive-pack upload-archive http-backend credential hook archimport cvsimport p4 svn for-each-repo",
);

function gitOption(rest: string[]): string | null {
  const at = rest.findIndex((word) => !word.startsWith("-"));
  const before = at < 0 ? rest : rest.slice(0, at);
  const odd = before.find((word) => !["--no-pager", "--version", "--help"].includes(word));
  if (odd !== undefined) return odd;
  const command = at < 0 ? "" : rest[at]!;
  if (gitCommands.has(command)) return command;
  const after = rest.slice(at + 1);
  const end = after.indexOf("--");
  const optionWords = end < 0 ? after : after.slice(0, end);
  const long = optionWords.find((word) => isLong(word, gitRunning));
  if (long) return `${command} ${long}`;
  const short = optionWords.find((word) =>
    (command === "grep" && /^-[A-Za-z]*O/.test(word)) ||
    (command === "rebase" && /^-[A-Za-z]*[xi]/.test(word)) ||
    (["clone", "fetch", "ls-remote", "pull"].includes(command) && /^-[A-Za-z]*[uc]/.test(word))
  );
  return short ? `${command} ${short}` : null;
}
