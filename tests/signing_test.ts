/** What lands is signed with the key that a person named, and by no program that a configuration names. */
import { deepStrictEqual as deepEqual, match, rejects, strictEqual as equal } from "node:assert";
import { join } from "node:path";
import { signsItself } from "../agents/git/signing.ts";
import { findProgram } from "../agents/find_program.ts";
import { exists, never, personGit } from "./git_support.ts";
import { moveHome } from "./home.ts";
import { MergeScene } from "./merge_scene.ts";

const ignore = findProgram("ssh-keygen") === null || findProgram("gpg") === null;

/** A key without a passphrase, outside of everything that agents write. */
async function keyOf(it: MergeScene, passphrase = ""): Promise<string> {
  const key = it.repo.beside("key");
  const args = ["-q", "-t", "ed25519", "-N", passphrase, "-C", "pat", "-f", key];
  const { success } = await new Deno.Command("ssh-keygen", { args }).output();
  equal(success, true);
  return key;
}

/** What git says of a commit's signature, "G": good. */
async function signatureOf(it: MergeScene, key: string, commit: string): Promise<string> {
  const signers = it.repo.beside("signers");
  await Deno.writeTextFile(signers, `* ${await Deno.readTextFile(`${key}.pub`)}`);
  const settings = [
    "-c",
    `gpg.ssh.allowedSignersFile=${signers}`,
    "-c",
    "gpg.format=ssh",
    "-c",
    "gpg.ssh.program=ssh-keygen",
  ];
  return await personGit(it.repo.dir, ...settings, "log", "-1", "--format=%G?", commit);
}

Deno.test({
  name: "merges and their undos are signed with the key that a person named",
  ignore,
  async fn() {
    await using it = await MergeScene.make();
    const key = await keyOf(it);
    await it.rule({ sign: { kind: "ssh", key } });
    const merge = await it.merged();
    equal(await signatureOf(it, key, merge), "G");
    it.ask();
    await it.undoIt();
    equal(it.ticket.status, "cancelled", it.undo.reason);
    equal(await signatureOf(it, key, "main"), "G");
    equal(await signatureOf(it, key, it.ticket.headCommit!), "N", "checkpoints are not");
  },
});

/** A home folder with an OpenPGP key in it, for this process; its agent ends with it. */
async function openpgpHome() {
  const moved = await moveHome();
  const home = moved.path;
  const gpg = async (program: string, ...args: string[]) => {
    const env = { PATH: Deno.env.get("PATH")!, HOME: home };
    const output = await new Deno.Command(program, { args, env, clearEnv: true }).output();
    const decoder = new TextDecoder();
    equal(output.code, 0, decoder.decode(output.stderr));
    return decoder.decode(output.stdout);
  };
  await Deno.mkdir(join(home, ".gnupg"), { mode: 0o700 });
  await gpg("gpg", "--batch", "--passphrase", "", "--quick-gen-key", "Pat", "ed25519", "sign");
  const fingerprint = /^fpr:+([0-9A-F]+):/m.exec(await gpg("gpg", "--list-keys", "--with-colons"))!;
  return {
    key: fingerprint[1]!,
    verify: (repo: string) => gpg("git", "-C", repo, "log", "-1", "--format=%G?", "main"),
    async [Symbol.asyncDispose]() {
      await gpg("gpgconf", "--kill", "gpg-agent");
      await moved[Symbol.asyncDispose]();
    },
  };
}

Deno.test({
  name: "an OpenPGP key signs by its fingerprint",
  ignore,
  async fn() {
    await using it = await MergeScene.make();
    await using home = await openpgpHome();
    await it.rule({ sign: { kind: "openpgp", key: home.key } });
    await it.merged();
    equal(it.ticket.status, "done", it.ticket.reason);
    equal((await home.verify(it.repo.dir)).trim(), "G");
  },
});

Deno.test({
  name: "no program that the repository's configuration names signs, or runs",
  ignore,
  async fn() {
    await using it = await MergeScene.make();
    const { repo } = it;
    const marker = repo.beside("ran");
    const trap = repo.beside("trap.sh");
    await Deno.writeTextFile(trap, `#!/bin/sh\necho ran > '${marker}'\nexit 1\n`);
    await Deno.chmod(trap, 0o755);
    await repo.git("config", "commit.gpgSign", "true");
    for (const name of ["gpg.program", "gpg.ssh.program", "gpg.ssh.defaultKeyCommand"]) {
      await repo.git("config", name, trap);
    }
    await repo.git("config", "gpg.format", "openpgp");
    const key = await keyOf(it);
    await it.rule({ sign: { kind: "ssh", key } });
    const merge = await it.merged();
    equal(await exists(marker), false);
    equal(await signatureOf(it, key, merge), "G");
  },
});

Deno.test({
  name: "a key that does not open, or is gone, blocks the merge with how to mend it",
  ignore,
  async fn() {
    await using it = await MergeScene.make();
    const key = await keyOf(it, "a passphrase");
    await it.rule({ sign: { kind: "ssh", key } });
    it.approve();
    await it.merge();
    deepEqual([it.ticket.status, it.ticket.failure], ["blocked", "repository"]);
    match(it.ticket.reason, /make a signed commit[^]*the project's page Merging/);
    await Deno.remove(key);
    it.app.db.exec("UPDATE tickets SET status = 'review', reason = '', failure = NULL");
    await it.merge();
    match(it.ticket.reason, /There is no such file/);
  },
});

Deno.test("a key where agents' work goes, or that is none, is refused", { ignore }, async () => {
  await using it = await MergeScene.make();
  const refused = (kind: "ssh" | "openpgp", key: string, message: RegExp) =>
    rejects(it.rule({ sign: { kind, key } }), { code: "invalid", message });
  await refused("ssh", "key", /absolute path/);
  await refused("ssh", "/no/such/key", /no such file/);
  await refused("ssh", it.repo.dir, /no such file/);
  await refused("ssh", join(it.repo.dir, "a.txt"), /agents' work goes into/);
  await Deno.symlink(join(it.repo.dir, "a.txt"), it.repo.beside("link"));
  await refused("ssh", it.repo.beside("link"), /agents' work goes into/);
  await refused("openpgp", "pat@example.org", /fingerprint/);
  await refused("openpgp", "--output", /fingerprint/);
});

Deno.test("the page of a project's merging says that the person's own commits are signed", async () => {
  await using it = await MergeScene.make();
  const { pages, project } = it.scene;
  const href = `/projects/${project.id}/merging`;
  const page = async () => await (await pages.get(href)).text();
  equal(await signsItself(it.repo.dir, never), false);
  equal((await page()).includes("Your own commits here are signed"), false);
  await it.repo.git("config", "commit.gpgSign", "yes");
  equal(await signsItself(it.repo.dir, never), true);
  match(await page(), /Your own commits here are signed; what Gaffer lands is not/);
  if (ignore) return;
  const form = { style: "squash", on_conflict: "block", sign: "ssh", sign_key: "nowhere" };
  const refused = await pages.post(href, form);
  equal(refused.status, 422);
  const html = await refused.text();
  match(html, /value="nowhere"/);
  match(html, /Write the absolute path/);
});
