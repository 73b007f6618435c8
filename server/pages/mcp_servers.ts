import { markedTags, tagsOfServer } from "../../agents/mcp/tags.ts";
import type { McpServerForm, McpServersPageProps, McpTrial } from "../../views/mcp_servers.tsx";
import { SECOND_MS } from "../clock.ts";
import type { FieldError } from "../errors.ts";
import type { McpServer } from "../records.ts";
import { listMcpServers } from "../store/mcp_servers.ts";
import { getProject } from "../store/projects.ts";
import { type PageRequest, shellOf } from "./shell.ts";

/** What a page shows beside what is saved. */
export interface McpPageState {
  trial?: McpTrial;
  /** A form that was refused: that of a server, or without an id the one for a new server. */
  refused?: { serverId: string | null; form: McpServerForm };
}

export function mcpServersPage(
  request: PageRequest,
  projectId: string,
  { trial, refused }: McpPageState = {},
): McpServersPageProps {
  const { db } = request.app;
  return {
    shell: shellOf(request),
    project: getProject(db, projectId),
    servers: listMcpServers(db, projectId).map((server) => ({
      server,
      tags: tagsOfServer(server),
      form: refused?.serverId === server.id ? refused.form : savedForm(server),
    })),
    newForm: refused?.serverId === null ? refused.form : emptyForm,
    trial: trial ?? null,
  };
}

const emptyForm: McpServerForm = {
  values: {
    name: "",
    transport: "stdio",
    command: "",
    args: "",
    env: "",
    url: "",
    headers: "",
    timeout_seconds: "60",
    tags_as: "careful",
  },
  tags: markedTags(() => true),
  active: true,
  message: null,
  errors: [],
};

const lines = (pairs: Record<string, string>, between: string): string =>
  Object.entries(pairs).map(([name, value]) => `${name}${between}${value}`).join("\n");

const savedForm = (server: McpServer): McpServerForm => ({
  values: {
    name: server.name,
    transport: server.transport,
    command: server.command,
    args: server.args.join("\n"),
    env: lines(server.env, "="),
    url: server.url,
    headers: lines(server.headers, ": "),
    timeout_seconds: String(server.timeoutMs / SECOND_MS),
    tags_as: server.tags ? "said" : "careful",
  },
  tags: tagsOfServer(server),
  active: server.active,
  message: null,
  errors: [],
});

const marked = (posted: Record<string, string>) =>
  markedTags((tag) => posted[`tag_${tag}`] !== undefined);

/** The form as it was posted, with what was wrong with it. */
export function refusedMcpForm(
  posted: Record<string, string>,
  { message, errors }: { message: string; errors: FieldError[] },
): McpServerForm {
  const names = Object.keys(emptyForm.values) as (keyof McpServerForm["values"])[];
  return {
    values: Object.fromEntries(
      names.map((name) => [name, posted[name] ?? ""]),
    ) as McpServerForm["values"],
    tags: marked(posted),
    active: posted.active !== undefined,
    message,
    errors: errors.map((error) =>
      error.field === "timeout_ms" ? { ...error, field: "timeout_seconds" } : error
    ),
  };
}

/** What a form says, as the API would be told. */
export function readMcpForm(posted: Record<string, string>): Record<string, unknown> {
  const text = (name: string) => (posted[name] ?? "").replaceAll("\r\n", "\n").trim();
  const pairs = (name: string, between: string) =>
    Object.fromEntries(
      text(name).split("\n").filter(Boolean).map((line) => {
        const at = line.indexOf(between);
        return at < 0
          ? [line.trim(), ""]
          : [line.slice(0, at).trim(), line.slice(at + between.length).trim()];
      }),
    );
  return {
    name: text("name"),
    transport: text("transport"),
    command: text("command"),
    args: text("args").split("\n").filter(Boolean),
    env: pairs("env", "="),
    url: text("url"),
    headers: pairs("headers", ":"),
    timeout_ms: Math.round(Number(text("timeout_seconds")) * SECOND_MS),
    active: posted.active !== undefined,
    tags: text("tags_as") === "said" ? marked(posted) : null,
  };
}
