/**
 * Notices when the trusted file of a repository says something else than was trusted, and tells a person until they have
 * looked at it. What was trusted stays in force.
 */
import { tipOf } from "../../agents/git/repository.ts";
import type { App } from "../app.ts";
import { type Db, transact } from "../db.ts";
import { AppError, messageOf } from "../errors.ts";
import { type Project, PROJECT_CONFIG } from "../records.ts";
import { dropConfigNews, findConfigNews, putConfigNews } from "../store/config_news.ts";
import { findTrustedConfig, listTrusting } from "../store/project_config.ts";
import { getProject } from "../store/projects.ts";
import { getTicket } from "../store/tickets.ts";
import { type ConfigFile, configFileAt } from "./project_config.ts";

/** Most projects that Home looks at. */
const LOOKED_AT_MAX = 50;
const LOOK_TIMEOUT_MS = 30_000;

/** What each project's file was last compared at: while neither the branch nor what is trusted moves, git isn't asked. */
const compared = new WeakMap<Db, Map<string, string>>();

/** Throws `GitError`. No-op where nothing is trusted, or the base branch is gone: others tell of that. */
export async function noticeConfig(app: App, project: Project, signal: AbortSignal): Promise<void> {
  const trusted = findTrustedConfig(app.db, project.id);
  if (trusted === null) return;
  const tip = await tipOf(project.path, project.baseBranch, signal);
  if (tip === null) return;
  const at = comparedIn(app.db);
  const state = `${tip} ${trusted.hash}`;
  if (at.get(project.id) === state) return;
  const hash = (await configFileAt(project, tip, signal))?.hash ?? "";
  transact(app, (tx) => {
    // Trusted anew, or put aside, while the file was read.
    if (findTrustedConfig(tx.db, project.id)?.hash !== trusted.hash) return;
    const known = findConfigNews(tx.db, project.id);
    if ((known?.hash ?? trusted.hash) === hash) return;
    if (hash === trusted.hash) dropConfigNews(tx, project.id);
    else putConfigNews(tx, project.id, { hash, kept: false });
    const data = { hash, trusted: hash === trusted.hash };
    tx.emit({ type: "project_config_changed", projectId: project.id, data });
  });
  at.set(project.id, state);
}

function comparedIn(db: Db): Map<string, string> {
  const at = compared.get(db) ?? new Map<string, string>();
  compared.set(db, at);
  return at;
}

/** As `noticeConfig`; what git can't tell is logged: whatever went on before goes on. */
export async function tryToNoticeConfig(
  app: App,
  project: Project,
  signal: AbortSignal,
): Promise<void> {
  try {
    await noticeConfig(app, project, signal);
  } catch (error) {
    if (signal.aborted) return;
    app.log.warn("whether a trusted configuration has changed could not be looked at", {
      ...{ project: project.slug, error: messageOf(error) },
    });
  }
}

/** After a ticket's work has landed, or has been taken back. */
export async function noticeConfigAfter(
  app: App,
  ticketId: string,
  signal: AbortSignal,
): Promise<void> {
  await tryToNoticeConfig(app, getProject(app.db, getTicket(app.db, ticketId).projectId), signal);
}

/** Of the projects that Home shows, one after the other. What it finds comes to the page by its stream. */
export async function noticeConfigs(app: App, projectId: string | null): Promise<void> {
  const projects = listTrusting(app.db, projectId, LOOKED_AT_MAX);
  if (projects.length === 0) return;
  const signal = AbortSignal.timeout(LOOK_TIMEOUT_MS);
  for (const id of projects) await tryToNoticeConfig(app, getProject(app.db, id), signal);
}

/**
 * The person has seen what the file says by now, and does with what was trusted: nothing more is told of it until it
 * changes again. Throws `conflict` when it is not what they have seen (`seen`: its hash; "": it is gone), or nothing is
 * trusted.
 */
export function keepTrusted(
  app: App,
  projectId: string,
  file: ConfigFile | null,
  seen: string,
): void {
  const hash = file?.hash ?? "";
  transact(app, (tx) => {
    const trusted = findTrustedConfig(tx.db, projectId);
    const why = trusted === null
      ? "nobody trusts it"
      : hash !== seen
      ? "it has changed since you looked at it. Look again"
      : hash === trusted.hash
      ? "it says what was trusted"
      : null;
    if (why !== null) {
      throw new AppError("conflict", `Cannot put ${PROJECT_CONFIG} off: ${why}`);
    }
    putConfigNews(tx, projectId, { hash, kept: true });
    tx.emit({ type: "project_config_kept", projectId, data: { hash } });
  });
}
