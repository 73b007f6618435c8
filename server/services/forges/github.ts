/** GitHub's REST API, of github.com and of GitHub Enterprise Server. */
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

const pull = once(() =>
  z.object({
    number: z.number().int().positive(),
    html_url: z.string(),
    state: z.enum(["open", "closed"]),
    merged_at: z.string().nullish(),
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
const checkRuns = once(() =>
  z.object({
    check_runs: z.array(z.object({
      id: z.number(),
      name: z.string(),
      status: z.string(),
      conclusion: z.string().nullish(),
      html_url: z.string().nullish(),
      output: z.object({ title: z.string().nullish() }).nullish(),
    })),
  })
);
const statuses = once(() =>
  z.object({
    statuses: z.array(z.object({
      context: z.string(),
      state: z.string(),
      description: z.string().nullish(),
      target_url: z.string().nullish(),
    })),
  })
);
const lineComments = once(() =>
  z.array(z.object({
    id: z.number(),
    path: z.string(),
    line: z.number().int().nullish(),
    side: z.string().nullish(),
    body: z.string(),
    user: who(),
    html_url: z.string(),
    created_at: z.string(),
  }))
);
const reviews = once(() =>
  z.array(z.object({
    id: z.number(),
    state: z.string(),
    body: z.string().nullish(),
    user: who(),
    html_url: z.string().nullish(),
    submitted_at: z.string().nullish(),
  }))
);
const notes = once(() =>
  z.array(z.object({
    id: z.number(),
    body: z.string().nullish(),
    user: who(),
    html_url: z.string(),
    created_at: z.string(),
  }))
);

/** `token`: a personal one, of whichever kind, or an app's. */
export function github(access: Access): Forge {
  const client = new ForgeClient({
    ...access,
    name: "GitHub",
    headers: {
      authorization: `Bearer ${access.token}`,
      accept: "application/vnd.github+json",
      "x-github-api-version": "2022-11-28",
    },
  });
  const [owner = "", name = ""] = access.repository.split("/");
  const repo = ["repos", owner, name] as const;
  return {
    name: "GitHub",
    gitUser: "x-access-token",
    restMs: () => client.restMs,

    async defaultBranch(signal) {
      const schema = z.object({ default_branch: z.string() });
      const doing = "look at the repository";
      return (await client.get({ doing, path: repo, schema, signal })).default_branch;
    },

    async find(branch, signal) {
      const all = await client.list({
        doing: "look for the pull request",
        path: [...repo, "pulls"],
        query: { head: `${owner}:${branch}`, state: "all", sort: "updated", direction: "desc" },
        schema: z.array(pull()),
        signal,
      }, (page) => page);
      return openFirst(ofBranch(all.items, branch, access.repository).map(pullOf));
    },

    async open({ branch, target, title, body }: NewPull, signal) {
      const made = await client.postUnless({
        doing: "open the pull request",
        path: [...repo, "pulls"],
        body: { head: branch, base: target, title, body },
        schema: pull(),
        signal,
      }, ({ status, message }) => status === 422 && /pull request already exists/i.test(message));
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
      const at = [...repo, "commits", commit];
      const doing = "read the checks";
      const runs = await client.list(
        { doing, path: [...at, "check-runs"], schema: checkRuns(), signal },
        (page) => page.check_runs,
      );
      const older = await client.list(
        { doing, path: [...at, "status"], schema: statuses(), signal },
        (page) => page.statuses,
      );
      const items = [
        ...runs.items.map((run): ForgeCheck => ({
          key: `run:${run.id}`,
          name: cut(run.name, LABEL_CHARS),
          status: run.status === "completed" ? concluded(run.conclusion) : "running",
          summary: cut(run.output?.title, LABEL_CHARS),
          url: webUrl(run.html_url),
          commit,
        })),
        ...older.items.map((status): ForgeCheck => ({
          key: `status:${cut(status.context, LABEL_CHARS)}`,
          name: cut(status.context, LABEL_CHARS),
          status: status.state === "pending"
            ? "running"
            : status.state === "success"
            ? "passed"
            : "failed",
          summary: cut(status.description, LABEL_CHARS),
          url: webUrl(status.target_url),
          commit,
        })),
      ];
      return { items, cut: runs.cut || older.cut };
    },

    async remarks(number, signal) {
      const doing = "read what was said";
      const of = [...repo, "pulls", number];
      const lines = await client.list(
        { doing, path: [...of, "comments"], schema: lineComments(), signal },
        (page) => page,
      );
      const said = await client.list(
        { doing, path: [...of, "reviews"], schema: reviews(), signal },
        (page) => page,
      );
      const general = await client.list(
        { doing, path: [...repo, "issues", number, "comments"], schema: notes(), signal },
        (page) => page,
      );
      const remarks = [
        ...lines.items.map((comment): NewRemark => ({
          forgeId: `comment:${comment.id}`,
          author: cut(comment.user?.login ?? "somebody", LABEL_CHARS),
          path: comment.path,
          // Null when the line is in no newer version of the file.
          line: comment.line ?? null,
          side: comment.side === "LEFT" ? "old" : "new",
          body: cut(comment.body, REMARK_CHARS),
          verdict: null,
          url: webUrl(comment.html_url),
          at: timeOf(comment.created_at),
        })),
        ...said.items.flatMap((review): NewRemark[] => {
          const verdict = verdicts[review.state] ?? null;
          const body = cut(review.body, REMARK_CHARS);
          if (review.state === "PENDING" || verdict === null && body.trim() === "") return [];
          return [{
            forgeId: `review:${review.id}`,
            author: cut(review.user?.login ?? "somebody", LABEL_CHARS),
            ...NOWHERE,
            body,
            verdict,
            url: webUrl(review.html_url),
            at: timeOf(review.submitted_at),
          }];
        }),
        ...general.items.map((note): NewRemark => ({
          forgeId: `note:${note.id}`,
          author: cut(note.user?.login ?? "somebody", LABEL_CHARS),
          ...NOWHERE,
          body: cut(note.body, REMARK_CHARS),
          verdict: null,
          url: webUrl(note.html_url),
          at: timeOf(note.created_at),
        })),
      ];
      const unread = cutWords("GitHub", [
        { of: "comments on lines", list: lines },
        { of: "reviews", list: said },
        { of: "comments", list: general },
      ]);
      return { remarks, whole: said.cut ? [] : VERDICTS, unread };
    },
  };
}

const NOWHERE = { path: null, line: null, side: "new" } as const;
const verdicts: Record<string, NewRemark["verdict"]> = {
  APPROVED: "approved",
  CHANGES_REQUESTED: "changes_requested",
};

function concluded(conclusion: string | null | undefined): ForgeCheck["status"] {
  if (conclusion === "success") return "passed";
  return ["neutral", "skipped", "stale"].includes(conclusion ?? "") ? "skipped" : "failed";
}

function pullOf(
  { number, html_url, state, merged_at, merge_commit_sha, head, body }: Pull,
): ForgePull {
  return {
    number,
    url: webUrl(html_url),
    state: merged_at ? "merged" : state,
    branch: head.ref,
    headCommit: head.sha,
    // Of one that is open it is a merge that was only tried.
    mergeCommit: merged_at ? merge_commit_sha ?? null : null,
    body: body ?? "",
  };
}
