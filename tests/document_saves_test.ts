/** Commits of documents: signed as merges are, and in checkouts whose line ends git changes. */
import { match, rejects, strictEqual as equal } from "node:assert";
import { findProgram } from "../agents/find_program.ts";
import { setMergeRule } from "../server/services/merge_rules.ts";
import { documentDiff } from "../server/services/document_versions.ts";
import {
  createDocument,
  deleteDocument,
  openDocument,
  saveDocument,
} from "../server/services/documents.ts";
import { getMergeRule } from "../server/store/merge_rules.ts";
import { never } from "./git_support.ts";
import { type PlanningBench, planningBench } from "./planning_support.ts";

const SAVING = "planning/specs/saving.md";
const ignore = findProgram("ssh-keygen") === null;

async function signedWith(b: PlanningBench, passphrase = ""): Promise<string> {
  const key = b.repo.beside("key");
  const args = ["-q", "-t", "ed25519", "-N", passphrase, "-C", "pat", "-f", key];
  equal((await new Deno.Command("ssh-keygen", { args }).output()).success, true);
  const rule = { ...getMergeRule(b.app.db, b.project.id), sign: { kind: "ssh", key } as const };
  setMergeRule(b.app, { projectId: b.project.id, rule });
  return key;
}

async function signatures(b: PlanningBench, key: string): Promise<string> {
  const signers = b.repo.beside("signers");
  await Deno.writeTextFile(signers, `* ${await Deno.readTextFile(`${key}.pub`)}`);
  const settings = ["-c", `gpg.ssh.allowedSignersFile=${signers}`, "-c", "gpg.format=ssh"];
  return await b.repo.git(...settings, "log", "--format=%G?|%s|%an|%at");
}

Deno.test("where a project's merges are signed, saves of documents are", { ignore }, async () => {
  await using b = await planningBench();
  await b.follow();
  const { document } = await openDocument(b.app, b.idOf("specs/saving.md"), never);
  await saveDocument(b.app, document.id, { text: "plain\n", seen: document.version }, never);
  const key = await signedWith(b);
  const { document: made } = await createDocument(
    b.app,
    { projectId: b.project.id, path: "map", text: "# Map\n" },
    never,
  );
  await deleteDocument(b.app, made.id, { seen: made.version }, never);
  const at = Math.floor(b.app.clock.nowMs() / 1000);
  const [removed, added, plain] = (await signatures(b, key)).split("\n");
  equal(removed, `G|docs(planning): remove map.md|Pat Person|${at}`);
  equal(added, `G|docs(planning): add map.md|Pat Person|${at}`);
  match(plain!, /^N\|/);
  equal(await b.repo.git("status", "--porcelain"), "");
});

Deno.test("a key that is gone or does not open refuses the save and says where to mend it", {
  ignore,
}, async () => {
  await using b = await planningBench();
  await b.follow();
  const { document } = await openDocument(b.app, b.idOf("specs/saving.md"), never);
  const save = () =>
    saveDocument(b.app, document.id, { text: "mine\n", seen: document.version }, never);
  const key = await signedWith(b, "a passphrase");
  await rejects(save(), { code: "conflict", message: /signed commit[^]*page Merging/ });
  await Deno.remove(key);
  await rejects(save(), { code: "conflict", message: /no such file[^]*page Merging/ });
  equal(await b.repo.git("rev-list", "--count", "HEAD"), "1");
  equal(await b.repo.read(SAVING), "# Saving\n\nGames are saved.\n");
});

/** Text files of the folder end their lines with CR and LF, those of the commits with LF alone. */
async function crlfBench(how: "autocrlf" | "attributes"): Promise<PlanningBench> {
  const b = await planningBench();
  if (how === "autocrlf") await b.repo.git("config", "core.autocrlf", "true");
  else await b.repo.commit("Ends", { ".gitattributes": "*.md text eol=crlf\n" });
  await Deno.remove(`${b.repo.dir}/${SAVING}`);
  await b.repo.git("checkout", "--", SAVING);
  equal(await b.repo.read(SAVING), "# Saving\r\n\r\nGames are saved.\r\n");
  await b.follow();
  return b;
}

for (const how of ["autocrlf", "attributes"] as const) {
  Deno.test(`a checkout whose line ends git changes (${how}) is no edit: a save is committed with LF`, async () => {
    await using b = await crlfBench(how);
    const id = b.idOf("specs/saving.md");
    const { document, text } = await openDocument(b.app, id, never);
    const mine = text.replace("Games", "All games");
    const saved = await saveDocument(b.app, id, { text: mine, seen: document.version }, never);
    equal(saved.text, mine);
    equal(await b.repo.git("show", `HEAD:${SAVING}`), "# Saving\n\nAll games are saved.");
    equal(await b.repo.git("status", "--porcelain"), "");
    // The same text with the commit's own ends is no change.
    const again = { text: mine.replaceAll("\r", ""), seen: saved.document.version };
    const commits = await b.repo.git("rev-list", "--count", "HEAD");
    await saveDocument(b.app, id, again, never);
    equal(await b.repo.git("rev-list", "--count", "HEAD"), commits);
    // And an edit is one as before.
    await b.repo.write(SAVING, "theirs\r\n");
    const opened = await openDocument(b.app, id, never);
    const over = { text: "mine\r\n", seen: opened.document.version };
    await rejects(saveDocument(b.app, id, over, never), /not committed/);
    equal(await b.repo.read(SAVING), "theirs\r\n");
  });
}

Deno.test("what differs in line ends alone is no difference between versions", async () => {
  equal(await documentDiff("a.md", "one\ntwo\n", "one\r\ntwo\r\n"), "");
  match((await documentDiff("a.md", "one\ntwo\n", "one\r\n2\r\n"))!, /^-two\n\+2$/m);
});
