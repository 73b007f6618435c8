/** Commands that the authors wrote as shell scripts or make targets. */
import { firstOf, type ProjectFiles, type Proposals } from "./proposal.ts";

const scriptNames = {
  build: ["build.sh", "scripts/build.sh", "script/build", "bin/build"],
  test: ["test.sh", "scripts/test.sh", "script/test", "bin/test", "run_tests.sh", "runtests.sh"],
} as const;

export async function shellScripts(files: ProjectFiles): Promise<Proposals> {
  const found: Proposals = {};
  for (const name of ["build", "test"] as const) {
    const path = firstOf(files, scriptNames[name]);
    if (!path) continue;
    const text = await files.read(path) ?? "";
    const shell = /^#!.*\b(bash|zsh)\b/.exec(text)?.[1] ?? "sh";
    const foreign = text.startsWith("#!") && !/^#!.*\b(ba|z|da|k)?sh\b/.test(text);
    found[name] = { command: foreign ? `./${path}` : `${shell} ${path}`, why: `There is ${path}` };
  }
  return found;
}

const makefiles = ["GNUmakefile", "makefile", "Makefile"];
const targetNames = {
  build: ["build", "all", "compile"],
  test: ["test", "tests", "check"],
} as const;

export async function makeTargets(files: ProjectFiles): Promise<Proposals> {
  const makefile = firstOf(files, makefiles);
  const text = makefile && await files.read(makefile);
  if (!text) return {};
  const targets = new Set(
    [...text.matchAll(/^([\w.\- ]+?)\s*::?(?![:=])/gm)].flatMap(([, names]) =>
      names?.split(/ +/) ?? []
    ),
  );
  const found: Proposals = {};
  for (const name of ["build", "test"] as const) {
    const target = targetNames[name].find((target) => targets.has(target));
    if (target) {
      found[name] = { command: `make ${target}`, why: `${makefile} has a target "${target}"` };
    }
  }
  return found;
}
