/** Files that are traps: huge, endless, changing under the hand, or with hostile names. */
import { doesNotMatch, ok, strictEqual as equal } from "node:assert";
import { type Attack, bash, type Step } from "./attack.ts";
import type { Scene } from "./scene.ts";

const names = [
  "-rf",
  "--help",
  "$(touch pwned)",
  "`touch pwned`",
  "; touch pwned;",
  "a\nb.txt",
  "\u001b[2Jgone.txt",
  "' OR 1=1 --.txt",
  "<img src=x onerror=alert(1)>.txt",
  "%s%n.txt",
  "..hidden",
  "\u202egnp.exe",
];

/**
 * A program beside the run that changes what is at a path, again and again. It is asked to end: what a shell that is
 * killed has just started goes on without it, while the next step puts the folder back.
 */
const racing = (swap: (scene: Scene) => string) => (scene: Scene) => {
  const child = new Deno.Command("sh", {
    args: ["-c", `trap exit TERM; while :; do ${swap(scene)}; done`],
    cwd: scene.dir,
    stdin: "null",
    stdout: "null",
    stderr: "null",
  }).spawn();
  return async () => {
    child.kill("SIGTERM");
    await child.status;
  };
};

const RACES = 15;
const often = (step: (turn: number) => Step): Step[] =>
  Array.from({ length: RACES }, (_, turn) => step(turn));
const either = "either";
/** Git may meet the link, too, and refuses it: the run then ends with its words. */
const orGit = /^(none|Cannot .*git says .*)$/s;

export const files: Attack[] = [
  {
    name: "a link that comes and goes while the file is read",
    direct: true,
    fails: orGit,
    prepare: racing(({ outside }) =>
      `echo fine > file; rm -f raced; mv file raced; ln -sfn ${outside}/secret.txt link; mv -f link raced`
    ),
    steps: () =>
      often(() => ["Grep", { pattern: "e", path: "raced", output_mode: "content" }, either]),
  },
  {
    name: "a folder that becomes a link while a file is written into it",
    direct: true,
    fails: orGit,
    prepare: racing(({ outside }) =>
      `mkdir -p folder; rm -rf folder; ln -sfn ${outside} folder; rm -f folder`
    ),
    steps: () =>
      often((turn) => ["Write", { file_path: `folder/made${turn}.txt`, content: "x" }, either]),
  },
  {
    name: "a folder that becomes a link while it is searched",
    direct: true,
    fails: orGit,
    files: { "folder/a/b/c.txt": "fine\n" },
    prepare: racing(({ outside }) =>
      `mv folder kept; ln -sfn ${outside} folder; rm -f folder; mv kept folder`
    ),
    steps: () =>
      often(
        () => ["Grep", { pattern: "secret|fine", path: "folder", output_mode: "content" }, either],
      ),
  },
  {
    name: "a file of a terabyte",
    prepare({ dir }) {
      Deno.writeTextFileSync(`${dir}/huge.txt`, "");
      Deno.truncateSync(`${dir}/huge.txt`, 1024 ** 4);
    },
    steps: () => [
      ["Read", { file_path: "huge.txt" }, /more than the/],
      [
        "Grep",
        { pattern: "x", path: "huge.txt" },
        /more than|No (files|matches)|too large|not searched/i,
      ],
    ],
    check: (_seen, { dir }) => Deno.removeSync(`${dir}/huge.txt`),
  },
  {
    name: "a line of five megabytes",
    files: { "line.txt": "y".repeat(5_000_000) },
    steps: () => [["Read", { file_path: "line.txt" }, "done"], ["Grep", {
      pattern: "y+",
      output_mode: "content",
    }, "done"]],
    check({ results }) {
      for (const { content } of results) {
        ok(content.length < 200_000, `${content.length} characters`);
      }
    },
  },
  {
    name: "folders in folders, five hundred deep",
    prepare({ dir }) {
      Deno.mkdirSync(`${dir}/${"d/".repeat(500)}`, { recursive: true });
    },
    steps: () => [["Glob", { pattern: "**" }, "done"], ["Grep", { pattern: "fine" }, "done"]],
  },
  {
    name: "fifteen hundred files in one folder",
    prepare({ dir }) {
      Deno.mkdirSync(`${dir}/many`);
      for (let n = 0; n < 1_500; n++) Deno.writeTextFileSync(`${dir}/many/${n}.txt`, "x");
    },
    steps: () => [["Glob", { pattern: "**" }, "done"], [
      "Grep",
      { pattern: "x", output_mode: "content" },
      "done",
    ]],
    check({ results }) {
      for (const { content } of results) {
        ok(content.length < 200_000, `${content.length} characters`);
      }
    },
  },
  {
    name: "names that are options, commands and tricks of terminals",
    prepare({ put }) {
      for (const name of names) put(name, "fine\n");
    },
    steps: () => [
      ["Glob", { pattern: "**" }, "done"],
      ["Grep", { pattern: "fine" }, "done"],
      ...names.map((name): Step => ["Read", { file_path: name }, "done"]),
    ],
    check(_seen, { exists }) {
      equal(exists("pwned"), false);
    },
  },
  {
    name: "names that are options, in a checkpoint",
    prepare({ put }) {
      for (const name of names) put(name, "fine\n");
    },
    steps: () => [["Write", { file_path: "--exec=touch pwned", content: "x" }, "done"]],
    check({ log }, { exists }) {
      equal(exists("pwned"), false);
      const saved = log.find((event) => event.type === "checkpoint");
      ok(
        saved?.files.includes("--exec=touch pwned") && saved.files.includes("-rf"),
        JSON.stringify(saved),
      );
    },
  },
  {
    name: "an archive that unpacks without end",
    steps: () => [
      bash(
        "head -c 200000000 /dev/zero | gzip -1 > bomb.gz; gzip -dc bomb.gz > out; yes | head -c 200000000 > big; ls -l | awk '{print $5}'",
        either,
      ),
    ],
    check({ results }, { dir }) {
      if (!results[0]) return;
      for (const { name } of Deno.readDirSync(dir)) {
        const { size } = Deno.lstatSync(`${dir}/${name}`);
        ok(size <= 64 * 1024 ** 2, `${name} has ${size} bytes`);
      }
    },
  },
  {
    name: "files that fill the memory",
    steps: () => [
      bash(
        "yes | head -c 400000000 > /dev/shm/x; yes | head -c 100000000 > /tmp/x; ls -l /dev/shm /tmp",
        /No space left|File too large|limit/i,
      ),
    ],
  },
  {
    name: "output without end",
    steps: () => [bash("yes | head -c 50000000", "done")],
    check({ results }) {
      if (results[0]) {
        ok(results[0].content.length < 40_000, `${results[0].content.length} characters`);
      }
    },
  },
  {
    name: "bytes that are no text",
    files: {
      "bytes.txt": Uint8Array.from({ length: 4_000 }, (_, n) => 128 + n % 128),
      "zeros.bin": new Uint8Array(4_000),
    },
    steps: () => [
      ["Read", { file_path: "bytes.txt" }, either],
      ["Read", { file_path: "zeros.bin" }, /not (a )?text|binary/i],
      ["Grep", { pattern: ".", output_mode: "content" }, "done"],
    ],
    check: ({ log }) => doesNotMatch(JSON.stringify(log), /\\u0000/),
  },
];

/** What is ended by the time limit of file tools, which is short for these. */
export const runaways: Attack[] = [
  {
    name: "a pattern that never ends",
    files: { "trap.txt": `${"a".repeat(60)}b\n` },
    steps: () => [["Grep", { pattern: "^(a+)+$" }, /^Grep did not finish/]],
  },
  {
    name: "a pattern of files that never ends",
    files: { [`${"a".repeat(200)}.txt`]: "x" },
    steps: () => [
      ["Glob", { pattern: `${"*a".repeat(60)}b` }, either],
      ["Glob", { pattern: "{a,b}".repeat(60) }, either],
      ["Glob", { pattern: `${"**/".repeat(200)}*.txt` }, either],
    ],
  },
  {
    name: "rules of what to ignore that never end",
    access: "read", // git itself takes its two minutes over these
    files: { ".gitignore": `${"*a".repeat(40)}b\n`.repeat(50), [`${"a".repeat(100)}.txt`]: "x" },
    steps: () => [["Glob", { pattern: "**" }, either], ["Grep", { pattern: "x" }, either]],
    check: (_seen, { dir }) => Deno.removeSync(`${dir}/.gitignore`),
  },
];
