/** Ways out of a place, and that none of them works; and the canary, which tries at every start. */
import { deepStrictEqual as deepEqual, match, ok, strictEqual as equal } from "node:assert";
import { decide, type Decision } from "../agents/permissions/decide.ts";
import { pathRules } from "../agents/policy.ts";
import { tryProbes } from "../agents/probes.ts";
import type { HandsSeams } from "../agents/hands_client.ts";
import { noSignal, root, testConfined, testHands, TestPlace, toolBox } from "./place_support.ts";
import { racingWrite } from "./racing_write.ts";

/** A place with every trap in it. */
function trapped(): TestPlace {
  const place = new TestPlace({
    "a.txt": "fine\n",
    "src/b.txt": "fine\n",
    ".git/config": "[remote]\n\turl = https://user:secret@host\n",
    "sub/.git/config": "",
    ".env": "KEY=secret",
    "deploy/.env.production": "KEY=secret",
    "certs/server.pem": "secret",
    ".npmrc": "//registry/:_authToken=secret",
    "id_rsa": "secret",
  });
  const { dir, outside } = place;
  Deno.symlinkSync(`${outside}/secret.txt`, `${dir}/link.txt`);
  Deno.symlinkSync(outside, `${dir}/linked`);
  Deno.symlinkSync("linked", `${dir}/twice`);
  Deno.symlinkSync("../../outside", `${dir}/src/up`);
  Deno.symlinkSync(`${outside}/new.txt`, `${dir}/dangling`);
  Deno.symlinkSync("loop", `${dir}/loop`);
  Deno.symlinkSync(".git", `${dir}/dotgit`);
  Deno.symlinkSync(".env", `${dir}/settings.txt`);
  Deno.linkSync(`${outside}/secret.txt`, `${dir}/hard.txt`);
  new Deno.Command("mkfifo", { args: [`${dir}/pipe`] }).outputSync();
  return place;
}

/** In a sandbox what lies outside is not even there. */
const linkOut = /symbolic link (leads out|to something that does not exist)|can't be reached/;

/** Path and what the refusal says of it. */
const escapes = ({ dir, outside }: TestPlace): [path: string, why: RegExp][] => [
  ["../outside/secret.txt", /outside of the project folder/],
  ["src/../../outside/secret.txt", /outside of the project folder/],
  [`${outside}/secret.txt`, /outside of the project folder/],
  [`${dir}/../outside/secret.txt`, /outside of the project folder/],
  [`${dir}-not/secret.txt`, /outside of the project folder/],
  ["/etc/passwd", /outside of the project folder/],
  ["/proc/self/root/etc/passwd", /outside of the project folder/],
  ["/proc/self/environ", /outside of the project folder/],
  ["/dev/stdin", /outside of the project folder/],
  ["link.txt", linkOut],
  ["linked/secret.txt", linkOut],
  ["linked/made/new.txt", linkOut],
  ["twice/secret.txt", linkOut],
  ["src/up/secret.txt", linkOut],
  ["dangling", /symbolic link to something that does not exist/],
  ["dangling/x", /symbolic link to something that does not exist/],
  ["loop", /go in circles/],
  ["hard.txt", /hard link/],
  ["pipe", /not a regular file/],
  [".git/config", /off limits/],
  [".git/hooks/pre-commit", /off limits/],
  [".GIT/config", /off limits/],
  ["src/../.git/config", /off limits/],
  ["sub/.git/config", /off limits/],
  ["dotgit/config", /off limits/],
  [".git", /off limits/],
  [".env", /off limits/],
  ["settings.txt", /off limits/],
  ["deploy/.env.production", /off limits/],
  ["certs/server.pem", /off limits/],
  [".npmrc", /off limits/],
  ["id_rsa", /off limits/],
  [".ssh/config", /off limits/],
  ["a.txt\0.png", /NUL character/],
  [`${"x".repeat(256)}.txt`, /one of its names is too long/],
  ["x/".repeat(2_100), /too long for a path/],
];

testConfined("no path leads out of the place", async ({ sandbox }) => {
  await using place = trapped();
  await using hands = testHands(sandbox);
  const before = Deno.readTextFileSync(`${place.outside}/secret.txt`);
  for (const [path, why] of escapes(place)) {
    const tries = [
      ["Read", { file_path: path }],
      ["Edit", { file_path: path, old_string: "secret", new_string: "public" }],
      ["Write", { file_path: path, content: "public" }],
      ["Grep", { pattern: "secret", path, output_mode: "content" }],
    ] as const;
    for (const [name, input] of tries) {
      const { isError, content } = await hands.use(place.place, name, input);
      ok(isError, `${name} ${JSON.stringify(path)}: ${content}`);
      match(content, why, `${name} ${JSON.stringify(path)}`);
      match(content, /^Cannot (read|write|search) .*Trying it again will not help\.$/);
      ok(!content.includes("KEY=") && !content.includes("the secret"), content);
    }
  }
  equal(Deno.readTextFileSync(`${place.outside}/secret.txt`), before);
  equal([...Deno.readDirSync(place.outside)].length, 1, "nothing was made outside");
  equal(Deno.lstatSync(`${place.dir}/hard.txt`).nlink, 2);
});

testConfined("searching shows nothing that reading would refuse", async ({ sandbox }) => {
  await using place = trapped();
  await using hands = testHands(sandbox);
  const list = async (name: string, input: Record<string, unknown>) =>
    (await hands.use(place.place, name, input)).content.replaceAll(`${place.dir}/`, "").split("\n")
      .sort().join(" ");
  equal(await list("Glob", { pattern: "**" }), "a.txt hard.txt src/b.txt");
  equal(await list("Grep", { pattern: "secret|fine|url", "-i": true }), "a.txt src/b.txt");
  for (const path of ["..", "linked", "/", ".git", "dotgit"]) {
    const { isError, content } = await hands.use(place.place, "Glob", { pattern: "*", path });
    ok(isError, `${path}: ${content}`);
  }
});

Deno.test("templates of secret files may be kept up to date", async () => {
  const { blocked } = await pathRules({ allow: [], block: [] });
  for (
    const path of [".env.example", "app/.env.sample", "src/environment.ts", "keys.md", ".gitignore"]
  ) {
    equal(blocked(path), null, path);
  }
  for (
    const path of [".envrc", ".ENV", "x/.env.local", "a.KEY", "id_ed25519.pub", ".aws/credentials"]
  ) {
    ok(blocked(path), path);
  }
});

Deno.test("a link swapped in between check and use is noticed", async () => {
  await using place = new TestPlace({ "a.txt": "fine", "src/secret.txt": "fine" });
  let swap = () => {};
  const { use, refusal } = await toolBox(place, { afterCheck: () => swap() });
  await use("Read", { file_path: "a.txt" });

  swap = () => {
    Deno.removeSync(`${place.dir}/a.txt`);
    Deno.symlinkSync(`${place.outside}/secret.txt`, `${place.dir}/a.txt`);
  };
  match(await refusal("Read", { file_path: "a.txt" }), /replaced while it was being opened/);

  swap = () => {
    Deno.renameSync(`${place.dir}/src`, `${place.dir}/old`);
    Deno.symlinkSync(place.outside, `${place.dir}/src`);
  };
  match(
    await refusal("Read", { file_path: "src/secret.txt" }),
    /replaced while it was being opened/,
  );
});

Deno.test("a link swapped in for a folder while a file is written leads nothing out, not even an empty file", async () => {
  for (const path of ["src/a.txt", "src/new/deep/b.txt"]) {
    for (const at of [1, 2]) {
      await using place = new TestPlace({ "src/kept.txt": "fine" });
      const [dir, moved] = [place.dir, `${place.dir}/src`];
      const { why, cwd, before } = await racingWrite({ dir, moved, path, at, to: place.outside });
      match(why, /^Cannot write .*its folder was replaced while it was being written/);
      deepEqual([...Deno.readDirSync(place.outside)].map(({ name }) => name), ["secret.txt"]);
      const left = [...Deno.readDirSync(`${moved}-old`)].map(({ name }) => name);
      deepEqual(left.filter((name) => name !== "new"), ["kept.txt"]);
      equal(cwd, before, "the process stands where it stood");
    }
  }
});

Deno.test("a link swapped in for the place itself leads nothing out", async () => {
  await using place = new TestPlace({ "kept.txt": "fine" });
  const [dir, to] = [place.dir, place.outside];
  const { why } = await racingWrite({ dir, moved: dir, path: "new.txt", at: 1, to });
  match(why, /was replaced while/);
  deepEqual([...Deno.readDirSync(place.outside)].map(({ name }) => name), ["secret.txt"]);
});

Deno.test("Gaffer's own data inside of a place is not part of it", async () => {
  await using place = new TestPlace({ "data/gaffer.db": "secret", "database.ts": "fine" });
  const { use, refusal } = await toolBox(place, { hidden: [`${place.dir}/data`] });
  match(await refusal("Read", { file_path: "data/gaffer.db" }), /not part of the project/);
  match(await refusal("Write", { file_path: "data/new", content: "" }), /not part of the project/);
  match(await refusal("Glob", { pattern: "*", path: "data" }), /not part of the project/);
  equal((await use("Glob", { pattern: "**" })).content, `${place.dir}/database.ts`);
});

// ---------------------------------------------------------------- decide()

Deno.test("decide() allows, asks or denies", () => {
  const question = { input: { command: "rm -rf build" }, allowed: ["Read", "Bash"] };
  const decision = (tool: string, confinement: "bubblewrap" | "process"): Decision =>
    decide({ ...question, tool, confinement });
  equal(decision("Read", "process").type, "allow");
  equal(decision("Bash", "bubblewrap").type, "allow");
  const ask = decision("Bash", "process");
  ok(ask.type === "ask");
  equal(ask.detail, "rm -rf build", "a person sees the exact command");
  for (const tool of ["Write", "Fly"]) {
    const deny = decision(tool, "bubblewrap");
    ok(deny.type === "deny");
    match(deny.reason, /^No such tool available: .*You have: Read, Bash\..*will not help/);
  }
});

// ---------------------------------------------------------------- the canary

/** A port of this machine that answers, and a file that hands must not see. */
async function canary(sandbox: "auto" | "off", seams: HandsSeams = {}): Promise<string | null> {
  await using place = new TestPlace();
  await using hands = testHands(sandbox, seams);
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  return await hands.canary(`${place.outside}/secret.txt`, listener.addr.port);
}

testConfined("the canary finds no hole", async ({ sandbox }) => {
  equal(await canary(sandbox), null);
});

/** Hands that serve everything themselves, with the rights that `flags` give. */
const unconfined = (...flags: string[]): HandsSeams => ({
  launch: (launch) => {
    const config = { ...JSON.parse(launch.args.at(-1)!), role: "sandboxed" };
    const file = new URL("agents/hands.ts", root).pathname;
    return {
      ...launch,
      program: Deno.execPath(),
      args: ["run", "--no-prompt", ...flags, file, "__hands", JSON.stringify(config)],
      env: { ...Deno.env.toObject(), GAFFER_TEST_SECRET: "do not tell" },
    };
  },
});

/** The one right that hands use before they give all up. */
const PRIORITY = "--allow-sys=setPriority";

const holes: [flags: string[], hole: RegExp][] = [
  [["--allow-all"], /^it could write outside of its folder$/],
  [["--allow-write", PRIORITY], /^it could write outside of its folder$/],
  [["--allow-read", PRIORITY], /^it could read the data folder: read .*secret\.txt$/],
  [["--allow-run", PRIORITY], /^it could start a process: ran /],
  [
    ["--allow-net=127.0.0.1", PRIORITY],
    /^it could connect to this machine: connected to tcp 127\.0\.0\.1:\d+$/,
  ],
  [
    ["--allow-env=GAFFER_TEST_SECRET", PRIORITY],
    /see the server's environment \(GAFFER_TEST_SECRET\): saw/,
  ],
];
for (const [flags, hole] of holes) {
  Deno.test(`the canary names the hole that ${flags[0]} makes`, async () => {
    Deno.env.set("GAFFER_TEST_SECRET", "do not tell");
    try {
      match(await canary("off", unconfined(...flags)) ?? "none", hole);
    } finally {
      Deno.env.delete("GAFFER_TEST_SECRET");
    }
  });
}

Deno.test("each of the canary's tries succeeds where nothing holds it back", async () => {
  await using place = new TestPlace({ "module.json": "1" });
  const at = (name: string) => `${place.dir}/${name}`;
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  using _ = Deno.listen({ transport: "unix", path: at("socket") });
  const secret = `${place.outside}/secret.txt`;
  const attempts = ([
    ["read", secret],
    ["write", at("written")],
    ["run", "/bin/sh"],
    ["connect", `127.0.0.1:${listener.addr.port}`],
    ["unix", at("socket")],
    ["env", "PATH"],
    ["import", at("module.json")],
    ["worker", secret],
  ] as const).map(([action, target]) => ({ name: action, action, target }));
  const results = await tryProbes(attempts);
  deepEqual(results.filter(({ succeeded }) => !succeeded), []);
});

Deno.test("the canary does not pass when it can't be run or does not try", async () => {
  const fake = (script: string): HandsSeams => ({
    launch: (launch) => ({ ...launch, program: "/bin/sh", args: ["-c", script] }),
  });
  match((await canary("off", fake("exit 1")))!, /^the canary could not run: .*exit code 1/);
  const lazy = `echo '{"type":"ready","pid":1}'; read -r request; ` +
    `echo '{"type":"probe_done","id":1,"results":[]}'; sleep 60`;
  match((await canary("off", fake(lazy)))!, /^the canary did not try to read the data folder/);
});

testConfined("hands see neither the data folder nor other places", async ({ sandbox, kind }) => {
  await using place = new TestPlace({ "data/gaffer.db": "the secret" });
  await using hands = testHands(sandbox, {}, { protectedPaths: [`${place.dir}/data`] });
  const { content } = await hands.use(place.place, "Read", { file_path: "data/gaffer.db" });
  match(content, /not part of the project/);
  if (kind === "process") return; // a command is then a person's own decision
  const { output } = await hands.command(
    place.place,
    {
      command:
        `touch data/new; cat data/gaffer.db ${place.outside}/secret.txt; ls -A data ${place.dir}/..; cat /proc/1/environ; echo`,
      cwd: "",
      timeoutMs: 30_000,
      env: {},
    },
    { signal: noSignal, unconfinedAllowed: false },
  );
  ok(!output.includes("the secret"), output);
  match(
    output,
    /^touch: .*Read-only file system/,
    "what hides it lies in memory, and takes no files",
  );
  match(output, /\/\.\.:\nplace\n\ndata:\nPWD=\/\0\n$/);
});

testConfined(
  "commands in a sandbox reach no network and keep their files to themselves",
  async (c) => {
    if (c.kind === "process") return;
    await using place = new TestPlace();
    await using hands = testHands(c.sandbox);
    using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    const mark = `/tmp/gaffer-test-${crypto.randomUUID()}`;
    const { content } = await hands.use(place.place, "Bash", {
      command: `grep -c : /proc/net/dev; touch ${mark} && ls ${mark}; touch /usr/x /etc/x /x; ` +
        `(exec 5<>/dev/tcp/127.0.0.1/${listener.addr.port}) 2>&1 | head -1; mknod d b 1 1; mount -t tmpfs x .`,
    });
    match(content, /^Exit code \d+\n1\n/, "the loopback device is alone");
    ok(content.includes(`\n${mark}\n`), "it may use its own /tmp");
    ok(!place.exists(mark), "which is private");
    equal(content.match(/touch: .*Read-only file system/g)?.length, 3, content);
    match(content, /refused|unreachable|cannot|nonexistent/i);
    match(content, /mknod: .*not permitted/);
    match(content, /mount: .*(denied|permitted|superuser)/);
  },
);
