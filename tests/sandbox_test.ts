/** What a sandbox shows of the machine and of a repository, and the small parts hands are made of. */
import {
  deepStrictEqual as deepEqual,
  match,
  ok,
  rejects,
  strictEqual as equal,
} from "node:assert";
import { Launcher } from "../agents/hands_launch.ts";
import { handsLimits, withChanges } from "../agents/hands_limits.ts";
import { HandsWatch } from "../agents/hands_watch.ts";
import { openTransportIn } from "../agents/mcp/open_transport.ts";
import { silentLog } from "../server/log.ts";
import { LineTooLong, readLines } from "../agents/lines.ts";
import { HeadAndTail } from "../agents/output.ts";
import { absolutePath, folderOf, isInside, relativePath } from "../agents/paths.ts";
import { findToolchains } from "../agents/toolchains.ts";
import type { LimitChanges } from "../agents/protocol.ts";
import { confinements, noSignal, testConfined, testHands, TestPlace } from "./place_support.ts";

function testLauncher(): Launcher & AsyncDisposable {
  const launcher = new Launcher({
    root: new URL("../", import.meta.url),
    compiled: false,
    sandbox: "auto",
    protectedPaths: [],
    limits: handsLimits(8 * 1024 ** 3),
    log: silentLog,
  });
  return Object.assign(launcher, { [Symbol.asyncDispose]: () => launcher.close() });
}

// ---------------------------------------------------------------- toolchains

/** A home folder with `files`; a name that ends in a slash is a folder, `a -> b` a link. */
function home(...names: string[]): { place: TestPlace; dir: string } {
  const place = new TestPlace();
  for (const name of names) {
    const [path = "", target] = name.split(" -> ");
    if (target !== undefined) {
      const full = `${place.dir}/${path}`;
      Deno.mkdirSync(folderOf(full), { recursive: true });
      Deno.symlinkSync(target, full);
    } else if (path.endsWith("/")) Deno.mkdirSync(`${place.dir}/${path}`, { recursive: true });
    else place.put(path, "#!/bin/sh\n");
  }
  return { place, dir: place.dir };
}

async function toolchains(
  dir: string,
  path: string[],
  options: { env?: Record<string, string>; protectedPaths?: string[] } = {},
) {
  const found = await findToolchains({
    env: { HOME: dir, PATH: path.map((p) => p.replace("~", dir)).join(":"), ...options.env },
    systemDirs: ["/usr", "/bin"],
    protectedPaths: options.protectedPaths ?? [],
  });
  const short = (p: string) => p.replace(dir, "~");
  return { path: found.path.map(short), visible: found.visible.map(short), env: found.env };
}

Deno.test("a bin folder is shown with what its programs load, and no more of home", async () => {
  const { place, dir } = home(
    "tool/bin/x",
    "tool/lib/",
    "tool/share/secrets",
    "tool/doc/",
    ".ssh/id",
  );
  await using _ = place;
  const found = await toolchains(dir, [
    "~/tool/bin",
    "/usr/bin",
    "~/nope",
    "",
    ".",
    "bin",
    "~/tool/bin/",
  ]);
  deepEqual(found.path, ["~/tool/bin", "/usr/bin"]);
  deepEqual(found.visible, ["~/tool/bin", "~/tool/lib"]);
});

Deno.test("home, its parents, and what holds or is protected are never shown", async () => {
  const { place, dir } = home("bin/x", "gaffer/data/gaffer.db", "gaffer/bin/x");
  await using _ = place;
  const protectedPaths = [`${dir}/gaffer/data`];
  const found = await toolchains(dir, [
    "~",
    "~/..",
    "/",
    "~/gaffer",
    "~/gaffer/data",
    "~/gaffer/bin",
  ], {
    protectedPaths,
    env: { JAVA_HOME: `${dir}/gaffer`, GOROOT: dir },
  });
  deepEqual(found.visible, ["~/gaffer/bin"]);
  deepEqual(found.env, {});
});

Deno.test("links lead to the package that a program belongs to", async () => {
  const { place, dir } = home(
    "npm/node_modules/pkg/cli.js",
    "npm/node_modules/dep/index.js",
    "opt/tool-1.2/bin/tool",
    "opt/tool-1.2/lib/",
    "opt/tool-1.2/secret",
    "scripts/run.sh",
    "scripts/password",
    "bin/pkg -> ../npm/node_modules/pkg/cli.js",
    "bin/tool -> ../opt/tool-1.2/bin/tool",
    "bin/run -> ../scripts/run.sh",
    "bin/sh -> /bin/sh",
    "bin/gone -> ../nowhere",
  );
  await using _ = place;
  deepEqual((await toolchains(dir, ["~/bin"])).visible, [
    "~/bin",
    "~/npm/node_modules",
    "~/opt/tool-1.2/bin",
    "~/opt/tool-1.2/lib",
    "~/scripts/run.sh",
  ]);
});

Deno.test("version managers find what they manage, though home is another", async () => {
  const { place, dir } = home(
    ".cargo/bin/cargo",
    ".cargo/credentials.toml",
    ".rustup/toolchains/",
    ".pyenv/shims/python",
    ".pyenv/versions/3.13/",
    ".pyenv/libexec/pyenv",
    ".pyenv/cache/",
  );
  await using _ = place;
  const found = await toolchains(dir, ["~/.cargo/bin", "~/.pyenv/shims"]);
  deepEqual(found.visible, [
    "~/.cargo/bin",
    "~/.pyenv/libexec",
    "~/.pyenv/shims",
    "~/.pyenv/versions",
    "~/.rustup",
  ]);
  deepEqual(found.env, { RUSTUP_HOME: `${dir}/.rustup`, PYENV_ROOT: `${dir}/.pyenv` });
});

// ---------------------------------------------------------------- git

const [bubblewrap] = confinements;

async function git(cwd: string, ...args: string[]): Promise<void> {
  const { success, stderr } = await new Deno.Command("git", {
    args: [
      ...["user.name=t", "user.email=t@t", "init.defaultBranch=main", "core.fsmonitor=false"]
        .flatMap((setting) => ["-c", setting]),
      ...args,
    ],
    cwd,
    env: { GIT_CONFIG_GLOBAL: "/dev/null", GIT_CONFIG_NOSYSTEM: "1" },
  }).output();
  if (!success) throw new Error(new TextDecoder().decode(stderr));
}

/** A repository with secrets in its .git, and a worktree of it. */
async function repository(place: TestPlace): Promise<{ repo: string; worktree: string }> {
  const repo = `${place.dir}/repo`;
  const worktree = `${place.dir}/worktree`;
  place.put("repo/a.txt", "one\n");
  await git(repo, "init", "--quiet");
  await git(repo, "add", ".");
  await git(repo, "commit", "--quiet", "-m", "first");
  await git(repo, "remote", "add", "origin", "https://user:token@host/x.git");
  await git(repo, "config", "core.fsmonitor", "touch /tmp/ran");
  await git(repo, "worktree", "add", "--quiet", "-b", "work", worktree);
  place.put("repo/.git/hooks/pre-commit", "#!/bin/sh\necho hook\n");
  place.put("repo/.git/FETCH_HEAD", "https://user:token@host/x.git");
  return { repo, worktree };
}

Deno.test({
  name: `git reads a worktree in a sandbox, without its secrets, ${bubblewrap.name}`,
  ignore: bubblewrap.ignore,
  async fn() {
    await using place = new TestPlace();
    const { repo, worktree } = await repository(place);
    await using hands = testHands("auto");
    const gitDir = `${repo}/.git`;
    const run = async (command: string, dir = worktree) =>
      (await hands.use({ dir, access: "write", gitDir }, "Bash", { command })).content;

    await Deno.writeTextFile(`${worktree}/a.txt`, "two\n");
    equal(
      await run("git log --format=%s; git status --short; git diff --stat | tail -1"),
      [
        "first",
        " M a.txt",
        " 1 file changed, 1 insertion(+), 1 deletion(-)",
      ].join("\n"),
    );
    equal(
      await run("git branch --show-current; git config --get-regexp .").then((t) =>
        t.split("\n")[0]
      ),
      "work",
    );
    const everything = await run(`grep -rl -e token -e fsmonitor ${gitDir} .git; ls ${gitDir}`);
    equal(everything, "HEAD\nconfig\ninfo\nobjects\nrefs\nworktrees");

    match(await run("git commit -a -m second"), /^Exit code \d+[^]*(Read-only|read-only)/);
    match(await run("git config user.name x"), /^Exit code \d+[^]*Read-only/);
    match(
      await run("echo 'gitdir: /tmp' > .git; rm -f .git; mv .git x"),
      /^Exit code 1[^]*(Read-only|busy)/,
    );
    match(await Deno.readTextFile(`${worktree}/.git`), /^gitdir: /);

    // A new commit by the server is seen by hands that were running before.
    await git(worktree, "commit", "--quiet", "-a", "-m", "second");
    equal(await run("git log --format=%s; git status --short"), "second\nfirst");

    const inRepo = await run("git log --format=%s main; git status --short; cat .git/config", repo);
    match(inRepo, /^first\n\[core\]/);
    ok(!/token|fsmonitor/.test(inRepo), inRepo);
  },
});

Deno.test({
  name: `a repository that git need not read is hidden, ${bubblewrap.name}`,
  ignore: bubblewrap.ignore,
  async fn() {
    await using place = new TestPlace();
    const { repo, worktree } = await repository(place);
    await using hands = testHands("auto");
    const run = (dir: string, command: string) =>
      hands.command({ dir, access: "write", gitDir: null }, {
        command,
        cwd: "",
        timeoutMs: 30_000,
        env: {},
      }, { signal: noSignal, unconfinedAllowed: false });
    equal((await run(repo, "ls -A .git")).output, "");
    match(
      (await run(worktree, "git log; rm .git")).output,
      /not a git repository[^]*(busy|Read-only)/,
    );
  },
});

// ---------------------------------------------------------------- what a person sets

Deno.test({
  name: `folders with tools are shown read-only and come first on PATH, ${bubblewrap.name}`,
  ignore: bubblewrap.ignore,
  async fn() {
    await using place = new TestPlace();
    const at = (name: string) => `${place.outside}/${name}`;
    const tool = async (path: string, says: string) => {
      await Deno.mkdir(folderOf(path), { recursive: true });
      await Deno.writeTextFile(path, `#!/bin/sh\necho ${says}\n`, { mode: 0o755 });
    };
    await tool(at("kit/bin/cat"), "kit");
    await Deno.writeTextFile(at("kit/version"), "7\n");
    await tool(at("flat/hello"), "flat");
    await tool(at("all/everywhere"), "all");
    await Deno.mkdir(at("home/.ssh"), { recursive: true });
    await Deno.symlink("/proc/1", at("link"));
    await using hands = testHands("auto", {}, { toolchains: [at("all")] });
    const toolchains = [at("kit"), at("flat"), at("gone"), at("link"), "/etc", "/"];
    const { content } = await hands.use({ ...place.place, toolchains }, "Bash", {
      command: `cat; hello; everywhere; read v < ${at("kit")}/version; echo $v; echo $PATH; ` +
        `touch ${at("kit")}/x; ls ${place.outside}; ls /etc/shadow`,
    });
    const lines = content.split("\n");
    deepEqual(lines.slice(1, 5), ["kit", "flat", "all", "7"], content);
    ok(lines[5]!.startsWith(`${at("kit/bin")}:${at("flat")}:${at("all")}:`), content);
    match(content, /touch: .*Read-only file system/);
    match(content, /^all\nflat\nkit$/m, "no more is shown");
    match(content, /\/etc\/shadow.*No such file/);
    const plain = await hands.use(place.place, "Bash", { command: "hello; everywhere" });
    match(plain.content, /hello: (command )?not found[^]*all$/, "another place has its own");
  },
});

Deno.test({
  name: `programs of MCP servers are held to the limits of commands, ${bubblewrap.name}`,
  ignore: bubblewrap.ignore,
  async fn() {
    await using place = new TestPlace();
    await using hands = testHands("auto", {}, { limits: { cpuSeconds: 77, openFiles: 99 } });
    const problemOf = async (script: string, limits = {}) => {
      const config = {
        name: "x",
        transport: "stdio",
        command: "sh",
        args: ["-c", script],
      } as const;
      const servers = await hands.serve({ ...place.place, limits }, [
        { ...config, env: {}, url: "", headers: {}, timeoutMs: 60_000, args: [...config.args] },
      ], noSignal);
      await servers.close();
      return servers.problems.join();
    };
    const limits = 'echo "cpu $(ulimit -t) files $(ulimit -n) size $(ulimit -f)" >&2; exit 1';
    match(await problemOf(limits), /cpu 77 files 99 size 16777216/);
    match(await problemOf(limits, { fileBytes: 1024 ** 2, cpuSeconds: 5 }), /cpu 5 .* size 2048/);
  },
});

Deno.test({
  name:
    `what an MCP server is given stands in no argument list, and it gets it all, ${bubblewrap.name}`,
  ignore: bubblewrap.ignore,
  async fn() {
    await using place = new TestPlace();
    await using launcher = testLauncher();
    const value = "a 'quoted' $(value)\nof two lines";
    const env = { SECRET_THING: value, LD_PRELOAD: "/nonexistent.so" };
    const script = 'printf "%s|%s" "$SECRET_THING" "$(env | grep -c -e CARRIED -e OLDPWD)"';
    const launch = await launcher.program(
      place.place,
      { command: "sh", args: ["-c", script], env },
      noSignal,
    );
    equal(launch.args.join("\n").includes("quoted"), false);
    equal("LD_PRELOAD" in launch.env, false, "what starts the sandbox does not obey it");
    const { stdout } = await new Deno.Command(launch.program, {
      args: launch.args,
      env: launch.env,
      clearEnv: true,
      cwd: "/",
    }).output();
    equal(new TextDecoder().decode(stdout), `${value}|0`);
    await rejects(
      launcher.program(place.place, { command: "sh", args: [], env: { "A; id": "x" } }, noSignal),
      { code: "conflict", message: /Cannot set the variable "A; id"/ },
    );
  },
});

Deno.test("a program of an MCP server that takes more memory than it may is ended, asked or not", async () => {
  await using place = new TestPlace();
  const limits = withChanges(handsLimits(8 * 1024 ** 3), { memoryBytes: 300 * 1024 ** 2 });
  const script = "head -c 900000000 /dev/zero | tail | sleep 600";
  const launch = { program: "/bin/sh", args: ["-c", script], env: {}, limits };
  const starter = {
    launcher: { program: () => Promise.resolve(launch) } as unknown as Launcher,
    watch: new HandsWatch(silentLog),
  };
  const transport = await openTransportIn(starter, place.place, noSignal)({
    ...{ name: "x", transport: "stdio", command: "sh", args: [], env: {}, url: "", headers: {} },
    timeoutMs: 60_000,
  });
  const closed = Promise.withResolvers<void>();
  transport.onclose = () => closed.resolve();
  await transport.start();
  await closed.promise;
  equal(transport.lastWords, "it took more than 300 MB of memory");
});

testConfined("a place's own limits hold in it, and the configuration's elsewhere", async (c) => {
  await using place = new TestPlace();
  await using hands = testHands(c.sandbox, {}, { limits: { cpuSeconds: 60, openFiles: 128 } });
  const limitsAt = async (limits: LimitChanges) => {
    const at = { ...place.place, limits };
    const command = "ulimit -t; ulimit -n; ulimit -f";
    return (await hands.use(at, "Bash", { command })).content.split("\n");
  };
  deepEqual((await limitsAt({})).slice(0, 2), ["60", "128"]);
  deepEqual(await limitsAt({ cpuSeconds: 30, fileBytes: 4 * 1024 ** 2 }), ["30", "128", "4096"]);
  const memory = { ...place.place, limits: { memoryBytes: 300 * 1024 ** 2 } };
  const command = "head -c 900000000 /dev/zero | tail | sleep 600";
  const { content } = await hands.use(memory, "Bash", { command });
  match(content, /it took more than 300 MB of memory/);
});

// ---------------------------------------------------------------- small parts

Deno.test("HeadAndTail keeps both ends of any length", () => {
  const of = (...chunks: string[]) => {
    const kept = new HeadAndTail(10);
    chunks.forEach((chunk) => kept.push(new TextEncoder().encode(chunk)));
    return [kept.total, kept.text()];
  };
  deepEqual(of("abc", "def"), [6, "abcdef"]);
  deepEqual(of("0123456789"), [10, "0123456789"]);
  deepEqual(of("0123456789a"), [11, "01234\n\n[1 bytes left out]\n\n6789a"]);
  deepEqual(of(..."abcdefghijklmnopqrstuvwxyz"), [26, "abcde\n\n[16 bytes left out]\n\nvwxyz"]);
  deepEqual(of("ab", "c".repeat(100), "yz"), [104, "abccc\n\n[94 bytes left out]\n\ncccyz"]);
});

Deno.test("readLines() joins pieces, splits lines, and refuses what is too long", async () => {
  const lines = async (maxBytes: number, ...chunks: string[]) => {
    const encoded = chunks.map((chunk) => new TextEncoder().encode(chunk));
    const found: string[] = [];
    for await (const line of readLines(ReadableStream.from(encoded), maxBytes)) found.push(line);
    return found;
  };
  deepEqual(await lines(100, "a\nb", "c\n\n", "d\nlost"), ["a", "bc", "", "d"]);
  deepEqual(await lines(5, "12345\n12345\n"), ["12345", "12345"]);
  await rejects(lines(5, "123456\n"), LineTooLong);
  await rejects(lines(5, "123", "456"), LineTooLong);
  const euro = new TextEncoder().encode("€\n");
  const split = ReadableStream.from([euro.subarray(0, 1), euro.subarray(1)]);
  for await (const line of readLines(split, 10)) equal(line, "€");
});

Deno.test("paths are worked out as POSIX says", () => {
  equal(absolutePath("/a/b", "../c/./d//e"), "/a/c/d/e");
  equal(absolutePath("/a", "../../../x"), "/x");
  equal(absolutePath("/a", "/b/../c/"), "/c");
  deepEqual(
    ["/a", "/a/b", "/ab", "/"].map((path) => isInside("/a", path)),
    [true, true, false, false],
  );
  ok(isInside("/", "/a"));
  deepEqual([relativePath("/a", "/a"), relativePath("/a", "/a/b"), relativePath("/", "/b")], [
    "",
    "b",
    "b",
  ]);
  deepEqual([folderOf("/a/b"), folderOf("/a"), folderOf("a/b"), folderOf("a")], [
    "/a",
    "/",
    "a",
    "",
  ]);
});
