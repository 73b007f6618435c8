/** A process that keeps drafts as fast as it can, saying each number after it was kept. For a test that kills it. */
import { transact } from "../server/db.ts";
import { putDraft } from "../server/store/document_drafts.ts";
import { insertProject } from "../server/store/projects.ts";
import { bareApp } from "./bare_app.ts";

const app = bareApp({ path: Deno.args[0]! });
const { id } = app.tx((tx) =>
  insertProject(tx, {
    slug: "game",
    name: "Game",
    path: "/nonexistent",
    baseBranch: "main",
    commands: [],
    commandsAllowed: false,
    setupNetwork: false,
    sample: false,
  })
);
const out = new TextEncoder();
Deno.stdout.writeSync(out.encode(`${id}\n`));
for (let n = 1;; n++) {
  transact(
    app,
    (tx) =>
      putDraft(tx, { projectId: id, path: "a.md" }, { text: String(n), seen: "", base: null }),
  );
  Deno.stdout.writeSync(out.encode(`${n}\n`));
}
