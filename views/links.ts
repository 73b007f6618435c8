/** Every address that pages link to, in one place. */

const id = encodeURIComponent;

export const ideaHref = (ideaId: string): string => `/ideas/${id(ideaId)}`;
export const ticketHref = (ticketId: string): string => `/tickets/${id(ticketId)}`;
export const reviewHref = (ticketId: string): string => `${ticketHref(ticketId)}/review`;
/** What its merge would do now. */
export const mergeLookHref = (ticketId: string): string => `${ticketHref(ticketId)}/merge-look`;
export const checkHref = (ticketId: string, checkId: string): string =>
  `${ticketHref(ticketId)}/checks/${id(checkId)}`;
export const runHref = (runId: string): string => `/runs/${id(runId)}`;
export const forkHref = (runId: string, turn?: number): string =>
  `${runHref(runId)}/fork${turn === undefined ? "" : `?turn=${turn}`}`;
/** A link in a notification; the token is what decides. */
export const approveHref = (token: string): string => `/approve/${id(token)}`;
export const agentHref = (agentId: string): string => `/agents/${id(agentId)}`;
export const agentVersionsHref = (
  agentId: string,
  { from, to }: { from?: number; to: number },
): string => `${agentHref(agentId)}/versions?${from === undefined ? "" : `from=${from}&`}to=${to}`;
/** What a project's repository brings along. */
export const agentFilesHref = (projectId: string): string =>
  `${projectHref(projectId)}/agent-files`;
export const memoryHref = (memoryId: string): string => `/memory/${id(memoryId)}`;
/** Without a path: for a new note. */
export const noteHref = (memoryId: string, path = ""): string =>
  withQuery(`${memoryHref(memoryId)}/edit`, { path });
export const planningHref = (
  projectId: string,
  query: { folder?: string; q?: string; after?: string } = {},
): string => withQuery("/planning", { project: projectId, ...query });
export const newDocumentHref = (projectId: string, query: { folder?: string } = {}): string =>
  withQuery("/planning/new", { project: projectId, ...query });
/** What was typed and not saved. */
export const draftsHref = (projectId: string): string =>
  withQuery("/planning/drafts", { project: projectId });
/** What a project's documents can be exported as. */
export const planningExportHref = (projectId: string): string =>
  withQuery("/planning/export", { project: projectId });
/** CLAUDE.md or AGENTS.md, as it is assembled from documents. */
export const guideHref = (projectId: string, file: string): string =>
  withQuery("/planning/guide", { project: projectId, file });
/** A folder of the tree beside a document. */
export const documentTreeHref = (projectId: string, folder: string): string =>
  withQuery("/planning/tree", { project: projectId, folder });
/** A drawing, by its id. */
export const diagramHref = (diagramId: string): string => `/planning/diagrams/${id(diagramId)}`;
/** An image of a project's documents; its path from `planning/`. */
export const imageHref = (projectId: string, path: string): string =>
  `/planning/${id(projectId)}/${path.split("/").map(id).join("/")}`;
export const documentHref = (documentId: string): string => `/documents/${id(documentId)}`;
/** The form with one of this person's drafts in it, by the form that it was typed in: "" has no name. */
export const draftHref = (documentId: string, form: string): string =>
  `${documentHref(documentId)}/edit?draft=${encodeURIComponent(form)}`;
export const projectHref = (projectId: string): string => `/projects/${id(projectId)}`;
/** Without a query: the form alone. */
export const traceHref = (
  projectId: string,
  query: { commit?: string | null; path?: string; line?: string } = {},
): string => withQuery(`${projectHref(projectId)}/trace`, query);
export const mergingHref = (projectId: string): string => `${projectHref(projectId)}/merging`;
export const forgeHref = (projectId: string): string => `${projectHref(projectId)}/forge`;
/** Asked for there; with a verb, what else can be done about it. */
export const pullHref = (ticketId: string, verb = ""): string =>
  `${ticketHref(ticketId)}/pull-request${verb && `/${verb}`}`;
export const mcpServersHref = (projectId: string): string =>
  `${projectHref(projectId)}/mcp-servers`;

export const templatesHref = "/templates";
/** A project whose documents a new one is to begin with, on the way over its template; null or absent: none. */
export type DocumentsOf = { documents_of?: string | null };
export const newProjectHref = (query: DocumentsOf): string => withQuery(templatesHref, query);
export const templateHref = (templateId: string, query: DocumentsOf = {}): string =>
  withQuery(`/templates/${id(templateId)}`, query);
export const newFromTemplateHref = (templateId: string, query: DocumentsOf = {}): string =>
  withQuery(`${templateHref(templateId)}/new`, query);
export const projectTemplateHref = (projectId: string): string =>
  `${projectHref(projectId)}/template`;

/** What the repository says of the project's settings. */
export const projectConfigHref = (projectId: string): string => `${projectHref(projectId)}/config`;
export const checkRulesHref = (projectId: string): string => `${projectHref(projectId)}/checks`;

/** Without a query: the newest that was asked about it. */
export const documentAsksHref = (documentId: string, query: { cursor?: string } = {}): string =>
  withQuery(`${documentHref(documentId)}/asks`, query);
export const suggestionHref = (suggestionId: string): string => `/suggestions/${id(suggestionId)}`;
/** What was asked about documents that are gone. */
export const lostAsksHref = (projectId: string): string =>
  withQuery("/planning/lost-asks", { project: projectId });
/** What was asked of an agent about a document. */
export const askHref = (askId: string): string => `/asks/${id(askId)}`;

/** An idea, a ticket or what was asked about a document, as others refer to it. */
export interface Subject {
  kind: "idea" | "ticket" | "document";
  id: string;
  /** 0 for a document: those have none. */
  number: number;
  title: string;
  projectName: string;
}

/** "Ticket #7": ideas and tickets count apart. */
export const subjectName = ({ kind, number }: Pick<Subject, "kind" | "number">): string =>
  kind === "document" ? "Document" : `${kind === "idea" ? "Idea" : "Ticket"} #${number}`;

/** "ticket #7", within a sentence. */
export const subjectWithin = ({ kind, number }: Pick<Subject, "kind" | "number">): string =>
  kind === "document" ? "a document" : `${kind} #${number}`;

const hrefs: Record<Subject["kind"], (id: string) => string> = {
  idea: ideaHref,
  ticket: ticketHref,
  document: askHref,
};
export const subjectHref = ({ kind, id }: Subject): string => hrefs[kind](id);

/**
 * `path`, which may have a query already, with those of `query` that are set; the order is kept, so one view has
 * one address.
 */
export function withQuery(path: string, query: Record<string, string | null | undefined>): string {
  const set = Object.entries(query).filter(([, value]) => value);
  if (set.length === 0) return path;
  const mark = path.includes("?") ? "&" : "?";
  return `${path}${mark}${new URLSearchParams(set as [string, string][])}`;
}

const SAFE_LINK = /^(?:https?:|mailto:)/i;
const HAS_SCHEME = /^[a-z][a-z0-9+.-]*:/i;
/** Browsers drop these inside a scheme, so `java\nscript:` would run. */
// deno-lint-ignore no-control-regex
const IGNORED_BY_BROWSERS = /[\u0000-\u0020\u007f-\u009f]/g;

/** True for web, mail and relative addresses; false for everything that could run code or carry data. */
export function isSafeHref(href: string): boolean {
  const plain = href.replace(IGNORED_BY_BROWSERS, "");
  return SAFE_LINK.test(plain) || !HAS_SCHEME.test(plain);
}

/** Text as a part of an element id that needs no escaping in selectors: "a/b.ts" → "a-2f-b-2e-ts". */
export const idPart = (text: string): string =>
  text.replace(/[^A-Za-z0-9_]/g, (char) => `-${char.charCodeAt(0).toString(16)}-`);
