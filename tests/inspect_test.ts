import {
  deepStrictEqual as deepEqual,
  match,
  ok,
  rejects,
  strictEqual as equal,
} from "node:assert";
import { join } from "node:path";
import { inspectRepository, readInstructions, trackedFiles } from "../agents/inspect/inspect.ts";
import { proposeCommands } from "../agents/inspect/commands.ts";
import { RepositoryMaps } from "../agents/inspect/repository_map.ts";
import { parseJsonc } from "../agents/inspect/jsonc.ts";
import type { ProjectFiles } from "../agents/inspect/proposal.ts";
import { buildPrompt } from "../agents/prompts/task_prompt.ts";
import { AppError } from "../server/errors.ts";
import { exists, never, personGit, TestRepo } from "./git_support.ts";

const look = (path: string, dataDir: string | null = null) =>
  inspectRepository(path, { dataDir, signal: never });

/** Asserts the refusal, and that it names the field that a form shows it at. */
function refuses(path: string, message: RegExp, dataDir: string | null = null): Promise<void> {
  return rejects(look(path, dataDir), (error) => {
    ok(error instanceof AppError, String(error));
    equal(error.code, "invalid");
    match(error.message, message);
    deepEqual(error.fields, [{ field: "path", message: error.message }]);
    return true;
  });
}

Deno.test("inspectRepository() finds root, base branch, commands and instructions, and changes nothing", async () => {
  await using repo = await TestRepo.make({
    "package.json": '{"scripts": {"test": "node --test", "build": "tsc"}}',
    "CLAUDE.md": "Be brief.\n",
    "src/a.ts": "",
  });
  const before = await repo.snapshot();
  const found = await look(repo.dir);
  deepEqual(found, {
    path: repo.dir,
    name: "person's repo",
    baseBranch: "main",
    baseCommit: await repo.git("rev-parse", "HEAD"),
    branches: ["main"],
    commands: {
      build: { command: "npm run build", why: 'package.json has a script "build"' },
      test: { command: "npm test", why: 'package.json has a script "test"' },
    },
    instructions: [{ path: "CLAUDE.md", text: "Be brief.\n" }],
    warnings: [],
  });
  deepEqual(await repo.snapshot(), before);
});

Deno.test("inspectRepository() takes a path through links and with spaces around it", async () => {
  await using repo = await TestRepo.make();
  await Deno.symlink(repo.dir, repo.beside("link"));
  equal((await look(`  ${repo.beside("link")}/ \n`)).path, repo.dir);
});

Deno.test("inspectRepository() refuses paths that are no folder", async () => {
  await using repo = await TestRepo.make();
  await refuses("", /it is not a full path/);
  await refuses("relative/path", /it is not a full path. Give the path from the root on/);
  await refuses(repo.beside("missing"), /there is no such folder. Check the path/);
  await refuses(join(repo.dir, "README.md", "x"), /there is no such folder/);
  await refuses(join(repo.dir, "README.md"), /it is a file. Give the folder/);
});

Deno.test("inspectRepository() refuses a folder that is no repository, and the advice works", async () => {
  await using repo = await TestRepo.make();
  const dir = repo.beside("it's plain");
  await Deno.mkdir(dir);
  await repo.write("a.txt", "a\n", dir);
  const error = await look(dir).catch((error: AppError) => error);
  ok(error instanceof AppError);
  match(error.message, /it is not a git repository. Make it one: git -C '.*' init && /);
  await follow(error.message.split("Make it one: ")[1] ?? "");
  equal((await look(dir)).path, dir);
});

Deno.test("inspectRepository() refuses a repository without a commit, and the advice works", async () => {
  await using repo = await TestRepo.make({});
  await refuses(repo.dir, /it has no commit yet. Make the first: git -C/);
  const error = await look(repo.dir).catch((error: AppError) => error);
  ok(error instanceof AppError);
  await follow(error.message.split("Make the first: ")[1] ?? "");
  equal((await look(repo.dir)).baseBranch, "main");
});

Deno.test("inspectRepository() refuses a repository that has commits but no branch", async () => {
  await using repo = await TestRepo.make();
  await repo.git("switch", "-q", "--detach");
  await repo.git("branch", "-q", "-D", "main");
  await refuses(repo.dir, /it has no branch, only commits. Make one: git -C .* switch -c main/);
});

Deno.test("inspectRepository() refuses bare repositories and git's own folder", async () => {
  await using repo = await TestRepo.make();
  const bare = repo.beside("bare.git");
  await repo.git("clone", "-q", "--bare", repo.dir, bare);
  await refuses(bare, /it is a bare repository.* git clone .*bare\.git.* .*bare-clone/);
  await refuses(
    join(repo.dir, ".git"),
    /it is git's own folder. Give the folder around it: .*repo$/,
  );
  await refuses(join(repo.dir, ".git/refs"), /Give the folder around it: .*person's repo$/);
});

Deno.test("inspectRepository() names the root for a folder inside, and the main folder for a worktree", async () => {
  await using repo = await TestRepo.make({ "sub/a.txt": "a\n" });
  await refuses(
    join(repo.dir, "sub"),
    /it is a folder inside the repository "(.+repo)". Give \1, or/,
  );
  const linked = repo.beside("linked");
  await repo.git("worktree", "add", "-q", linked);
  await refuses(linked, /it is a linked worktree of "(.+repo)". Give \1$/);
});

Deno.test("inspectRepository() takes a linked worktree when its repository is bare", async () => {
  await using repo = await TestRepo.make();
  const bare = repo.beside("bare.git");
  await repo.git("clone", "-q", "--bare", repo.dir, bare);
  await personGit(bare, "worktree", "add", "-q", repo.beside("tree"), "main");
  equal((await look(repo.beside("tree"))).path, repo.beside("tree"));
});

Deno.test("inspectRepository() takes a submodule, and a repository whose .git lies elsewhere", async () => {
  await using repo = await TestRepo.make();
  await repo.git(
    "-c",
    "protocol.file.allow=always",
    "submodule",
    "--quiet",
    "add",
    repo.dir,
    "inner",
  );
  equal((await look(join(repo.dir, "inner"))).path, join(repo.dir, "inner"));
  const apart = repo.beside("apart");
  await repo.git(
    "clone",
    "-q",
    "--separate-git-dir",
    repo.beside("elsewhere.git"),
    repo.dir,
    apart,
  );
  equal((await look(apart)).path, apart);
});

Deno.test("inspectRepository() refuses Gaffer's own folder", async () => {
  await using repo = await TestRepo.make();
  await refuses(repo.dir, /inside Gaffer's own data folder/, repo.root);
  await refuses(repo.dir, /inside Gaffer's own data folder/, repo.dir);
  await Deno.mkdir(repo.beside("person"));
  equal((await look(repo.dir, repo.beside("person"))).path, repo.dir);
});

Deno.test({
  name:
    "inspectRepository() refuses a repository of another user's, with the command that trusts it",
  ignore: Deno.uid() !== 0, // only root can give a folder away
  fn: async () => {
    await using repo = await TestRepo.make();
    await Deno.chown(repo.dir, 12_345, 12_345);
    await Deno.chown(join(repo.dir, ".git"), 12_345, 12_345);
    await refuses(
      repo.dir,
      /it belongs to another user.* git config --global --add safe.directory '.+repo'$/,
    );
  },
});

Deno.test({
  name: "inspectRepository() refuses a repository that it may not write to",
  ignore: Deno.uid() === 0 && !await exists("/usr/bin/bwrap"), // root may write where it is not allowed
  fn: async () => {
    await using repo = await TestRepo.make();
    const inner = join(repo.dir, ".git");
    if (Deno.uid() === 0) {
      for (const dir of [repo.dir, inner]) {
        match(await lookReadOnly(dir, repo.dir), /may not write to/);
      }
      return;
    }
    for (const dir of [repo.dir, inner]) {
      await Deno.chmod(dir, 0o555);
      await refuses(repo.dir, /Gaffer may not write to ".+". Give the user that runs Gaffer/);
      await Deno.chmod(dir, 0o755);
    }
  },
});

Deno.test("inspectRepository() proposes the base branch", async () => {
  await using repo = await TestRepo.make();
  await repo.git("branch", "develop");
  await repo.git("switch", "-q", "-c", "feature");
  equal((await look(repo.dir)).baseBranch, "main");
  await repo.git("update-ref", "refs/remotes/origin/develop", "HEAD");
  await repo.git("symbolic-ref", "refs/remotes/origin/HEAD", "refs/remotes/origin/develop");
  equal((await look(repo.dir)).baseBranch, "develop");
  await repo.git("branch", "-q", "-D", "develop", "main");
  equal((await look(repo.dir)).baseBranch, "feature");
  await repo.git("switch", "-q", "--detach");
  deepEqual((await look(repo.dir)).branches, ["feature"]);
  equal((await look(repo.dir)).baseBranch, "feature");
});

Deno.test("inspectRepository() warns of folders that the commands make and git does not ignore", async () => {
  const manifest = '{"dependencies": {"x": "1"}}';
  await using repo = await TestRepo.make({ "package.json": manifest, "package-lock.json": "{}" });
  match((await look(repo.dir)).warnings.join(), /Git does not ignore "node_modules".*\.gitignore/);
  await repo.commit("Ignore", { ".gitignore": "node_modules/\n" });
  deepEqual((await look(repo.dir)).warnings, []);
});

Deno.test("readInstructions() follows a link within the repository, and gives one text once", async () => {
  await using repo = await TestRepo.make({ "AGENTS.md": "Agents.\n" });
  await Deno.symlink("AGENTS.md", join(repo.dir, "CLAUDE.md"));
  const linked = await repo.commit("Link");
  deepEqual(await readInstructions(repo.dir, linked, never), [{
    path: "AGENTS.md",
    text: "Agents.\n",
  }]);
  await Deno.remove(join(repo.dir, "AGENTS.md"));
  await Deno.remove(join(repo.dir, "CLAUDE.md"));
  await Deno.symlink("/etc/hostname", join(repo.dir, "AGENTS.md"));
  await Deno.symlink("CLAUDE.md", join(repo.dir, "CLAUDE.md"));
  equal((await readInstructions(repo.dir, await repo.commit("Odd links"), never)).length, 0);
  await repo.commit("Both", {});
});

Deno.test("trackedFiles() names the files of a commit, not of the folder", async () => {
  await using repo = await TestRepo.make({ "a b.txt": "", "ünï/ö.txt": "", "x\ty": "" });
  const commit = await repo.git("rev-parse", "HEAD");
  await repo.write("untracked.txt", "");
  deepEqual(await trackedFiles(repo.dir, commit, never), ["a b.txt", "x\ty", "ünï/ö.txt"]);
});

/** What is proposed for these files, as "name: command". */
async function proposed(texts: Record<string, string>): Promise<string[]> {
  const files: ProjectFiles = {
    paths: new Set(Object.keys(texts)),
    read: (path) => Promise.resolve(texts[path] ?? null),
  };
  const found = await proposeCommands(files);
  for (const { why } of Object.values(found)) ok(why.length > 5);
  return (["setup", "build", "test"] as const).flatMap((name) =>
    found[name] ? [`${name}: ${found[name].command}`] : []
  );
}

Deno.test("proposeCommands() reads package.json, with the program that the lock file belongs to", async () => {
  const scripts = { build: "vite build", test: "vitest" };
  const text = JSON.stringify({ scripts, devDependencies: { vite: "7" } });
  const cases: [string, string[]][] = [
    ["package-lock.json", ["setup: npm ci", "build: npm run build", "test: npm test"]],
    ["pnpm-lock.yaml", [
      "setup: pnpm install --frozen-lockfile",
      "build: pnpm run build",
      "test: pnpm test",
    ]],
    ["yarn.lock", [
      "setup: yarn install --frozen-lockfile",
      "build: yarn run build",
      "test: yarn test",
    ]],
    ["bun.lock", [
      "setup: bun install --frozen-lockfile",
      "build: bun run build",
      "test: bun run test",
    ]],
    ["none", ["setup: npm install", "build: npm run build", "test: npm test"]],
  ];
  for (const [lock, commands] of cases) {
    deepEqual(await proposed({ "package.json": text, [lock]: "" }), commands);
  }
  deepEqual(
    (await proposed({ "package.json": text, "yarn.lock": "", ".yarnrc.yml": "" }))[0],
    "setup: yarn install --immutable",
  );
  const declared = JSON.stringify({
    scripts,
    packageManager: "pnpm@9.1.0",
    dependencies: { a: "1" },
  });
  deepEqual((await proposed({ "package.json": declared }))[0], "setup: pnpm install");
});

Deno.test("proposeCommands() does not take npm's placeholder for a test", async () => {
  const text = JSON.stringify({ scripts: { test: 'echo "Error: no test specified" && exit 1' } });
  deepEqual(await proposed({ "package.json": text }), []);
  deepEqual(await proposed({ "package.json": text, "test/a.test.js": "" }), ["test: node --test"]);
  deepEqual(await proposed({ "package.json": "{ not json" }), []);
});

Deno.test("proposeCommands() reads Deno's tasks, comments and all", async () => {
  const text = `{
    // tasks
    "tasks": { "test": "deno test -A", "build": { "command": "deno run build.ts" }, },
    "imports": { "a": "npm:a@1" } /* "tasks": {} */
  }`;
  deepEqual(await proposed({ "deno.jsonc": text }), [
    "setup: deno install",
    "build: deno task build",
    "test: deno task test",
  ]);
  deepEqual(await proposed({ "deno.json": "{}", "a_test.ts": "" }), ["test: deno test -A"]);
});

Deno.test("proposeCommands() prefers what the authors wrote to what is usual", async () => {
  const makefile =
    "CC := gcc\ntest::= no\n.PHONY: all check\nall: a.o\n\t$(CC) a.o\ncheck: all\n\t./a\n";
  deepEqual(await proposed({ "Makefile": makefile, "Cargo.toml": "" }), [
    "setup: cargo fetch",
    "build: make all",
    "test: make check",
  ]);
  const files = {
    "build.sh": "#!/usr/bin/env bash\n",
    "test.sh": "set -e\n",
    "Makefile": makefile,
  };
  deepEqual(await proposed(files), ["build: bash build.sh", "test: sh test.sh"]);
  deepEqual(await proposed({ "scripts/test.sh": "#!/usr/bin/env python3\n" }), [
    "test: ./scripts/test.sh",
  ]);
});

Deno.test("proposeCommands() knows the usual commands of many languages", async () => {
  const cases: [string[], string[]][] = [
    [["Cargo.toml", "Cargo.lock"], [
      "setup: cargo fetch --locked",
      "build: cargo build --locked",
      "test: cargo test --locked",
    ]],
    [["go.mod"], ["setup: go mod download", "build: go build ./...", "test: go test ./..."]],
    [["pom.xml", "mvnw"], ["build: sh mvnw -B -q compile", "test: sh mvnw -B test"]],
    [["pom.xml"], ["build: mvn -B -q compile", "test: mvn -B test"]],
    [["build.gradle.kts", "gradlew"], ["build: sh gradlew assemble", "test: sh gradlew test"]],
    [["CMakeLists.txt"], [
      "build: cmake -S . -B build && cmake --build build",
      "test: ctest --test-dir build --output-on-failure",
    ]],
    [["mix.exs"], ["setup: mix deps.get", "build: mix compile", "test: mix test"]],
    [["Gemfile", "spec/a_spec.rb"], ["setup: bundle install", "test: bundle exec rspec"]],
    [["composer.json", "phpunit.xml.dist"], [
      "setup: composer install",
      "test: vendor/bin/phpunit",
    ]],
    [["App.sln"], ["setup: dotnet restore", "build: dotnet build", "test: dotnet test"]],
    [["Package.swift"], ["build: swift build", "test: swift test"]],
    [["README.md", "docs/Cargo.toml"], []],
  ];
  for (const [names, commands] of cases) {
    deepEqual(await proposed(Object.fromEntries(names.map((name) => [name, ""]))), commands);
  }
});

Deno.test("proposeCommands() tells Python's ways apart", async () => {
  const venv = "python3 -m venv .venv && echo '*' > .venv/.gitignore && .venv/bin/pip install";
  deepEqual(await proposed({ "pyproject.toml": "[tool.pytest.ini_options]", "uv.lock": "" }), [
    "setup: uv sync",
    "test: uv run python -m pytest",
  ]);
  deepEqual(await proposed({ "requirements.txt": "pytest\n" }), [
    `setup: ${venv} -r requirements.txt`,
    "test: .venv/bin/python -m pytest",
  ]);
  deepEqual(await proposed({ "pyproject.toml": "", "tests/test_a.py": "" }), [
    `setup: ${venv} -e .`,
    "test: .venv/bin/python -m unittest discover -s tests",
  ]);
  deepEqual(await proposed({ "test_a.py": "" }), ["test: python3 -m unittest discover"]);
  deepEqual(await proposed({ "conftest.py": "", "test_a.py": "" }), ["test: python3 -m pytest"]);
});

Deno.test("parseJsonc() keeps what only looks like a comment or a trailing comma", () => {
  deepEqual(parseJsonc('{"a": "// no /* comment */ ,]", "b": [1, /* , */ 2, ], // ]\n}'), {
    a: "// no /* comment */ ,]",
    b: [1, 2],
  });
  deepEqual(parseJsonc('{"quote": "\\"// ,}"}'), { quote: '"// ,}' });
  equal(parseJsonc("{"), null);
});

/** Types the advice into a shell, as the person would. */
async function follow(commands: string): Promise<void> {
  const identity = { NAME: "Pat", EMAIL: "pat@example.org" };
  const env: Record<string, string> = {
    GIT_CONFIG_COUNT: "1",
    GIT_CONFIG_KEY_0: "init.defaultBranch",
    GIT_CONFIG_VALUE_0: "main",
  };
  for (const [key, value] of Object.entries(identity)) {
    env[`GIT_AUTHOR_${key}`] = env[`GIT_COMMITTER_${key}`] = value;
  }
  const { success, stderr } = await new Deno.Command("sh", { args: ["-c", commands], env })
    .output();
  ok(success, new TextDecoder().decode(stderr));
}

/** Looks from inside a sandbox where `readOnly` is mounted so; gives the refusal. */
async function lookReadOnly(readOnly: string, repo: string): Promise<string> {
  const script = `const { inspectRepository } = await import(${
    JSON.stringify(import.meta.resolve("../agents/inspect/inspect.ts"))
  });
    const options = { dataDir: null, signal: new AbortController().signal };
    console.log(await inspectRepository(${
    JSON.stringify(repo)
  }, options).then(() => "accepted", (e) => e.message));`;
  const bind = ["--dev-bind", "/", "/", "--ro-bind", readOnly, readOnly];
  const output = await new Deno.Command("bwrap", {
    args: [...bind, Deno.execPath(), "eval", "--no-lock", script],
  }).output();
  return new TextDecoder().decode(output.stdout) + new TextDecoder().decode(output.stderr);
}

Deno.test("a commit's map is read once; only the newest are kept, and each repository has its own", async () => {
  await using repo = await TestRepo.make({ "a.txt": "a\n", "AGENTS.md": "Be brief\n" });
  await using other = await TestRepo.make({ "b.txt": "b\n" });
  const tip = async ({ dir }: TestRepo) => (await personGit(dir, "rev-parse", "HEAD")).trim();
  const maps = new RepositoryMaps();
  const commit = await tip(repo);
  const first = await maps.of(repo.dir, commit, never);
  deepEqual(first, {
    files: ["AGENTS.md", "a.txt"],
    instructions: [{ path: "AGENTS.md", text: "Be brief\n" }],
    scripts: [],
  });
  deepEqual((await maps.of(other.dir, await tip(other), never)).files, ["b.txt"]);
  for (let n = 0; n < 6; n++) {
    await personGit(repo.dir, "commit", "--allow-empty", "-m", `${n}`);
    await maps.of(repo.dir, await tip(repo), never);
  }
  equal(await maps.of(repo.dir, commit, never), first);
  for (let n = 0; n < 8; n++) {
    await personGit(repo.dir, "commit", "--allow-empty", "-m", `${n}`);
    await maps.of(repo.dir, await tip(repo), never);
  }
  const again = await maps.of(repo.dir, commit, never);
  deepEqual(again, first);
  equal(again === first, false);
});

Deno.test("a repository's map has the scripts of its package files; a broken file has none", async () => {
  await using repo = await TestRepo.make({
    "package.json": JSON.stringify({ scripts: { test: "vitest run", odd: 3 } }),
    "deno.json": JSON.stringify({ tasks: { ok: { command: "deno test" }, fmt: "deno fmt" } }),
    "composer.json": "{ not JSON",
    "sub/package.json": JSON.stringify({ scripts: { never: "x" } }),
  });
  const signal = new AbortController().signal;
  const { scripts, files } = await new RepositoryMaps().of(
    repo.dir,
    await repo.git("rev-parse", "HEAD"),
    signal,
  );
  deepEqual(scripts, [
    { run: "npm run test", command: "vitest run" },
    { run: "deno task ok", command: "deno test" },
    { run: "deno task fmt", command: "deno fmt" },
  ]);
  const prompt = buildPrompt({ purpose: "develop", round: 1, project: "p", files, scripts });
  ok(prompt.includes("<scripts>\n- npm run test: vitest run\n- deno task ok: deno test"), prompt);
});
