/** The pages of agents: the list, one agent with its definition, its versions, and a repository's own. */
import type { Hono } from "hono";
import { AgentPage } from "../../views/agent.tsx";
import { AgentFilesPage } from "../../views/agent_files.tsx";
import { AgentVersionsPage } from "../../views/agent_versions.tsx";
import { AgentsPage } from "../../views/agents.tsx";
import { agentFilesHref, agentHref, runHref } from "../../views/links.ts";
import { type Env, type RequestContext, requestSignal, validate } from "../api.ts";
import { AppError } from "../errors.ts";
import { newAgentInput } from "../inputs.ts";
import { agentFilesPage, agentPage, agentsPage, agentVersionsPage } from "../pages/agents.ts";
import {
  copyToProject,
  createAgent,
  resetAgent,
  restoreVersion,
  saveDefinition,
  setAgentActive,
} from "../services/agent_changes.ts";
import { textFromForm, toolsFrom } from "../services/definition_form.ts";
import { agentOf } from "../services/definitions.ts";
import { startTrial } from "../services/trials.ts";
import { distrustFile, fileToTrust, trustFile } from "../services/trust.ts";
import { exportedAgent } from "./agents.tsx";
import { act, done, pageRequest, type PageTools, readForm, refusedAt, show } from "./page.ts";

export function agentPages(pages: Hono<Env>, tools: PageTools): void {
  pages.get("/agents", (c) => show(c, <AgentsPage {...agentsPage(pageRequest(c, tools))} />));
  pages.post("/agents", async (c) => {
    const { text = "", kind = "", project = "" } = await readForm(c);
    return await act(() => {
      const input = validate(
        newAgentInput,
        { text, project_id: project || null, kind: kind || undefined },
        "form",
      );
      const { agent, assumed } = createAgent(c.var.app, {
        text: input.text,
        projectId: input.project_id,
        kind: input.kind,
      });
      const said = assumed.length > 0 ? `. Assumed: ${assumed.join("; ")}` : "";
      return done(c, agentHref(agent.id), `The agent "${agent.name}" was added${said}`);
    }, ({ message, errors, status }) => {
      const page = agentsPage(pageRequest(c, tools), { text, kind, project, message, errors });
      return show(c, <AgentsPage {...page} />, status);
    });
  });

  pages.get("/agents/:id", (c) => {
    const view = c.req.query("view") === "text" ? "text" : "form";
    return show(
      c,
      <AgentPage {...agentPage(pageRequest(c, tools), c.req.param("id"), { view })} />,
    );
  });
  pages.post("/agents/:id", (c) => saved(c, tools));
  pages.get("/agents/:id/export", (c) => exportedAgent(c, c.req.param("id")));
  pages.get("/agents/:id/versions", async (c) => {
    const id = c.req.param("id");
    const { version } = agentOf(c.var.app, id);
    const from = c.req.query("from");
    const page = await agentVersionsPage(pageRequest(c, tools), id, {
      from: from === undefined ? undefined : Number(from),
      to: Number(c.req.query("to") ?? version),
    });
    return show(c, <AgentVersionsPage {...page} />);
  });
  pages.post("/agents/:id/restore", async (c) => {
    const version = Number((await readForm(c)).version);
    const agent = restoreVersion(c.var.app, c.req.param("id"), version);
    return done(c, agentHref(agent.id), `Version ${version} is version ${agent.version} now`);
  });
  pages.post("/agents/:id/reset", (c) => {
    const agent = resetAgent(c.var.app, c.req.param("id"));
    return done(c, agentHref(agent.id), `The ${agent.name} is as it comes with Gaffer`);
  });
  pages.post("/agents/:id/enable", (c) => {
    const agent = setAgentActive(c.var.app, c.req.param("id"), true);
    return done(c, agentHref(agent.id), `The ${agent.name} is enabled; what waited for it goes on`);
  });
  pages.post("/agents/:id/disable", (c) => {
    const agent = setAgentActive(c.var.app, c.req.param("id"), false);
    return done(c, agentHref(agent.id), `The ${agent.name} is disabled; its work will wait`, {
      action: `${agentHref(agent.id)}/enable`,
      label: "Undo",
    });
  });
  pages.post("/agents/:id/copy", async (c) => {
    const { project = "" } = await readForm(c);
    const agent = copyToProject(c.var.app, c.req.param("id"), project);
    return done(c, agentHref(agent.id), `The project has a ${agent.name} of its own now`);
  });
  pages.post("/agents/:id/trial", async (c) => {
    const id = c.req.param("id");
    const { subject = "" } = await readForm(c);
    return await act(() => {
      const run = startTrial(c.var.app, id, trialSubject(subject));
      return done(c, runHref(run.id), `The trial run of the ${run.agent} starts`);
    }, ({ message, status }) => {
      const refused = { trial: { value: subject, message } };
      return show(c, <AgentPage {...agentPage(pageRequest(c, tools), id, { refused })} />, status);
    });
  });

  pages.get("/projects/:id/agent-files", async (c) => {
    const page = await agentFilesPage(pageRequest(c, tools), c.req.param("id"), requestSignal());
    return show(c, <AgentFilesPage {...page} />);
  });
  pages.post("/projects/:id/agent-files/trust", async (c) => {
    const { app } = c.var;
    const id = c.req.param("id");
    const { path = "", hash = "" } = await readForm(c);
    return await act(async () => {
      const file = await fileToTrust(app, id, path, requestSignal());
      const agent = trustFile(app, id, file, hash);
      return done(c, agentFilesHref(id), `The project works with ${path}, as ${agent.name}`);
    }, ({ message }) => refusedAt(c, agentFilesHref(id), message));
  });
  pages.post("/projects/:id/agent-files/distrust", async (c) => {
    const id = c.req.param("id");
    const { path = "" } = await readForm(c);
    return await act(() => {
      distrustFile(c.var.app, id, path);
      return done(c, agentFilesHref(id), `The project works without ${path}`);
    }, ({ message }) => refusedAt(c, agentFilesHref(id), message));
  });
}

/** The definition as it was sent, from the form or as text; a refusal keeps what was typed. */
async function saved(c: RequestContext, pageTools: PageTools): Promise<Response> {
  const { app } = c.var;
  const id = c.req.param("id")!;
  const form = await readForm(c);
  const agent = agentOf(app, id);
  const { view: wanted, version, note = "", text: typed = "", ...fields } = form;
  const view = wanted === "text" ? "text" : "form";
  const checked = [(await c.req.parseBody({ all: true })).tools ?? []].flat().map(String);
  const tools = view === "form" ? toolsFrom(checked, agent.text) : "";
  const values = { ...fields, tools };
  return await act(() => {
    const text = view === "text"
      ? typed.replaceAll("\r\n", "\n")
      : textFromForm(agent.text, `${agent.name}.md`, values);
    const next = saveDefinition(app, id, { text, note: note.trim(), after: Number(version) });
    const href = view === "text" ? `${agentHref(id)}?view=text` : agentHref(id);
    return done(
      c,
      href,
      next.version === agent.version ? "Nothing was changed" : `Saved as version ${next.version}`,
    );
  }, ({ message, errors, status }) => {
    const shown = view === "text" ? errors : errors.map(({ field, message }) => ({
      field,
      message: message.replace(LINE_AND_KEY, ""),
    }));
    const refused = {
      form: { ...view === "text" ? { text: typed } : { values }, note, message, errors: shown },
    };
    const page = agentPage(pageRequest(c, pageTools), id, { view, refused });
    return show(c, <AgentPage {...page} />, status);
  });
}

/** Says nothing to somebody who sees the field, and not the file. */
const LINE_AND_KEY = /^line \d+, "[^"]*": /;

function trialSubject(value: string): { ideaId: string } | { ticketId: string } {
  const [kind, id] = value.split(":");
  if (id && kind === "idea") return { ideaId: id };
  if (id && kind === "ticket") return { ticketId: id };
  throw new AppError("invalid", "Cannot start a trial run: choose an idea or a ticket", [
    { field: "subject", message: "Choose an idea or a ticket" },
  ]);
}
