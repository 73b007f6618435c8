import { followDriftAfter } from "../../server/services/document_drift.ts";
import type { JobHandler } from "../job.ts";

export const followPullRequestHandler: JobHandler<"follow_pull_request"> = {
  kind: "follow_pull_request",
  async run({ ticketId }, { app, signal }) {
    // Loaded with the first pull request: most servers never have one.
    const { followPullRequest } = await import("../../server/services/pull_following.ts");
    const outcome = await followPullRequest(app, ticketId, signal);
    // Merged there, it may have been pulled before that was noticed.
    if (outcome.type === "done") {
      await followDriftAfter(app, ticketId, signal);
      const { noticeConfigAfter } = await import("../../server/services/config_news.ts");
      await noticeConfigAfter(app, ticketId, signal);
    }
    return outcome;
  },
};
