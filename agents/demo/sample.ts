/**
 * The sample project: a small real repository that needs only `sh` and `git`, with ideas that the demo model
 * can implement. Its files are text in here, so that they are inside the executable; nothing is written here.
 */

export interface SampleFile {
  /** Relative to the repository's root. */
  path: string;
  content: string;
  executable?: true;
}

export interface SampleIdea {
  title: string;
  description: string;
  /** 0 urgent … 3 low. */
  priority: number;
}

export interface SampleProject {
  name: string;
  slug: string;
  /** In the order in which they are best shown. All of them belong in the first commit. */
  files: SampleFile[];
  commands: { build: string; test: string };
  /** The first one is put into the inbox with the project. */
  ideas: SampleIdea[];
}

const readme = `# Todo

A to-do list in a plain text file, written in POSIX shell. This is Gaffer's sample project: small, but with
a build and tests that really run.

## Use

\`\`\`
sh todo.sh add Buy milk
sh todo.sh list
sh todo.sh done 1
\`\`\`

## Build and test

\`\`\`
sh build.sh    # checks every script and writes dist/todo
sh test.sh     # runs tests/*.sh and prints TAP
\`\`\`

A test is a file in \`tests/\` that calls \`todo\` and \`check\`; see \`tests/list.sh\`.
`;

const todo = `#!/bin/sh
# A to-do list in a plain text file: one task per line, "[ ] " before an open one, "[x] " before a done one.
set -eu

file=\${TODO_FILE:-todo.txt}

fail() {
  echo "todo: $1" >&2
  exit 1
}

add_task() {
  [ -n "$1" ] || fail "give the task some words"
  printf '[ ] %s\\n' "$1" >>"$file"
}

list_tasks() {
  [ -s "$file" ] || { echo "Nothing to do."; return; }
  number=0
  while IFS= read -r line; do
    number=$((number + 1))
    printf '%s. %s\\n' "$number" "$line"
  done <"$file"
}

finish_task() {
  case $1 in
    '' | 0* | *[!0-9]*) fail "say which task is done, by its number" ;;
  esac
  [ -s "$file" ] && [ -n "$(sed -n "$1p" "$file")" ] || fail "there is no task $1"
  sed "$1s/^\\[ \\]/[x]/" "$file" >"$file.new"
  mv "$file.new" "$file"
}

usage() {
  cat <<'END'
Usage: sh todo.sh COMMAND
  add WORDS...   add a task
  list           show all tasks with their numbers
  done NUMBER    mark a task as done
  help           show this help
END
}

case \${1:-help} in
  add) shift; add_task "$*" ;;
  list) list_tasks ;;
  done) finish_task "\${2:-}" ;;
  help) usage ;;
  version) echo "todo @VERSION@" ;;
  *) fail "unknown command '$1' (try: sh todo.sh help)" ;;
esac
`;

const build = `#!/bin/sh
# Checks the syntax of every script, then writes the program with its version to dist/todo.
set -eu
cd "$(dirname "$0")"

for script in *.sh tests/*.sh; do
  sh -n "$script"
done

version=$(cat VERSION)
mkdir -p dist
sed "s/@VERSION@/$version/" todo.sh >dist/todo
chmod +x dist/todo
echo "Built dist/todo $version"
`;

const test = `#!/bin/sh
# Runs tests/*.sh and prints TAP. Each test file gets an empty list; the build is not needed.
set -u
cd "$(dirname "$0")"

work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
number=0
failed=0

# todo ARGUMENTS...: runs the program on the test's own list; a failure shows in the output.
todo() {
  TODO_FILE=$work/list.txt sh ./todo.sh "$@" 2>&1 || echo "exit code $?"
}

# check NAME EXPECTED ACTUAL
check() {
  number=$((number + 1))
  if [ "$2" = "$3" ]; then
    echo "ok $number - $1"
    return
  fi
  failed=$((failed + 1))
  echo "not ok $number - $1"
  echo "  ---"
  echo "  message: 'the output is not as expected'"
  echo "  file: $test_file"
  echo "  expected: |"
  printf '%s\\n' "$2" | sed 's/^/    /'
  echo "  actual: |"
  printf '%s\\n' "$3" | sed 's/^/    /'
  echo "  ..."
}

echo "TAP version 13"
for test_file in tests/*.sh; do
  rm -f "$work/list.txt"
  . "./$test_file"
done
echo "1..$number"
[ "$failed" -eq 0 ]
`;

const addTest = `todo add Buy milk
check "add appends an open task" "[ ] Buy milk" "$(cat "$work/list.txt")"
check "add without words is refused" "todo: give the task some words
exit code 1" "$(todo add)"
`;

const listTest = `check "list says when there is nothing to do" "Nothing to do." "$(todo list)"
todo add Buy milk
todo add Call Ada
check "list numbers the tasks" "1. [ ] Buy milk
2. [ ] Call Ada" "$(todo list)"
`;

const doneTest = `todo add Buy milk
todo add Call Ada
todo done 2
check "done marks one task" "1. [ ] Buy milk
2. [x] Call Ada" "$(todo list)"
check "done refuses a number that is not there" "todo: there is no task 7
exit code 1" "$(todo done 7)"
check "done refuses what is no number" "todo: say which task is done, by its number
exit code 1" "$(todo done milk)"
`;

export const sampleProject: SampleProject = {
  name: "Todo (sample)",
  slug: "todo-sample",
  files: [
    { path: "README.md", content: readme },
    { path: "todo.sh", content: todo, executable: true },
    { path: "build.sh", content: build, executable: true },
    { path: "test.sh", content: test, executable: true },
    { path: "tests/add.sh", content: addTest },
    { path: "tests/done.sh", content: doneTest },
    { path: "tests/list.sh", content: listTest },
    { path: "VERSION", content: "1.0\n" },
    { path: ".gitignore", content: "dist/\ntodo.txt\n" },
  ],
  commands: { build: "sh build.sh", test: "sh test.sh" },
  ideas: [
    {
      title: "Count what is left to do",
      description:
        "With a long list I want one command that tells me how many tasks are open and " +
        "how many are done, without reading all of it. Something like `todo count`.",
      priority: 2,
    },
    {
      title: "Say where the tasks are kept",
      description:
        "`TODO_FILE` chooses the file that the tasks are kept in, but nothing tells you. " +
        "The README and the help text should.",
      priority: 3,
    },
  ],
};
