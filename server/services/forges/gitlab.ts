/** GitLab's REST API, version 4: a pull request is called a merge request there. */
import { z } from "zod";
import { once } from "../../once.ts";
import type { ForgeCheck } from "../../records.ts";
import type { NewRemark } from "../../store/pull_requests.ts";
import { ForgeClient, ForgeError } from "./client.ts";
import {
  cut,
  cutWords,
  type Forge,
  type ForgePull,
  LABEL_CHARS,
  type NewPull,
  openFirst,
  REMARK_CHARS,
  timeOf,
  type Verdict,
  webUrl,
} from "./forge.ts";
import type { Access } from "./open.ts";

const request = once(() =>
  z.object({
    iid: z.number().int().positive(),
    web_url: z.string(),
    state: z.enum(["opened", "closed", "merged", "locked"]),
    source_branch: z.string(),
    source_project_id: z.number().nullish(),
    target_project_id: z.number().nullish(),
    sha: z.string().nullish(),
    merge_commit_sha: z.string().nullish(),
    squash_commit_sha: z.string().nullish(),
    description: z.string().nullish(),
  })
);
type Request = z.output<ReturnType<typeof request>>;
const statuses = once(() =>
  z.array(z.object({
    id: z.number(),
    name: z.string(),
    status: z.string(),
    description: z.string().nullish(),
    target_url: z.string().nullish(),
    allow_failure: z.boolean().nullish(),
  }))
);
const discussions = once(() =>
  z.array(z.object({
    notes: z.array(z.object({
      id: z.number(),
      body: z.string(),
      system: z.boolean().nullish(),
      author: z.object({ username: z.string() }).nullish(),
      created_at: z.string(),
      position: z.object({
        new_path: z.string().nullish(),
        old_path: z.string().nullish(),
        new_line: z.number().int().nullish(),
        old_line: z.number().int().nullish(),
      }).nullish(),
    })),
  }))
);

type Note = z.output<ReturnType<typeof discussions>>[number]["notes"][number];
const who = once(() => z.object({ username: z.string() }));
const approvals = once(() =>
  z.object({
    approved_by: z.array(z.object({ user: who(), approved_at: z.string().nullish() })).nullish(),
  })
);
const reviewers = once(() =>
  z.array(z.object({ user: who(), state: z.string(), created_at: z.string().nullish() }))
);

/** `token`: personal, of a project or of a group, with the scope "api". */
export function gitlab(access: Access): Forge {
  const client = new ForgeClient({
    ...access,
    name: "GitLab",
    headers: { "private-token": access.token },
  });
  const project = ["projects", access.repository] as const;
  return {
    name: "GitLab",
    gitUser: "oauth2",
    restMs: () => client.restMs,

    async defaultBranch(signal) {
      const schema = z.object({ default_branch: z.string() });
      const doing = "look at the repository";
      return (await client.get({ doing, path: project, schema, signal })).default_branch;
    },

    async find(branch, signal) {
      const all = await client.list({
        doing: "look for the merge request",
        path: [...project, "merge_requests"],
        query: { source_branch: branch, state: "all", order_by: "updated_at", sort: "desc" },
        schema: z.array(request()),
        signal,
      }, (page) => page);
      const own = all.items.filter((one) =>
        one.source_branch === branch && one.source_project_id === one.target_project_id
      );
      return openFirst(own.map(pullOf));
    },

    async open({ branch, target, title, body }: NewPull, signal) {
      const made = await client.postUnless({
        doing: "open the merge request",
        path: [...project, "merge_requests"],
        body: { source_branch: branch, target_branch: target, title, description: body },
        schema: request(),
        signal,
      }, ({ status }) => status === 409);
      return made && pullOf(made);
    },

    async look(number, signal) {
      const path = [...project, "merge_requests", number];
      return pullOf(
        await client.get({ doing: "look at the merge request", path, schema: request(), signal }),
      );
    },

    async close(number, signal) {
      const path = [...project, "merge_requests", number];
      const body = { state_event: "close" };
      const doing = "close the merge request";
      return pullOf(await client.put({ doing, path, body, schema: request(), signal }));
    },

    async reword(number, text, signal) {
      const path = [...project, "merge_requests", number];
      const body = { description: text };
      const doing = "change the text of the merge request";
      return pullOf(await client.put({ doing, path, body, schema: request(), signal }));
    },

    async checks(commit, signal) {
      const all = await client.list({
        doing: "read the checks",
        path: [...project, "repository", "commits", commit, "statuses"],
        schema: statuses(),
        signal,
      }, (page) => page);
      const items = all.items.map((status): ForgeCheck => ({
        key: `status:${status.id}`,
        name: cut(status.name, LABEL_CHARS),
        status: statusOf(status.status, status.allow_failure === true),
        summary: cut(status.description, LABEL_CHARS),
        url: webUrl(status.target_url),
        commit,
      }));
      return { items, cut: all.cut };
    },

    async remarks(number, signal) {
      const all = await client.list({
        doing: "read what was said",
        path: [...project, "merge_requests", number, "discussions"],
        schema: discussions(),
        signal,
      }, (page) => page);
      const notes = all.items.flatMap(({ notes }) => notes);
      const of = [...project, "merge_requests", number];
      const approved = await ifShown(
        { doing: "read who approved it", path: [...of, "approvals"], schema: approvals(), signal },
        (ask) => client.get(ask),
      );
      const asked = await ifShown({
        doing: "read what its reviewers want",
        path: [...of, "reviewers"],
        schema: reviewers(),
        signal,
      }, (ask) => client.list(ask, (page) => page));
      const verdicts = [
        ...(approved.found?.approved_by ?? []).map(({ user, approved_at }): Standing => ({
          who: user.username,
          verdict: "approved",
          since: approved_at ?? null,
        })),
        ...(asked.found?.items ?? []).filter(({ state }) => state === "requested_changes")
          .map(({ user, created_at }): Standing => ({
            who: user.username,
            verdict: "changes_requested",
            since: created_at ?? null,
          })),
      ];
      const remarks = [
        ...notes.filter(({ system }) => !system).map((note): NewRemark => {
          const { new_path, old_path, new_line, old_line } = note.position ?? {};
          const old = !new_line && Boolean(old_line);
          return {
            forgeId: `note:${note.id}`,
            author: cut(note.author?.username ?? "somebody", LABEL_CHARS),
            path: (old ? old_path : new_path) ?? null,
            line: new_line ?? old_line ?? null,
            side: old ? "old" : "new",
            body: cut(note.body, REMARK_CHARS),
            verdict: null,
            url: "",
            at: timeOf(note.created_at),
          };
        }),
        ...verdicts.map((standing) => verdictOf(standing, notes)),
      ];
      const whole: Verdict[] = [
        ...approved.found === null ? [] : ["approved" as const],
        ...asked.found === null || asked.found.cut ? [] : ["changes_requested" as const],
      ];
      const cutLists = [
        { of: "discussions", list: all },
        ...asked.found === null ? [] : [{ of: "reviewers", list: asked.found }],
      ];
      const hidden = [approved.whyNot, asked.whyNot].filter(Boolean);
      return { remarks, whole, unread: [...hidden, ...cutWords("GitLab", cutLists)] };
    },
  };
}

/** How somebody's verdict stands now. */
interface Standing {
  who: string;
  verdict: Verdict;
  /** As far as it is told; of a reviewer it may be when they became one. */
  since: string | null;
}

/**
 * Null where this GitLab does not show it, with the reason: it is too old, its edition lacks it, or the token may not
 * see it. That says nothing of whether there is anything.
 */
async function ifShown<A extends { doing: string }, T>(
  ask: A,
  read: (ask: A) => Promise<T>,
): Promise<{ found: T | null; whyNot: string }> {
  try {
    return { found: await read(ask), whyNot: "" };
  } catch (error) {
    if (!(error instanceof ForgeError) || !error.hides) throw error;
    const whyNot = error.status === 404
      ? `Cannot ${ask.doing} at GitLab: its version or edition lacks that, or the token may not see it`
      : error.message;
    return { found: null, whyNot };
  }
}

const VERDICT_NOTES = {
  approved: /^approved this merge request/i,
  changes_requested: /^requested changes/i,
};

/**
 * GitLab tells how verdicts stand, and in notes of its own when each was given: by these the same person's second one
 * is told from the first. Where it wrote none, the verdict counts once.
 */
function verdictOf({ who, verdict, since }: Standing, notes: readonly Note[]): NewRemark {
  const given = notes.filter(({ system, author, body }) =>
    system && author?.username === who && VERDICT_NOTES[verdict].test(body)
  ).toSorted((a, b) => a.id - b.id).at(-1);
  return {
    forgeId: `${verdict}:${cut(who, LABEL_CHARS)}:${given?.id ?? ""}`,
    author: cut(who, LABEL_CHARS),
    ...{ path: null, line: null, side: "new" },
    body: "",
    verdict,
    url: "",
    at: timeOf(given?.created_at ?? since),
  };
}

function statusOf(status: string, mayFail: boolean): ForgeCheck["status"] {
  if (status === "success") return "passed";
  if (["skipped", "manual"].includes(status)) return "skipped";
  if (["failed", "canceled"].includes(status)) return mayFail ? "skipped" : "failed";
  return "running";
}

function pullOf(one: Request): ForgePull {
  const merged = one.state === "merged";
  return {
    number: one.iid,
    url: webUrl(one.web_url),
    // Locked: it is being merged.
    state: merged ? "merged" : one.state === "closed" ? "closed" : "open",
    branch: one.source_branch,
    headCommit: one.sha ?? "",
    // A fast-forward makes no commit of its own.
    mergeCommit: merged ? one.merge_commit_sha ?? one.squash_commit_sha ?? one.sha ?? null : null,
    body: one.description ?? "",
  };
}
