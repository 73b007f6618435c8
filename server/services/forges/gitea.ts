/** The API of Gitea and of Forgejo, version 1. */
import { z } from "zod";
import { once } from "../../once.ts";
import type { ForgeCheck } from "../../records.ts";
import type { NewRemark } from "../../store/pull_requests.ts";
import { ForgeClient } from "./client.ts";
import {
  cut,
  cutWords,
  type Forge,
  type ForgePull,
  LABEL_CHARS,
  type NewPull,
  ofBranch,
  openFirst,
  REMARK_CHARS,
  timeOf,
  VERDICTS,
  webUrl,
} from "./forge.ts";
import type { Access } from "./open.ts";

/** It caps pages at 50 however many are asked for. */
const PAGES = { size: "limit" } as const;
/** Reviews of one pull request whose comments are read, the newest. */
const REVIEWS_READ = 50;

const pull = once(() =>
  z.object({
    number: z.number().int().positive(),
    html_url: z.string(),
    state: z.string(),
    merged: z.boolean().nullish(),
    merge_commit_sha: z.string().nullish(),
    body: z.string().nullish(),
    head: z.object({
      ref: z.string(),
      sha: z.string(),
      repo: z.object({ full_name: z.string() }).nullish(),
    }),
  })
);
type Pull = z.output<ReturnType<typeof pull>>;
const who = once(() => z.object({ login: z.string() }).nullish());
const combined = once(() =>
  z.object({
    statuses: z.array(z.object({
      context: z.string(),
      status: z.string(),
      description: z.string().nullish(),
      target_url: z.string().nullish(),
    })).nullish(),
  })
);
const reviews = once(() =>
  z.array(z.object({
    id: z.number(),
    state: z.string(),
    body: z.string().nullish(),
    user: who(),
    html_url: z.string().nullish(),
    submitted_at: z.string().nullish(),
    dismissed: z.boolean().nullish(),
    comments_count: z.number().nullish(),
  }))
);
const lineComments = once(() =>
  z.array(z.object({
    id: z.number(),
    path: z.string(),
    position: z.number().int().nullish(),
    original_position: z.number().int().nullish(),
    body: z.string(),
    user: who(),
    html_url: z.string().nullish(),
    created_at: z.string(),
  })).nullable()
);
const notes = once(() =>
  z.array(z.object({
    id: z.number(),
    body: z.string().nullish(),
    user: who(),
    html_url: z.string().nullish(),
    created_at: z.string(),
  }))
);

/** `token`: an access token that may write to the repository and its issues. */
export function gitea(access: Access): Forge {
  const client = new ForgeClient({
    ...access,
    name: "Gitea",
    headers: { authorization: `token ${access.token}` },
  });
  const [owner = "", name = ""] = access.repository.split("/");
  const repo = ["repos", owner, name] as const;
  const list = <S extends z.ZodType, Item>(
    ask: Parameters<typeof client.list<S, Item>>[0],
    items: (page: z.output<S>) => readonly Item[],
    pages?: number,
  ) => client.list(ask, items, pages === undefined ? PAGES : { ...PAGES, pages });
  return {
    name: "Gitea",
    gitUser: "oauth2",
    restMs: () => client.restMs,

    async defaultBranch(signal) {
      const schema = z.object({ default_branch: z.string() });
      const doing = "look at the repository";
      return (await client.get({ doing, path: repo, schema, signal })).default_branch;
    },

    async find(branch, signal) {
      const ask = {
        doing: "look for the pull request",
        path: [...repo, "pulls"],
        schema: z.array(pull()),
        signal,
      };
      // It has no filter by branch. One that ended since was changed a moment ago.
      const newest = (state: string) => ({ ...ask, query: { state, sort: "recentupdate" } });
      const open = await list(newest("open"), (page) => page);
      const closed = await list(newest("closed"), (page) => page, 1);
      const all = [...open.items, ...closed.items];
      return openFirst(ofBranch(all, branch, access.repository).map(pullOf));
    },

    async open({ branch, target, title, body }: NewPull, signal) {
      const made = await client.postUnless({
        doing: "open the pull request",
        path: [...repo, "pulls"],
        body: { head: branch, base: target, title, body },
        schema: pull(),
        signal,
      }, ({ status }) => status === 409);
      return made && pullOf(made);
    },

    async look(number, signal) {
      const path = [...repo, "pulls", number];
      return pullOf(
        await client.get({ doing: "look at the pull request", path, schema: pull(), signal }),
      );
    },

    async close(number, signal) {
      const path = [...repo, "pulls", number];
      const body = { state: "closed" };
      const doing = "close the pull request";
      return pullOf(await client.patch({ doing, path, body, schema: pull(), signal }));
    },

    async reword(number, text, signal) {
      const path = [...repo, "pulls", number];
      const body = { body: text };
      const doing = "change the text of the pull request";
      return pullOf(await client.patch({ doing, path, body, schema: pull(), signal }));
    },

    async checks(commit, signal) {
      const all = await list({
        doing: "read the checks",
        path: [...repo, "commits", commit, "status"],
        schema: combined(),
        signal,
      }, (page) => page.statuses ?? []);
      const items = all.items.map((status): ForgeCheck => ({
        key: `status:${cut(status.context, LABEL_CHARS)}`,
        name: cut(status.context, LABEL_CHARS),
        status: statuses[status.status] ?? "failed",
        summary: cut(status.description, LABEL_CHARS),
        url: webUrl(status.target_url),
        commit,
      }));
      return { items, cut: all.cut };
    },

    async remarks(number, signal) {
      const doing = "read what was said";
      const of = [...repo, "pulls", number, "reviews"];
      const said = await list({ doing, path: of, schema: reviews(), signal }, (page) => page);
      const general = await list(
        { doing, path: [...repo, "issues", number, "comments"], schema: notes(), signal },
        (page) => page,
      );
      const found: NewRemark[] = [];
      const commented = said.items.filter((review) => (review.comments_count ?? 1) > 0)
        .slice(-REVIEWS_READ);
      for (const { id, state } of commented) {
        if (state === "PENDING" || state === "REQUEST_REVIEW") continue;
        const path = [...of, id, "comments"];
        const lines = await client.get({ doing, path, schema: lineComments(), signal });
        for (const comment of lines ?? []) {
          const old = !comment.position && Boolean(comment.original_position);
          found.push({
            forgeId: `comment:${comment.id}`,
            author: cut(comment.user?.login ?? "somebody", LABEL_CHARS),
            path: comment.path,
            line: comment.position || comment.original_position || null,
            side: old ? "old" : "new",
            body: cut(comment.body, REMARK_CHARS),
            verdict: null,
            url: webUrl(comment.html_url),
            at: timeOf(comment.created_at),
          });
        }
      }
      for (const review of said.items) {
        const given = verdicts[review.state] ?? null;
        const verdict = review.dismissed ? null : given;
        const body = cut(review.body, REMARK_CHARS);
        const hasWords = (given !== null || review.state === "COMMENT") && body.trim() !== "";
        const counts = verdict !== null || hasWords;
        if (!counts) continue;
        found.push({
          forgeId: `review:${review.id}`,
          author: cut(review.user?.login ?? "somebody", LABEL_CHARS),
          ...NOWHERE,
          body,
          verdict,
          url: webUrl(review.html_url),
          at: timeOf(review.submitted_at),
        });
      }
      for (const note of general.items) {
        found.push({
          forgeId: `note:${note.id}`,
          author: cut(note.user?.login ?? "somebody", LABEL_CHARS),
          ...NOWHERE,
          body: cut(note.body, REMARK_CHARS),
          verdict: null,
          url: webUrl(note.html_url),
          at: timeOf(note.created_at),
        });
      }
      const unread = cutWords("Gitea", [
        { of: "reviews", list: said },
        { of: "comments", list: general },
      ]);
      return { remarks: found, whole: said.cut ? [] : VERDICTS, unread };
    },
  };
}

const NOWHERE = { path: null, line: null, side: "new" } as const;
const verdicts: Record<string, NewRemark["verdict"]> = {
  APPROVED: "approved",
  REQUEST_CHANGES: "changes_requested",
};
const statuses: Record<string, ForgeCheck["status"]> = {
  pending: "running",
  success: "passed",
  warning: "passed",
  skipped: "skipped",
};

function pullOf(
  { number, html_url, state, merged, merge_commit_sha, head, body }: Pull,
): ForgePull {
  return {
    number,
    url: webUrl(html_url),
    state: merged ? "merged" : state === "open" ? "open" : "closed",
    branch: head.ref,
    headCommit: head.sha,
    mergeCommit: merged ? merge_commit_sha ?? null : null,
    body: body ?? "",
  };
}
