/** Git, by way of what commands and tools may write where git will look. */
import { deepStrictEqual as deepEqual, strictEqual as equal } from "node:assert";
import { type Attack, bash, type Step } from "./attack.ts";
import type { Scene } from "./scene.ts";

const readOnly =
  /Read-only|denied|could not (lock|write)|cannot|Device or resource busy|error|fatal/i;
/** Leaves a file outside, where only the server's own git can write. */
const evil = ({ outside }: Scene) => `sh -c 'touch "${outside}/ran"; cat'`;
const saving = (
  turn: number,
): Step => ["Write", { file_path: `saved${turn}.txt`, content: "x" }, "done"];

const attack = (
  name: string,
  command: (scene: Scene) => string,
  says: RegExp | "done" = readOnly,
  fails?: RegExp,
): Attack => ({
  name,
  steps: (scene) => [bash(command(scene), says), saving(1), saving(2)],
  ...fails && { fails },
});

/** Where an agent's own attributes name one, nothing is committed past it. */
const noFilter = /pass(?:es)? through the filter "evil", and Gaffer runs no filter/;

export const gitTricks: Attack[] = [
  attack(
    "a filter in the repository's configuration",
    (scene) =>
      `echo '* filter=evil' > .gitattributes; git config filter.evil.clean "${
        evil(scene).replaceAll('"', '\\"')
      }"`,
    readOnly,
    // Without a sandbox the command waits for a person, and there is nothing to commit.
    new RegExp(`^none$|${noFilter.source}`),
  ),
  attack(
    "hooks in the repository",
    ({ repo }) => `mkdir -p ${repo}/.git/hooks; echo x > ${repo}/.git/hooks/post-commit`,
  ),
  attack(
    "another repository in place of this one",
    () =>
      "rm -f .git; mv .git x; git init -q evil; cp -r evil/.git .; echo 'gitdir: /tmp/evil' > .git",
  ),
  attack(
    "the branches of the repository",
    ({ repo }) =>
      `git update-ref refs/heads/main HEAD~0; git branch evil; echo x > ${repo}/.git/refs/heads/evil; git tag evil`,
  ),
  attack(
    "objects of the repository",
    ({ repo }) =>
      `rm -rf ${repo}/.git/objects; echo x > ${repo}/.git/objects/x; git gc --prune=now`,
  ),
  attack(
    "another index of the worktree",
    ({ repo }) =>
      `echo x > ${repo}/.git/worktrees/place/index; echo '[core]' > ${repo}/.git/worktrees/place/config.worktree`,
  ),
  attack(
    "a monitor of files in a submodule",
    (scene) =>
      `cd sub && git init -q && git config core.fsmonitor "${
        evil(scene).replaceAll('"', '\\"')
      }" && git -c user.name=a -c user.email=b commit -q --allow-empty -m x; echo made`,
    /made/,
  ),
  attack(
    "a filter in a submodule",
    (scene) =>
      `cd sub && git init -q && git config filter.evil.clean "${
        evil(scene).replaceAll('"', '\\"')
      }" && echo '* filter=evil' > .gitattributes && echo x > f && git -c filter.evil.clean=cat add . && git -c filter.evil.clean=cat -c user.name=a -c user.email=b commit -q -m x; echo y > f; printf '[submodule "sub"]\\n\\tpath = sub\\n\\turl = ./sub\\n\\tignore = none\\n' > ../.gitmodules; echo made`,
    /made/,
  ),
  attack(
    "a submodule that works in another folder",
    ({ outside }) =>
      `cd sub && git init -q && git config core.worktree ${outside} && git -c core.worktree=. -c user.name=a -c user.email=b commit -q --allow-empty -m x; echo made`,
    /made/,
  ),
  attack(
    "a repository in the worktree",
    (scene) =>
      `git init -q inner && cd inner && git config core.fsmonitor "${
        evil(scene).replaceAll('"', '\\"')
      }" && git config core.hooksPath . && git -c core.fsmonitor=false -c user.name=a -c user.email=b commit -q --allow-empty -m x; echo made`,
    /made/,
  ),
  attack(
    "a bare repository in the worktree",
    (scene) =>
      `git init -q --bare bare && git -C bare config core.fsmonitor "${
        evil(scene).replaceAll('"', '\\"')
      }" && git -C bare config core.bare false && git -C bare config core.worktree ..; echo made`,
    /made/,
  ),
  {
    name: "settings of git that link out",
    prepare({ link, outside, dir }) {
      Deno.writeTextFileSync(`${outside}/attributes`, "* filter=evil\n");
      link(`${outside}/attributes`, ".gitattributes");
      link(`${outside}/secret.txt`, ".gitignore");
      Deno.symlinkSync(`${outside}/repo/.git`, `${dir}/sub/.git`);
      return () => Deno.removeSync(`${outside}/attributes`);
    },
    steps: () => [saving(1), saving(2)],
    check: (_seen, { exists, outside }) => equal(exists(`${outside}/ran`), false),
  },
  {
    name: "attributes by which a driver would run",
    files: {
      ".gitattributes": "* filter=evil diff=evil merge=evil ident export-subst\n",
    },
    steps: () => [["Write", { file_path: "fine.bin", content: "" }, "done"]],
    fails: noFilter,
  },
  {
    name: "submodules with options for names",
    files: {
      ".gitmodules":
        '[submodule "-u./evil"]\n\tpath = sub\n\turl = -u./evil\n\tupdate = !touch pwned\n' +
        '[submodule "../../hooks"]\n\tpath = "sub\\r"\n\turl = ext::sh -c touch% pwned\n',
    },
    steps: () => [saving(1), saving(2)],
    check: (_seen, { exists }) => equal(exists("pwned"), false),
  },
  {
    name: "names that other systems take for git's folder",
    steps: () => [
      ["Write", { file_path: ".Git/config", content: "x" }, /off limits/],
      ["Write", { file_path: "sub/.GIT/hooks/x", content: "x" }, /off limits/],
    ],
  },
  {
    name: "names that one system takes for git's folder",
    steps: () => [
      ["Write", { file_path: "GIT~1/config", content: "x" }, "done"],
      ["Write", { file_path: ".git /hooks/x", content: "x" }, "done"],
      saving(1),
    ],
    check({ log }) {
      const saved = log.flatMap((event) => event.type === "checkpoint" ? event.files : []);
      deepEqual(saved, ["saved1.txt"]);
    },
  },
  {
    name: "a list of submodules that links out",
    prepare({ link, outside, dir }) {
      link(`${outside}/secret.txt`, ".gitmodules");
      Deno.symlinkSync(`${outside}/repo/.git`, `${dir}/sub/.git`);
    },
    steps: () => [saving(1), saving(2)],
    fails:
      /^Cannot list the changed files: git says "fatal: bad config line 1 in file .*\.gitmodules/,
  },
  {
    name: "a message in the name of the log",
    steps: () => [
      ["Write", { file_path: "a\n\nCo-authored-by: root.txt", content: "x" }, "done"],
      saving(1),
    ],
  },
];
