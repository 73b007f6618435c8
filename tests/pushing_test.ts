/** A ticket's branch goes to a remote: once, over nobody's work, with nothing of a configuration having a part in it. */
import {
  deepStrictEqual as deepEqual,
  match,
  ok,
  rejects,
  strictEqual as equal,
} from "node:assert";
import { findProgram } from "../agents/find_program.ts";
import { isLastingRefusal, pushBranch, type PushSpec } from "../agents/git/pushing.ts";
import { GitError } from "../agents/git/git_error.ts";
import { fetchBranch } from "../agents/git/fetching.ts";
import { protocolOf, whyNoRemote } from "../agents/git/remotes.ts";
import { startFakeForge } from "./fake_forges/mod.ts";
import { never, personGit, TestRepo } from "./git_support.ts";
import { exists } from "./git_support.ts";
import { moveHome } from "./home.ts";
import { makeSshStandIn } from "./ssh_stand_in.ts";

class Scene implements AsyncDisposable {
  private constructor(readonly repo: TestRepo, readonly remote: string) {}
  static async make(how: string[] = []): Promise<Scene> {
    const repo = await TestRepo.make({ "a.txt": "1\n" }, how);
    const remote = repo.beside("remote.git");
    await personGit(repo.root, "init", "-q", "--bare", ...how, remote);
    return new Scene(repo, remote);
  }
  push(commit: string, changes: Partial<PushSpec> = {}) {
    return pushBranch({
      repo: this.repo.dir,
      remote: `file://${encodeURI(this.remote)}`,
      login: null,
      branch: "gaffer/1-greet",
      own: [],
      signal: never,
      commit,
      ...changes,
    });
  }
  tip(branch = "gaffer/1-greet") {
    return personGit(this.remote, "rev-parse", `refs/heads/${branch}`);
  }
  /** Somebody else's work, on top of what is there. */
  async foreign(branch = "gaffer/1-greet"): Promise<string> {
    const clone = this.repo.beside(`clone-${crypto.randomUUID()}`);
    await personGit(this.repo.root, "clone", "-q", this.remote, clone);
    await personGit(clone, "checkout", "-q", branch);
    const who = ["-c", "user.name=F", "-c", "user.email=f@example.org"];
    await personGit(clone, ...who, "commit", "-q", "--allow-empty", "-m", "Theirs");
    await personGit(clone, "push", "-q", "origin", `HEAD:${branch}`);
    return await personGit(clone, "rev-parse", "HEAD");
  }
  [Symbol.asyncDispose]() {
    return this.repo[Symbol.asyncDispose]();
  }
}

Deno.test("a branch is pushed, again and further, and leaves nothing in the person's repository", async () => {
  await using it = await Scene.make();
  const first = await it.repo.commit("One", { "a.txt": "one\n" });
  const before = await it.repo.snapshot();
  deepEqual(await it.push(first), { type: "pushed" });
  deepEqual(await it.push(first), { type: "pushed" });
  deepEqual(await it.repo.snapshot(), before);
  const second = await it.repo.commit("Two");
  deepEqual(await it.push(second), { type: "pushed" });
  equal(await it.tip(), second);
});

Deno.test("a repository with other object ids is pushed, too", async () => {
  await using it = await Scene.make(["--object-format=sha256"]);
  const commit = await it.repo.commit("One");
  equal(commit.length, 64);
  deepEqual(await it.push(commit), { type: "pushed" });
  equal(await it.tip(), commit);
});

Deno.test("what Gaffer put there is replaced; what somebody else did is not, and nothing is sent", async () => {
  await using it = await Scene.make();
  const first = await it.repo.commit("One");
  await it.push(first);
  await it.repo.git("reset", "-q", "--hard", "HEAD^");
  const other = await it.repo.commit("Another");
  deepEqual(await it.push(other), { type: "foreign", tip: first });
  deepEqual(await it.push(other, { own: [first] }), { type: "pushed" });
  const theirs = await it.foreign();
  const third = await it.repo.commit("Third");
  deepEqual(await it.push(third, { own: [first, other] }), { type: "foreign", tip: theirs });
  equal(await it.tip(), theirs);
});

Deno.test("a hook, a rewritten address and a credential helper of the repository have no part in it", async () => {
  await using it = await Scene.make();
  const marker = await it.repo.trapHooks("pre-push", "reference-transaction", "post-commit");
  const elsewhere = it.repo.beside("elsewhere.git");
  await personGit(it.repo.root, "init", "-q", "--bare", elsewhere);
  const address = `file://${encodeURI(it.remote)}`;
  await it.repo.git("config", `url.file://${encodeURI(elsewhere)}.pushInsteadOf`, address);
  await it.repo.git("config", `url.file://${encodeURI(elsewhere)}.insteadOf`, address);
  await it.repo.git("config", "credential.helper", `!touch "${marker}"`);
  const commit = await it.repo.git("rev-parse", "HEAD");
  await it.push(commit);
  equal(await it.tip(), commit);
  equal(await personGit(elsewhere, "for-each-ref"), "");
  equal(await exists(marker), false);
});

Deno.test("a remote that is not there is told with how to mend it", async () => {
  await using it = await Scene.make();
  const commit = await it.repo.git("rev-parse", "HEAD");
  const gone = it.push(commit, { remote: `file://${encodeURI(it.repo.beside("none.git"))}` });
  await rejects(gone, (error: GitError) => {
    match(error.message, /^Cannot look at the remote at "file:.*does not appear to be a git repos/);
    match(error.message, /See that the remote's address is right/);
    return error instanceof GitError && isLastingRefusal(error);
  });
});

Deno.test("over HTTP the token is given to the address that was named, and is in no message", async () => {
  await using it = await Scene.make();
  await using forge = startFakeForge({ kind: "gitea", gitDir: it.remote });
  const commit = await it.repo.git("rev-parse", "HEAD");
  const login = { user: "oauth2", token: forge.state.token };
  const there = { remote: forge.remoteUrl, login };
  deepEqual(await it.push(commit, there), { type: "pushed" });
  equal(await it.tip(), commit);
  const wrong = { ...there, login: { user: "oauth2", token: "wrong-token-9876" } };
  for (const bad of [wrong, { ...there, login: null }]) {
    await rejects(it.push(commit, bad), (error: GitError) => {
      match(error.message, /See that the variable holds a token that may write/);
      ok(isLastingRefusal(error) && !`${error.message}${error.stderr}`.includes("wrong-token"));
      return true;
    });
  }
  const [owner] = forge.state.repository.split("/");
  const gone = { ...there, remote: forge.remoteUrl.replace(`${owner}/`, "nobody/") };
  await rejects(it.push(commit, gone), /not found[^]*See that the remote's address is right/);
});

Deno.test("the token reaches a fetch, too, of somebody whose own settings name filters", async () => {
  await using it = await Scene.make();
  await using forge = startFakeForge({ kind: "gitea", gitDir: it.remote });
  const commit = await it.repo.git("rev-parse", "HEAD");
  await it.repo.git("push", "-q", it.remote, "HEAD:refs/heads/main");
  await using _home = await moveHome({
    ".gitconfig": '[filter "lfs"]\n\tclean = git-lfs clean -- %f\n\tprocess = git-lfs filter\n',
  });
  const fetched = await fetchBranch({
    repo: it.repo.dir,
    remote: forge.remoteUrl,
    login: { user: "oauth2", token: forge.state.token },
    branch: "main",
    signal: never,
  });
  equal(fetched, commit);
});

Deno.test("by SSH it is pushed and fetched with the person's own ssh, asked nothing, and with no part of the repository", async () => {
  await using it = await Scene.make();
  const ssh = await makeSshStandIn(it.repo.beside("it's an ssh"));
  const commit = await it.repo.commit("One");
  const marker = await it.repo.trapHooks("pre-push", "post-commit");
  for (const name of ["core.sshCommand", "core.gitProxy"]) {
    await it.repo.git("config", name, `touch "${marker}"; false`);
  }
  for (const remote of [`ssh://git@forge.example${it.remote}`, `git@forge.example:${it.remote}`]) {
    const there = {
      remote,
      ssh: ssh.path,
      branch: `gaffer/${protocolOf(remote)}-${remote.length}`,
    };
    deepEqual(await it.push(commit, there), { type: "pushed" });
    equal(await it.tip(there.branch), commit);
    const from = { repo: it.repo.dir, login: null, signal: never, ...there };
    equal(await fetchBranch(from), commit);
  }
  const calls = await ssh.calls();
  equal(calls.length, 6, "a look and a push each, then a fetch");
  for (const { args, variables } of calls) {
    const said = args.join(" ");
    match(said, /-o BatchMode=yes -o StrictHostKeyChecking=yes /);
    match(said, /-o ControlPath=none .*-o ForwardAgent=no /);
    match(said, / git@forge\.example git-(receive|upload)-pack '\//);
    ok(variables.includes("HOME") && !variables.includes("ANTHROPIC_API_KEY"));
  }
  equal(await exists(marker), false);
});

Deno.test("by SSH a refusal says how to mend it, and what passes is tried again", async () => {
  await using it = await Scene.make();
  const ssh = await makeSshStandIn(it.repo.beside("ssh"));
  const commit = await it.repo.commit("One");
  const push = () => it.push(commit, { remote: "git@forge.example:ana/greet.git", ssh: ssh.path });
  const refused = async (words: string, message: RegExp, lasting: boolean) => {
    await ssh.refuse(words);
    await rejects(push(), (error: GitError) => {
      match(error.message, message);
      equal(isLastingRefusal(error), lasting, words);
      return true;
    });
  };
  await refused(
    "No ED25519 host key is known for forge.example and you have requested strict checking.\nHost key verification failed.\n",
    /^Cannot look at the remote at "git@forge\.example:.*Host key verification failed.*Connect to that host once/,
    true,
  );
  await refused(
    "@    WARNING: REMOTE HOST IDENTIFICATION HAS CHANGED!     @\nHost key verification failed.\n",
    /Find out why that host has another key/,
    true,
  );
  await refused(
    "git@forge.example: Permission denied (publickey).\n",
    /Permission denied \(publickey\).*(Load a key that may push into the ssh agent|started without an ssh agent)/,
    true,
  );
  await refused(
    "ERROR: Repository not found.\n",
    /ERROR: Repository not found.*address is right/,
    true,
  );
  await refused(
    "ERROR: Permission to ana/greet.git denied to deploy key\n",
    /the right to write to that repository/,
    true,
  );
  await refused(
    "ssh: connect to host forge.example port 22: Connection timed out\n",
    /Connection timed out/,
    false,
  );
  await ssh.refuse("");
  await rejects(push(), /does not appear to be a git repository/);
});

Deno.test({
  name: "the system's own ssh takes the options, and a host that answers nothing passes by itself",
  ignore: findProgram("ssh") === null,
  async fn() {
    await using it = await Scene.make();
    const commit = await it.repo.commit("One");
    // Nobody listens there.
    const remote = "ssh://git@127.0.0.1:1/ana/greet.git";
    await rejects(it.push(commit, { remote }), (error: GitError) => {
      match(error.message, /ssh: connect to host 127\.0\.0\.1 port 1: Connection refused/);
      return !isLastingRefusal(error);
    });
  },
});

Deno.test("a remote that refuses says so in its own words", async () => {
  await using it = await Scene.make();
  const hook = `${it.remote}/hooks/pre-receive`;
  await Deno.writeTextFile(hook, "#!/bin/sh\necho No merges on Fridays\nexit 1\n");
  await Deno.chmod(hook, 0o755);
  const commit = await it.repo.git("rev-parse", "HEAD");
  await rejects(it.push(commit), (error: GitError) => {
    match(error.message, /remote: No merges on Fridays[^]*pre-receive hook declined/);
    return isLastingRefusal(error);
  });
});

Deno.test("isLastingRefusal() lets a remote's passing troubles be tried again, and its rules not", () => {
  const refused = (why: string) =>
    isLastingRefusal(new GitError("Cannot push", 1, `! a:b [remote rejected] (${why})`));
  for (
    const lasting of [
      "pre-receive hook declined",
      "protected branch hook declined",
      "push declined due to repository rule violations",
      "refusing to allow a Personal Access Token to create or update workflow `.github/x.yml`",
    ]
  ) ok(refused(lasting), lasting);
  for (
    const passing of [
      "failed to update ref",
      "cannot lock ref 'refs/heads/a': is at 1 but expected 2",
      "Internal Server Error",
    ]
  ) ok(!refused(passing), passing);
});

Deno.test("protocolOf() knows a protocol however it is written", () => {
  deepEqual(
    ["HTTPS://github.com/a/b", "https://h/a", "Ssh://git@h/a", "git@h:a/b", "/a/b"].map(protocolOf),
    ["https", "https", "ssh", "ssh", "file"],
  );
});

Deno.test("whyNoRemote() takes addresses of HTTPS and SSH, and nothing that holds a password or is no address", () => {
  for (
    const good of [
      "https://github.com/ana/greet.git",
      "https://git.example.org:8443/ana/greet",
      "ssh://git@example.org:2222/ana/greet.git",
      "git@github.com:ana/greet.git",
      "http://127.0.0.1:3000/ana/greet.git",
      "http://localhost:3000/ana/greet.git",
    ]
  ) equal(whyNoRemote(good), null, good);
  for (
    const bad of [
      "",
      "greet",
      "/home/ana/greet.git",
      "file:///home/ana/greet.git",
      "ext::sh -c evil",
      "-oProxyCommand=evil:greet",
      "git@-oProxyCommand=evil:greet",
      "ssh://-oProxyCommand=evil/greet",
      "https://token@github.com/ana/greet.git",
      "https://ana:token@github.com/ana/greet.git",
      "http://git.example.org/ana/greet.git",
      "https://github.com/ana/greet.git?a=b",
      "https://github.com/a b",
    ]
  ) match(whyNoRemote(bad) ?? "taken", /^(Write |Leave |Over http)/, bad);
});
