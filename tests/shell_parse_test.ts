/** What a command line would run, as far as it can be told; checked against a corpus of tricks and against bash. */
import { deepStrictEqual as deepEqual, ok, strictEqual as equal } from "node:assert";
import { readLine } from "../agents/permissions/commands.ts";
import { MAX_LINE_CHARS, parseShell } from "../agents/permissions/shell_parse.ts";
import { tempDir } from "./gaffer.ts";
import { seeded } from "./loop_support.ts";

/** Lines that are known, with the words of each of their commands. */
const known: [line: string, ...commands: string[][]][] = [
  ["git status", ["git", "status"]],
  ["  git \t status  ", ["git", "status"]],
  ["git status;", ["git", "status"]],
  ["git status\n", ["git", "status"]],
  ["\n\n git status\n\n", ["git", "status"]],
  ["git status # rm -rf /", ["git", "status"]],
  ["# first\ngit status", ["git", "status"]],
  ["echo a#b", ["echo", "a#b"]],
  ["a; b", ["a"], ["b"]],
  ["a;b;c", ["a"], ["b"], ["c"]],
  ["a && b || c", ["a"], ["b"], ["c"]],
  ["a &&\n b", ["a"], ["b"]],
  ["a && # why\n\n b", ["a"], ["b"]],
  ["a | b", ["a"], ["b"]],
  ["a|b", ["a"], ["b"]],
  ["a\nb", ["a"], ["b"]],
  ["git sta\\\ntus", ["git", "status"]],
  ["git \\\n status", ["git", "status"]],
  ["g'i't st\"atu\"s", ["git", "status"]],
  ["'git' 'status'", ["git", "status"]],
  ["\\git status", ["git", "status"]],
  ["g\\it st\\atus", ["git", "status"]],
  ["echo 'a; rm b'", ["echo", "a; rm b"]],
  ['echo "a && rm b"', ["echo", "a && rm b"]],
  ["echo '$(rm b)'", ["echo", "$(rm b)"]],
  ["echo '`rm b`'", ["echo", "`rm b`"]],
  ["echo \\$HOME", ["echo", "$HOME"]],
  ['echo "\\$HOME"', ["echo", "$HOME"]],
  ['echo "\\`id\\`"', ["echo", "`id`"]],
  ['echo "a\\"b"', ["echo", 'a"b']],
  ['echo "a\\\\b"', ["echo", "a\\b"]],
  ['echo "a\\nb"', ["echo", "a\\nb"]],
  ['echo "a\\\nb"', ["echo", "ab"]],
  ["echo 'a\nb'", ["echo", "a\nb"]],
  ["echo 'a\\'", ["echo", "a\\"]],
  ["echo 'it'\\''s'", ["echo", "it's"]],
  ["echo '' \"\"", ["echo", "", ""]],
  ["echo a\\ b", ["echo", "a b"]],
  ["echo a\\;b", ["echo", "a;b"]],
  ["echo '*' \"?\" \\[", ["echo", "*", "?", "["]],
  ["echo '{a,b}'", ["echo", "{a,b}"]],
  ["git diff HEAD~1", ["git", "diff", "HEAD~1"]],
  ["git show HEAD^", ["git", "show", "HEAD^"]],
  ["git log --format=%h", ["git", "log", "--format=%h"]],
  ["git add -- a.ts", ["git", "add", "--", "a.ts"]],
  ["make CC=gcc", ["make", "CC=gcc"]],
  ["npm test 2>&1", ["npm", "test"]],
  ["npm test >/dev/null 2>&1", ["npm", "test"]],
  ["npm test &>/dev/null", ["npm", "test"]],
  ["npm test > '/dev/null'", ["npm", "test"]],
  ["npm test </dev/null", ["npm", "test"]],
  ["2>&1 npm test", ["npm", "test"]],
  ["npm test 2> /dev/null | tail -5", ["npm", "test"], ["tail", "-5"]],
  ["echo 12", ["echo", "12"]],
  ["echo a2>&1", ["echo", "a2"]],
  ["echo hi!", ["echo", "hi!"]],
  ["sh scripts/build.sh --fast", ["sh", "scripts/build.sh", "--fast"]],
  ["echo 'é'", ["echo", "é"]],
  ["echo if then", ["echo", "if", "then"]],
  ["printf %s a", ["printf", "%s", "a"]],
  ["[ -f a ]".replace("[", "test").replace(" ]", ""), ["test", "-f", "a"]],
  ["find . -name '*.ts'", ["find", ".", "-name", "*.ts"]],
  ["git --no-pager log", ["git", "--no-pager", "log"]],
  ["sed -n '1,5p' src/Makefile", ["sed", "-n", "1,5p", "src/Makefile"]],
  ["sed 's/one/two/g' a.ts", ["sed", "s/one/two/g", "a.ts"]],
  ["awk '{ print $1 }' a.txt", ["awk", "{ print $1 }", "a.txt"]],
  ["python3 tools/make.py --clean", ["python3", "tools/make.py", "--clean"]],
  ["node --test tests/a.js", ["node", "--test", "tests/a.js"]],
  ["deno test -A", ["deno", "test", "-A"]],
  ["cd src && ls", ["cd", "src"], ["ls"]],
];

/** Lines of which nobody should say what they run. */
const unknown: string[] = [
  // Nothing there, or cut off.
  ...[
    "",
    " ",
    "\n",
    ";",
    "a;;",
    "&& a",
    "a &&",
    "a ||",
    "a |",
    "| a",
    "a && && b",
    "a ; ; b",
    ";;",
  ],
  ...["echo 'a", 'echo "a', 'echo "a\\"', "echo a\\", "a \\\n", "a &"].filter((l) =>
    l !== "a \\\n"
  ),
  // Expansion.
  ...["echo $HOME", "echo ${HOME}", 'echo "$HOME"', "$CMD", "echo $'a'", 'echo $"a"', "echo $1"],
  ...["echo $((1+1))", "echo $[1+1]", "r$@m a", "r${x}m a", "echo $", 'echo "$"', "$_ a"],
  ...["git status $(rm a)", 'git status "$(rm a)"', "git status `rm a`", 'git status "`rm a`"'],
  ...["echo *", "echo a*", "rm ?", "rm [ab]", "echo a]", "./* a", "echo {a,b}", "echo {1..3}"],
  ...["echo ~", "echo ~/a", "ls ~root", "a=b:~/c x", "make X=~/a", "rm ''~", "git show HEAD@{1}"],
  // Substitution of processes, here-documents, redirections.
  ...[
    "cat <(rm a)",
    "tee >(rm a)",
    "sh <<< 'rm a'",
    "sh <<EOF\nrm a\nEOF",
    "sh <<-'EOF'\n\trm a\nEOF",
  ],
  ...[
    "echo a > b",
    "echo a >> b",
    "echo a >| b",
    "echo a 2> b",
    "echo a &> b",
    "echo a >& b",
    "> b",
  ],
  ...[
    "cat < b",
    "cat <> b",
    "echo >/dev/nullx",
    "echo > /dev/tcp/1.2.3.4/80",
    "exec 3<>/dev/tcp/h/1",
  ],
  ...["echo 2>&1x", "echo >&-", "echo a 22>&1", "a {fd}>/dev/null", ">/dev/null"],
  // Lists, groups, words of the shell.
  ...["(rm a)", "{ rm a; }", "a & rm b", "a |& b", "f() { rm a; }", "function f { rm a; }", "! a"],
  ...["if true; then rm a; fi", "for i in a b; do rm a; done", "while true; do rm a; done"],
  ...["case a in a) rm a;; esac", "select x in a; do rm a; done", "until false; do rm a; done"],
  ...[
    "[[ -f a ]] && rm b",
    "time rm a",
    "coproc rm a",
    "((1))",
    "a=(rm a)",
    "'if' a",
    "%1",
    "@(a) b",
  ],
  // Variables for a command.
  ...[
    "PATH=. git status",
    "GIT_PAGER='rm a' git log",
    "A=b",
    "A+=b git",
    "F\\\nOO=b git",
    "LD_PRELOAD=a ls",
  ],
  // Programs that run what comes after them, under every spelling.
  ...[
    "env git status",
    "env -i rm a",
    "/usr/bin/env rm a",
    "ENV rm a",
    "command rm a",
    "builtin eval rm",
  ],
  ...[
    "exec rm a",
    "eval 'rm a'",
    "'eval' rm",
    "e\\val rm",
    '"ev"al rm',
    "source a.sh",
    ". a.sh",
    ". ./a",
  ],
  ...[
    "sudo rm a",
    "doas rm a",
    "xargs rm",
    "find . | xargs rm",
    "nohup rm a",
    "timeout 5 rm a",
    "nice rm a",
  ],
  ...[
    "setsid rm a",
    "stdbuf -o0 rm a",
    "watch rm a",
    "busybox rm a",
    "ssh host rm a",
    "flock a rm b",
  ],
  ...[
    "sh -c 'rm a'",
    "bash -c 'rm a'",
    "bash -lc 'rm a'",
    "/bin/sh -c 'rm a'",
    "sh",
    "echo 'rm a' | sh",
  ],
  ...[
    "bash -x a.sh",
    "bash --rcfile a",
    "bash -s",
    "bash -",
    "dash -c 'rm a'",
    "zsh -c 'rm a'",
    "bash +x a",
  ],
  ...["/lib64/ld-linux-x86-64.so.2 /bin/rm a", "chroot . rm", "strace rm a", "script -c 'rm a'"],
  // The shell's own state.
  ...[
    "alias ls='rm a'\nls",
    "trap 'rm a' EXIT",
    "enable -f a.so b",
    "hash -p /bin/rm git",
    "set -o x",
  ],
  ...[
    "export PATH=.",
    "declare -x A=b",
    "unset 'a[$(rm b)]'",
    "read 'a[$(rm b)]'",
    "printf -v 'a[$(id)]' x",
  ],
  ...[
    "test -v 'a[$(id)]'",
    "[ -v 'a[$(id)]' ]",
    "let 'a[$(id)]=1'",
    "mapfile -C 'rm a' b",
    "shopt -s expand_aliases",
  ],
  ...["complete -C 'rm a' b", "bind -x 'a:rm'", "fc -s", "history -c", "wait -p x", "getopts a b"],
  // Options that run something or write files.
  ...[
    "git -c alias.s='!rm a' s",
    "git -ccore.pager=x log",
    "git --exec-path=. status",
    "git -C .. log",
  ],
  ...["git --config-env=a=b log", "git --git-dir=x log", "git --work-tree=x status", "git -p log"],
  ...["git config alias.x '!rm a'", "git rebase -x 'rm a' main", "git rebase --exec='rm a' main"],
  ...[
    "git bisect run rm a",
    "git submodule foreach rm a",
    "git filter-branch --tree-filter 'rm a'",
  ],
  ...["git grep -Orm a", "git grep --open-files-in-pager=rm a", "git log --output=.git/hooks/a"],
  ...[
    "git log --outp=a",
    "git diff --ext-diff",
    "git fetch --upload-pack=x a",
    "git ls-remote -u x a",
  ],
  ...["git clone -c core.fsmonitor=x a", "git difftool -x rm", "git"].filter((l) => l !== "git"),
  ...[
    "find . -exec rm {} +",
    "find . -exec rm '{}' ';'",
    "find . -execdir rm '{}' +",
    "find . -delete",
  ],
  ...[
    "find . -ok rm ';'",
    "find . -fprint a",
    "fd -x rm",
    "fd --exec rm",
    "rg --pre rm a",
    "rg --pre=rm a",
  ],
  ...[
    "tar --to-command=rm -xf a",
    "tar xf a -I rm",
    "tar --checkpoint-action=exec=rm -xf a",
    "sort -o a b",
  ],
  // Programs take an option's name as short as it is its own.
  ...["sort --co=./x a", "sort --o=a b", "git grep --op=./x a", "rsync --rs=./x a b"],
  // Programs in other languages, as text.
  ...["python -c 'import os'", "python3.12 -Ic 'x'", "python3", "echo x | python3", "python3 - a"],
  ...[
    "node -e 'x'",
    "node -pe 'x'",
    "node --eval=x",
    "node -r ./a.js b.js",
    "node --import=./a.js",
    "deno eval x",
  ],
  ...[
    "perl -e 'unlink 1'",
    "perl -pi -e 's/a/b/' c",
    "ruby -e x",
    "php -r x",
    "lua -e x",
    "bun -e x",
  ],
  ...[
    "awk 'BEGIN { system(\"rm a\") }'",
    "awk '{ print > \"b\" }' a",
    "awk '{ print | \"sh\" }'",
    "awk -f a b",
  ],
  ...["sed '1e rm a' b", "sed 's/a/rm b/e' c", "sed -n 'w b' a", "sed -n '/x/w b' a", "sed -f a b"],
  ...[
    "rsync -e 'rm a' b c",
    "rsync --rsh=rm a b",
    "zip -T -TT 'rm a' b c",
    "vim -c '!rm a'",
    "ed a",
  ],
  // What the eye does not see.
  ...[
    "git status\r",
    "git status\0",
    "git\u001b[2K status",
    "git\u00a0status",
    "ｇit status",
    "git sta\u200btus",
  ],
  ...["é", "echo é", "a".repeat(MAX_LINE_CHARS + 1)],
];

Deno.test("readLine() knows what a plain line runs, word for word", () => {
  for (const [line, ...commands] of known) {
    const read = readLine(line);
    ok(read.type === "known", `${JSON.stringify(line)}: ${"reason" in read && read.reason}`);
    deepEqual(read.commands.map(({ argv }) => argv), commands, line);
  }
});

Deno.test("readLine() does not claim to know what any of the tricks would run", () => {
  for (const line of unknown) {
    const read = readLine(line);
    ok(read.type === "unknown", `${JSON.stringify(line)} passed as ${JSON.stringify(read)}`);
    ok(read.reason.length > 5, "says why");
  }
  ok(known.length + unknown.length >= 250, `${known.length + unknown.length} lines`);
});

Deno.test("a line that is made to be slow to read is not", () => {
  const begin = performance.now();
  const long = 9_000;
  for (
    const piece of ["\n", "s", " ", "/", "s/", "''", "\\\n", "1>&1 ", "-e ", ";", "a=", "'s/e/e/' "]
  ) {
    for (const program of ["sed", "awk", "git", "find", "python", "echo", ""]) {
      const text = piece.repeat(Math.floor(long / piece.length));
      readLine(`${program} ${text}`);
      readLine(`${program} '${text.replaceAll("'", "")}'`);
    }
  }
  ok(performance.now() - begin < 20_000, `${performance.now() - begin} ms`);
});

const PIECES = [
  ...[
    "a",
    "b",
    "p",
    "'",
    "'",
    '"',
    '"',
    "\\",
    " ",
    " ",
    " ",
    "\n",
    ";",
    "&&",
    "|",
    "||",
    "&",
    "$",
    "`",
    "*",
  ],
  ...[
    "~",
    "#",
    "!",
    "=",
    "{",
    "}",
    "(",
    ")",
    ">",
    "<",
    "2>&1",
    ">/dev/null",
    "é",
    "^",
    "%",
    "@",
    "\t",
    "\\\n",
  ],
  ...["-", "1", "[", "]", "?", ",", "+", ":a", "'x y'", '"x\ty"', '"\\$"', "\\'", "\\ ", "''"],
];

/** Prints the words of every command that it meets, each ended by a NUL, each command by a word of its own. */
const TELLING = `
command_not_found_handle() { printf '%s\\0' "$@" $'\\2' >&3; }
p() { command_not_found_handle p "$@"; }
PATH=/nowhere
for line; do (eval "$line") 3>&1 >/dev/null 2>/dev/null </dev/null; printf '\\1'; done
`;

Deno.test("what parseShell() says of random lines is what bash makes of them", async () => {
  await using dir = await tempDir();
  const random = seeded(7);
  const lines: string[] = [];
  let refused = 0;
  while (lines.length < 1_500) {
    const length = 1 + Math.floor(random() * 9);
    const line = "p " + Array.from({ length }, () => PIECES[Math.floor(random() * PIECES.length)])
      .join("");
    const parsed = parseShell(line);
    if (parsed.type === "not_simple") refused++;
    // A program with a folder is looked for there, and not told of when there is none.
    else if (parsed.commands.every(({ argv }) => !argv[0]!.includes("/"))) lines.push(line);
  }
  ok(refused > 1_000, "it was tried with what it has to refuse");
  const command = new Deno.Command("bash", {
    args: ["-c", TELLING, "bash", ...lines],
    cwd: dir.path,
    clearEnv: true,
    env: { LC_ALL: "C.UTF-8" },
  });
  const { stdout, stderr } = await command.output();
  equal(new TextDecoder().decode(stderr), "");
  const told = new TextDecoder().decode(stdout).split("\x01").slice(0, -1);
  equal(told.length, lines.length);
  for (const [i, line] of lines.entries()) {
    const parsed = parseShell(line);
    ok(parsed.type === "simple");
    const expected = parsed.commands.map(({ argv }) => argv.map((word) => `${word}\0`).join(""));
    const ran = told[i]!.split("\x02\0").slice(0, -1);
    // What stands behind || does not run, and the parts of a pipe run side by side, printing line by line.
    if (line.includes("|") && expected.some((words) => words.includes("\n"))) continue;
    if (line.includes("|")) {
      ok(ran.every((words) => expected.includes(words)), JSON.stringify({ line, ran, expected }));
    } else deepEqual(ran, expected, JSON.stringify(line));
  }
  deepEqual([...Deno.readDirSync(dir.path)], [], "and no file was written");
});
