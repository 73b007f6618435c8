/** Paths that lead out, or to what is off limits. */
import { doesNotMatch } from "node:assert";
import { type Attack, everyTool, type Step } from "./attack.ts";
import type { Scene } from "./scene.ts";

const outsideOf = /outside of the project folder/;
const cantLeave = /can't leave it|outside of the project folder/;
const offLimits = /off limits/;
/** In a sandbox what lies outside is not even there. */
const linkOut = /symbolic link (leads out|to something that does not exist)|can't be reached/;
const notThere = /no such file|does not exist|not found|No files found|can't be reached/i;

/** One path, tried by every tool. */
const path = (
  name: string,
  path: string | ((scene: Scene) => string),
  says: RegExp,
  more: Partial<Attack> = {},
): Attack => ({
  name,
  steps: (scene) => everyTool(typeof path === "string" ? path : path(scene), says),
  ...more,
});

const link = (
  name: string,
  target: (scene: Scene) => string,
  tried: string,
  says: RegExp,
): Attack =>
  path(name, tried, says, {
    files: { "src/a.txt": "fine\n", ".env": "KEY=the secret" },
    prepare: (scene) => scene.link(target(scene), "link"),
  });

/** Only read: a file of that name in the place would be one like any other. */
const unusual = (name: string, path: string): Attack => ({
  name,
  steps: () => [["Read", { file_path: path }, notThere], [
    "Grep",
    { pattern: "secret", path },
    notThere,
  ]],
});

export const paths: Attack[] = [
  path("the folder above", "../outside/secret.txt", outsideOf),
  path("the folder above, through one that is there", "src/../../outside/secret.txt", outsideOf, {
    files: { "src/a.txt": "fine\n" },
  }),
  path("an absolute path", ({ outside }) => `${outside}/secret.txt`, outsideOf),
  path(
    "an absolute path that begins with the place",
    ({ dir }) => `${dir}/../outside/secret.txt`,
    outsideOf,
  ),
  path(
    "a folder whose name begins like the place",
    ({ dir }) => `${dir}-not/secret.txt`,
    outsideOf,
  ),
  path("the system's users", "/etc/passwd", outsideOf),
  path("the environment of the process that looks", "/proc/self/environ", outsideOf),
  path("the root by way of the process", "/proc/self/root/etc/shadow", outsideOf),
  path("the working folder by way of another process", "/proc/1/cwd/secret.txt", outsideOf),
  path("an open file of the process", "/proc/self/fd/0", outsideOf),
  path("standard input", "/dev/stdin", outsideOf),
  path("a NUL in a name", "readme.txt\0.png", /NUL character/),
  path("a name that no system takes", `${"x".repeat(256)}.txt`, /one of its names is too long/),
  path("a path that no system takes", "x/".repeat(2_100), /too long for a path/),
  path("a file of secrets", ".env", offLimits, { files: { ".env": "KEY=the secret" } }),
  path("a file of secrets in a folder", "deploy/.ENV.production", offLimits, {
    files: { "deploy/.ENV.production": "KEY=the secret" },
  }),
  path("a file of secrets beside its template", ".env.example/../.env", offLimits, {
    files: { ".env.example": "KEY=\n", ".env": "KEY=the secret" },
  }),
  path("a private key", "certs/server.pem", offLimits, {
    files: { "certs/server.pem": "the secret" },
  }),
  path("a token of a package registry", ".npmrc", offLimits, {
    files: { ".npmrc": "_authToken=the secret" },
  }),
  path("keys of a remote shell", ".ssh/config", offLimits),
  path("git's configuration", "sub/.git/config", offLimits),
  path("git's configuration in other letters", "sub/.GIT/config", offLimits),
  path("git's hooks", "sub/.git/hooks/pre-commit", offLimits),
  path("the file that says where git is", ".git", offLimits),
  link("a link to a file outside", ({ outside }) => `${outside}/secret.txt`, "link", linkOut),
  link("a link to a folder outside", ({ outside }) => outside, "link/secret.txt", linkOut),
  link(
    "a link to a folder outside, for a new file",
    ({ outside }) => outside,
    "link/new/file.txt",
    linkOut,
  ),
  link("a link that goes up", () => "../outside", "link/secret.txt", linkOut),
  link("a link to the root", () => "/", "link/etc/passwd", linkOut),
  link("a link to what is not there yet", ({ outside }) => `${outside}/new.txt`, "link", linkOut),
  link("a link to itself", () => "link", "link", /go in circles/),
  link("a link to a file of secrets", () => ".env", "link", offLimits),
  link("a link to git's file", () => ".git", "link", offLimits),
  {
    name: "a link by way of another",
    prepare({ link, outside }) {
      link(outside, "first");
      link("first", "second");
    },
    steps: () => everyTool("second/secret.txt", linkOut),
  },
  {
    name: "a hard link to a file outside",
    prepare({ dir, outside }) {
      Deno.linkSync(`${outside}/secret.txt`, `${dir}/hard.txt`);
      return () => Deno.removeSync(`${dir}/hard.txt`);
    },
    steps: () => everyTool("hard.txt", /hard link/),
  },
  {
    name: "a pipe that nobody writes to",
    prepare({ dir }) {
      new Deno.Command("mkfifo", { args: [`${dir}/pipe`] }).outputSync();
    },
    steps: () => everyTool("pipe", /not a regular file/),
  },
  {
    name: "a socket in the place",
    prepare({ dir }) {
      const listener = Deno.listen({ transport: "unix", path: `${dir}/socket` });
      return () => listener.close();
    },
    steps: () => everyTool("socket", /not a regular file|can't be reached/),
  },
  {
    name: "searching above, at the root and by patterns",
    steps: ({ outside }): Step[] => [
      ["Glob", { pattern: "*", path: ".." }, outsideOf],
      ["Glob", { pattern: "*", path: "/" }, outsideOf],
      ["Grep", { pattern: "secret", path: outside }, outsideOf],
      ["Glob", { pattern: "sub/../../**" }, cantLeave],
      ["Glob", { pattern: "{../outside,nothing}/**" }, "done"],
      ["Glob", { pattern: `${outside}/*` }, cantLeave],
      ["Grep", { pattern: "secret", glob: "../**" }, "either"],
    ],
    check({ results }) {
      for (const { content } of results) doesNotMatch(content, /secret\.txt|outside\/repo/);
    },
  },
  {
    name: "searching for what is off limits",
    files: { ".env": "KEY=the secret", "deep/id_rsa": "the secret", "a.txt": "fine\n" },
    steps: (): Step[] => [
      ["Grep", { pattern: "KEY|secret", output_mode: "content" }, "done"],
      ["Glob", { pattern: "**/{.env,id_rsa}" }, "done"],
      ["Grep", { pattern: ".", path: ".env" }, offLimits],
    ],
  },
  unusual("dots of another alphabet", "．．/outside/secret.txt"),
  unusual("slashes of another system", "..\\outside\\secret.txt"),
  unusual("an address", "file:///etc/passwd"),
  unusual("encoded dots", "%2e%2e/outside/secret.txt"),
  unusual("the person's home folder", "~/secret.txt"),
  unusual("a variable", "$HOME/secret.txt"),
];
