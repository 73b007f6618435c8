/** What was merged on a forge comes into the person's own base branch, when the person says so. */
import { fetchBranch } from "../../agents/git/fetching.ts";
import { landMerge } from "../../agents/git/landing.ts";
import { isAncestor, tipOf } from "../../agents/git/repository.ts";
import type { App } from "../app.ts";
import { AppError } from "../errors.ts";
import { forgeNames } from "../states.ts";
import { findForge } from "../store/forges.ts";
import { getProject } from "../store/projects.ts";
import { findPullRequest, listLackingMerges } from "../store/pull_requests.ts";
import { getTicket } from "../store/tickets.ts";
import { noticeConfigAfter } from "./config_news.ts";
import { followDriftAfter } from "./document_drift.ts";
import { openForge, type OpenOptions } from "./forges/open.ts";
import { noticeArrivals, recordArrivals } from "./pull_arrivals.ts";

/**
 * Moves the project's base branch along to what the forge's has, as a merge does: by a fast-forward alone, with every
 * edit of the person's kept. Gives the commit that it is at; asking twice is the same as once. Throws `conflict` with
 * what is in the way, `GitError` where the forge can't be reached.
 */
export async function bringMerge(
  app: App,
  ticketId: string,
  signal: AbortSignal,
  options: BringOptions = {},
): Promise<string> {
  const tip = await bring(app, ticketId, signal, options);
  // Also where the forge does not say which commit its merge is: what the target has there is here now.
  recordArrivals(app, [findPullRequest(app.db, ticketId)!]);
  const { projectId } = getTicket(app.db, ticketId);
  const others = listLackingMerges(app.db, { projectId });
  await noticeArrivals(app, getProject(app.db, projectId), others, signal);
  await followDriftAfter(app, ticketId, signal);
  await noticeConfigAfter(app, ticketId, signal);
  return tip;
}

type BringOptions = Pick<OpenOptions, "variable">;

async function bring(
  app: App,
  ticketId: string,
  signal: AbortSignal,
  options: BringOptions,
): Promise<string> {
  const ticket = getTicket(app.db, ticketId);
  const refuse = (why: string): never => {
    throw new AppError("conflict", `Cannot bring ticket #${ticket.number} into its base: ${why}`);
  };
  const pull = findPullRequest(app.db, ticketId);
  if (pull?.status !== "merged") return refuse("it was not merged on a forge");
  const settings = findForge(app.db, ticket.projectId);
  if (!settings) return refuse("its project names no forge any more");
  const { path: repo, baseBranch: base } = getProject(app.db, ticket.projectId);
  const { forge, token } = openForge(settings, { ...options, nowMs: app.clock.nowMs });
  const login = { user: forge.gitUser, token };
  const commit = await fetchBranch({
    repo,
    remote: settings.remoteUrl,
    login,
    branch: base,
    signal,
  });
  // Of two at once the second finds it done.
  const tip = await tipOf(repo, base, signal);
  if (tip === null) return refuse(`there is no branch "${base}"`);
  if (await isAncestor(repo, commit, tip, signal)) return tip;
  if (!await isAncestor(repo, tip, commit, signal)) {
    const there = forgeNames[settings.kind];
    return refuse(
      `"${base}" here has commits that ${there} has not. Push or rebase them, then try again`,
    );
  }
  const landed = await landMerge({ repo, base, commit, expectedTip: tip, signal });
  if (landed.type === "waiting") return refuse(landed.reason);
  if (landed.type !== "landed") return refuse("the base branch moved meanwhile. Try again");
  return commit;
}
