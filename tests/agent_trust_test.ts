/** A repository's own agents: inert until trusted, in exactly the content that was seen. */
import { deepStrictEqual as deepEqual, equal, match, rejects, throws } from "node:assert/strict";
import { submitIdea } from "../server/services/ideas.ts";
import { saveDefinition, setAgentActive } from "../server/services/agent_changes.ts";
import { agentFor, definitionFor } from "../server/services/definitions.ts";
import { keepModels } from "../server/services/models.ts";
import { changePrice } from "../server/services/price_changes.ts";
import { advanceIdea } from "../server/services/refinement.ts";
import { startTrial } from "../server/services/trials.ts";
import {
  distrustFile,
  fileToTrust,
  repositoryAgents,
  settleTrust,
  trustFile,
} from "../server/services/trust.ts";
import { findAgentNamed } from "../server/store/agents.ts";
import { getRun, listIdeaRuns } from "../server/store/runs.ts";
import { paidApp, price } from "./budgets_support.ts";
import { TestRepo } from "./git_support.ts";
import { type TestApp, testApp } from "./support.ts";

const { signal } = new AbortController();
const PATH = ".claude/agents/researcher.md";
const file = (turns: number) =>
  `---\nname: researcher\ndescription: Searches our way.\nmaxTurns: ${turns}\ncolor: red\n---\n\nLook into docs/ first.\n`;

async function trusting(app: TestApp, projectId: string, path = PATH) {
  const found = await fileToTrust(app, projectId, path, signal);
  return trustFile(app, projectId, found, found.hash);
}
const statesOf = async (app: TestApp, projectId: string) =>
  (await repositoryAgents(app, projectId, signal)).map(({ path, state }) => [path, state]);

Deno.test("a repository's agents are listed and inert; trusting one puts it in force in that project", async () => {
  using app = testApp();
  await using repo = await TestRepo.make({
    "README.md": "one\n",
    [PATH]: file(4),
    ".claude/agents/deep/other.md": "You review",
    ".claude/agents/notes.txt": "no agent",
  });
  const project = app.project({ path: repo.dir });
  const [other, listed] = await repositoryAgents(app, project.id, signal);
  deepEqual([other!.path, other!.state], [".claude/agents/deep/other.md", "unreadable"]);
  match(other!.problem!, /front matter/);
  deepEqual([listed!.state, listed!.name, listed!.agentId], ["untrusted", "researcher", null]);
  equal(agentFor(app, "researcher", project.id).projectId, null);

  const agent = await trusting(app, project.id);
  deepEqual([agent.projectId, agent.origin, agent.file?.path, agent.trusted], [
    project.id,
    "repository",
    PATH,
    true,
  ]);
  const definition = definitionFor(app, "researcher", project.id);
  deepEqual([definition.limits.maxTurns, definition.extra], [4, { color: "red" }]);
  equal(agentFor(app, "researcher", app.project().id).projectId, null);
  deepEqual((await statesOf(app, project.id))[1], [PATH, "trusted"]);
});

Deno.test("a repository's agent has the model that it names where a person gave that a price", async () => {
  using app = paidApp();
  const text = "---\nname: local\ndescription: d\nmodel: local-1\n---\n\nLook.\n";
  await using repo = await TestRepo.make({ ".claude/agents/local.md": text });
  const project = app.project({ path: repo.dir });
  const models = [{ id: "local-1", name: "", maxInputTokens: null, maxOutputTokens: null }];
  const { baseUrl } = app.config.endpoint!;
  keepModels(app, { baseUrl, models, at: "2026-11-27T00:00:00.000Z", error: null });
  const [unpriced] = await repositoryAgents(app, project.id, signal);
  match(unpriced!.assumed.join(), /model is sonnet: "local-1" names none here/);
  changePrice(app, "local-1", { price, longPrompt: null });
  const [priced] = await repositoryAgents(app, project.id, signal);
  equal(priced!.assumed.join().includes("local-1"), false);
  await trusting(app, project.id, ".claude/agents/local.md");
  equal(definitionFor(app, "local", project.id).model, "local-1");
});

Deno.test("trust is refused for another content than the one that was seen, and for other paths", async () => {
  using app = testApp();
  await using repo = await TestRepo.make({ [PATH]: file(4), "agents/x.md": file(4) });
  const project = app.project({ path: repo.dir });
  const seen = await fileToTrust(app, project.id, PATH, signal);
  await repo.commit("Change it", { [PATH]: file(400) });
  const now = await fileToTrust(app, project.id, PATH, signal);
  throws(() => trustFile(app, project.id, now, seen.hash), { code: "conflict" });
  equal(findAgentNamed(app.db, "researcher", project.id), null);
  for (
    const path of ["agents/x.md", ".claude/agents/../../agents/x.md", ".claude/agents/none.md"]
  ) {
    await rejects(fileToTrust(app, project.id, path, signal), { code: "not_found" });
  }
});

Deno.test("a file that changed is shown with the difference, and its trust is gone before a run begins", async () => {
  using app = testApp();
  await using repo = await TestRepo.make({ [PATH]: file(4) });
  const project = app.project({ path: repo.dir });
  const agent = await trusting(app, project.id);
  const idea = submitIdea(app, { projectId: project.id, title: "Greet" });
  advanceIdea(app, idea.id);
  const run = listIdeaRuns(app.db, idea.id).find(({ purpose }) => purpose === "research")!;
  deepEqual([run.definition?.agentId, run.maxTurns], [agent.id, 4]);
  equal(await settleTrust(app, run, signal), run);
  equal(getRun(app.db, run.id).definition?.agentId, agent.id);

  await repo.commit("Take more", { [PATH]: file(400) });
  const [changed] = await repositoryAgents(app, project.id, signal);
  equal(changed!.state, "changed");
  match(changed!.diff!, /-maxTurns: 4\n\+maxTurns: 400/);

  const settled = (await settleTrust(app, getRun(app.db, run.id), signal))!;
  deepEqual(settled, getRun(app.db, run.id));
  deepEqual([settled.definition, settled.maxTurns], [
    { agentId: "researcher", version: 1 },
    app.catalog.get("researcher").limits.maxTurns,
  ]);
  equal(agentFor(app, "researcher", project.id).projectId, null);
  equal((await repositoryAgents(app, project.id, signal))[0]!.state, "changed");
  equal(app.events.some(({ type }) => type === "agent_distrusted"), true);

  const again = await trusting(app, project.id);
  deepEqual(
    [again.id, again.version, definitionFor(app, "researcher", project.id).limits.maxTurns],
    [agent.id, 2, 400],
  );
});

Deno.test("a run whose agent lost its trust waits where the one behind it is disabled", async () => {
  using app = testApp();
  await using repo = await TestRepo.make({ [PATH]: file(4) });
  const project = app.project({ path: repo.dir });
  await trusting(app, project.id);
  const idea = submitIdea(app, { projectId: project.id, title: "Greet" });
  advanceIdea(app, idea.id);
  const run = listIdeaRuns(app.db, idea.id).find(({ purpose }) => purpose === "research")!;
  setAgentActive(app, "researcher", false);
  await repo.commit("Remove it", { [PATH]: "" });
  await app.end(run, { type: "succeeded", result: {} });
  deepEqual(
    [getRun(app.db, run.id).status, getRun(app.db, run.id).waitReason],
    ["waiting", 'The agent "researcher" is disabled'],
  );
  setAgentActive(app, "researcher", true);
  equal(app.jobs().some((job) => job.args.runId === run.id && job.status === "available"), true);
});

Deno.test("a run whose agent lost its trust waits where the one behind it can't be read", async () => {
  using app = testApp();
  await using repo = await TestRepo.make({ [PATH]: file(4) });
  const project = app.project({ path: repo.dir });
  const text = `${app.catalog.text("researcher")}\nLook twice.\n`;
  saveDefinition(app, "researcher", { text, after: 1 });
  await trusting(app, project.id);
  const idea = submitIdea(app, { projectId: project.id, title: "Greet" });
  advanceIdea(app, idea.id);
  const run = listIdeaRuns(app.db, idea.id).find(({ purpose }) => purpose === "research")!;
  app.db.exec("UPDATE agent_versions SET text = 'tools: [Teleport]' WHERE agent_id = 'researcher'");
  await repo.commit("Remove it", { [PATH]: "" });
  await app.end(run, { type: "succeeded", result: {} });
  const { status, waitReason, definition } = getRun(app.db, run.id);
  deepEqual([status, definition?.agentId], ["waiting", "researcher"]);
  match(waitReason, /"researcher" can't be read: mend it/);
});

Deno.test("what waits for a disabled agent goes on when trust puts another in force, given or taken", async () => {
  using app = testApp();
  await using repo = await TestRepo.make({ [PATH]: file(4) });
  const project = app.project({ path: repo.dir });
  const waits = () => {
    const { id } = submitIdea(app, { projectId: project.id, title: "Greet" });
    advanceIdea(app, id);
    const run = listIdeaRuns(app.db, id).find(({ purpose }) => purpose === "research")!;
    equal(run.status, "waiting");
    return () => app.jobs().some((job) => job.args.runId === run.id && job.status === "available");
  };
  setAgentActive(app, "researcher", false);
  const before = waits();
  equal(before(), false);
  const own = await trusting(app, project.id);
  equal(before(), true);

  setAgentActive(app, own.id, false);
  setAgentActive(app, "researcher", true);
  const after = waits();
  equal(after(), false);
  distrustFile(app, project.id, PATH);
  equal(after(), true);
});

Deno.test("trust can be taken back; what a person changed is theirs and needs none", async () => {
  using app = testApp();
  await using repo = await TestRepo.make({ [PATH]: file(4) });
  const project = app.project({ path: repo.dir });
  const agent = await trusting(app, project.id);
  distrustFile(app, project.id, PATH);
  throws(() => distrustFile(app, project.id, PATH), { code: "conflict" });
  equal(agentFor(app, "researcher", project.id).projectId, null);
  const idea = submitIdea(app, { projectId: project.id, title: "Greet" });
  throws(() => startTrial(app, agent.id, { ideaId: idea.id }), {
    code: "conflict",
    message: /nobody trusts/,
  });

  await trusting(app, project.id);
  const text = findAgentNamed(app.db, "researcher", project.id)!.text.replace(
    "maxTurns: 4",
    "maxTurns: 5",
  );
  const own = saveDefinition(app, agent.id, { text, after: 1 });
  deepEqual([own.file, own.trusted, own.origin], [null, true, "person"]);
  await repo.commit("Change it", { [PATH]: file(9) });
  equal(definitionFor(app, "researcher", project.id).limits.maxTurns, 5);
  await rejects(trusting(app, project.id), { code: "conflict", message: /of its own already/ });
});

Deno.test("a file that takes another name leaves nothing in force of what it was", async () => {
  using app = testApp();
  await using repo = await TestRepo.make({ [PATH]: file(4) });
  const project = app.project({ path: repo.dir });
  const before = await trusting(app, project.id);
  await repo.commit("Name it anew", {
    [PATH]: file(4).replace("name: researcher", "name: clarifier"),
  });
  equal((await repositoryAgents(app, project.id, signal))[0]!.state, "untrusted");
  const now = await trusting(app, project.id);
  deepEqual([now.name, now.trusted], ["clarifier", true]);
  equal(agentFor(app, "clarifier", project.id).id, now.id);
  equal(agentFor(app, "researcher", project.id).id, "researcher");
  equal(findAgentNamed(app.db, "researcher", project.id)!.id, before.id);
});
