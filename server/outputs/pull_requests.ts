/** Forges and pull requests, as the API gives them. */
import { z } from "zod";
import { once } from "../once.ts";
import type { ForgeCheck, ForgeRemark, ForgeSettings, PullRequest } from "../records.ts";
import { forgeCheckStatuses, forgeKinds, pullStatuses } from "../states.ts";
import { id, time } from "./common.ts";

export const forgeSchema = once(() =>
  z.object({
    kind: z.enum(forgeKinds),
    api_url: z.string(),
    repository: z.string(),
    remote_url: z.string(),
    token: z.string().describe("The variable of Gaffer's environment that has it"),
    takes_merge: z.boolean(),
  }).meta({ id: "Forge" })
);

export const forgeJson = (forge: ForgeSettings): z.infer<ReturnType<typeof forgeSchema>> => ({
  kind: forge.kind,
  api_url: forge.apiUrl,
  repository: forge.repository,
  remote_url: forge.remoteUrl,
  token: forge.token,
  takes_merge: forge.takesMerge,
});

const checkSchema = once(() =>
  z.object({
    key: z.string(),
    name: z.string(),
    status: z.enum(forgeCheckStatuses),
    summary: z.string(),
    url: z.string(),
    commit: z.string(),
  }).meta({ id: "ForgeCheck" })
);

const remarkSchema = once(() =>
  z.object({
    id: id(),
    author: z.string(),
    path: z.string().nullable(),
    line: z.number().int().nullable(),
    side: z.enum(["old", "new"]),
    body: z.string(),
    verdict: z.enum(["approved", "changes_requested"]).nullable(),
    url: z.string(),
    at: time().nullable().describe("When it was said; null: the forge does not say"),
    withdrawn_at: time().nullable().describe(
      "Since when the verdict is known not to stand any more",
    ),
    comment_id: z.string().nullable().describe("The comment that a person made of it"),
  }).meta({ id: "ForgeRemark" })
);

export const pullSchema = once(() =>
  z.object({
    pull_request: z.object({
      id: id(),
      kind: z.enum(forgeKinds),
      repository: z.string(),
      branch: z.string(),
      status: z.enum(pullStatuses),
      commit: z.string().describe("What a person said shall be there"),
      pushed: z.string().nullable().describe("What is known to have arrived"),
      number: z.number().int().nullable(),
      url: z.string(),
      merge_commit: z.string().nullable(),
      error: z.string().describe("What is in the way, and how to mend it"),
      stopped: z.boolean().describe("Nothing happens until a person says so"),
      close_asked_by: z.string().nullable().describe("Who said that it is to be closed there"),
      looked_at: time().nullable(),
      asked_by: z.string(),
      asked_at: time(),
      ended_at: time().nullable(),
    }).nullable(),
    checks: z.array(checkSchema()),
    remarks: z.array(remarkSchema()),
  }).meta({ id: "PullRequest" })
);

/** What is known of a ticket's newest one. */
export interface PullFacts {
  pull: PullRequest | null;
  checks: ForgeCheck[];
  remarks: ForgeRemark[];
}

export const pullJson = (
  { pull, checks, remarks }: PullFacts,
): z.infer<ReturnType<typeof pullSchema>> => ({
  pull_request: pull && {
    id: pull.id,
    kind: pull.kind,
    repository: pull.repository,
    branch: pull.branch,
    status: pull.status,
    commit: pull.commit,
    pushed: pull.pushed,
    number: pull.number,
    url: pull.url,
    merge_commit: pull.mergeCommit,
    error: pull.error,
    stopped: pull.stopped,
    close_asked_by: pull.closeAskedBy,
    looked_at: pull.lookedAt,
    asked_by: pull.askedBy,
    asked_at: pull.askedAt,
    ended_at: pull.endedAt,
  },
  checks: checks.map(({ key, name, status, summary, url, commit }) => ({
    key,
    name,
    status,
    summary,
    url,
    commit,
  })),
  remarks: remarks.map((remark) => ({
    id: remark.id,
    author: remark.author,
    path: remark.path,
    line: remark.line,
    side: remark.side,
    body: remark.body,
    verdict: remark.verdict,
    url: remark.url,
    at: remark.at,
    withdrawn_at: remark.withdrawnAt,
    comment_id: remark.commentId,
  })),
});
