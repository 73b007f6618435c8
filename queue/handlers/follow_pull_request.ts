import type { JobHandler } from "../job.ts";

export const followPullRequestHandler: JobHandler<"follow_pull_request"> = {
  kind: "follow_pull_request",
  async run({ ticketId }, { app, signal }) {
    // Loaded with the first pull request: most servers never have one.
    const { followPullRequest } = await import("../../server/services/pull_following.ts");
    return await followPullRequest(app, ticketId, signal);
  },
};
