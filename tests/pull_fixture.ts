/** Pull requests as the services would hand them to the views. */
import type { PullRequest } from "../server/records.ts";
import type { PullProps } from "../views/pull_request.tsx";
import { ago, ticket } from "./pages_fixture.ts";

const commit = ticket().headCommit!;

export const noPull: PullProps = {
  pull: null,
  checks: [],
  remarks: [],
  forge: null,
  delay: null,
};

export function pullProps(changes: Partial<PullRequest> = {}): PullProps {
  return {
    forge: { name: "GitHub", takesMerge: false },
    delay: null,
    pull: {
      id: "pull_1",
      ticketId: "tkt_save",
      kind: "github",
      repository: "ana/space-game",
      branch: "gaffer/7-save",
      status: "open",
      commit,
      pushed: commit,
      sent: [commit],
      number: 7,
      url: "https://github.example/ana/space-game/pull/7",
      head: commit,
      mergeCommit: null,
      error: "",
      stopped: false,
      failures: 0,
      lookedAt: ago(3),
      changedAt: ago(9),
      askedBy: "owner",
      askedAt: ago(30),
      endedAt: null,
      closeAskedBy: null,
      approver: "",
      broughtAt: null,
      ...changes,
    },
    checks: [
      {
        key: "run:1",
        name:
          "build (ubuntu-latest, a-rather-long-name-of-a-matrix-job-that-no-phone-has-room-for)",
        status: "passed",
        summary: "47 passed",
        url: "https://github.example/run/1",
        commit,
      },
      { key: "status:lint", name: "lint", status: "failed", summary: "2 errors", url: "", commit },
    ],
    remarks: [
      {
        id: "remark_1",
        pullRequestId: "pull_1",
        forgeId: "comment:1",
        author: "ben",
        path: "src/save.sh",
        line: 15,
        side: "new",
        body: "What if the *disk* is full?",
        verdict: null,
        url: "https://github.example/c/1",
        at: ago(12),
        commit,
        seenAt: ago(10),
        commentId: null,
        withdrawnAt: null,
      },
      {
        id: "remark_2",
        pullRequestId: "pull_1",
        forgeId: "review:2",
        author: "ben",
        path: null,
        line: null,
        side: "new",
        body: "Not yet, please",
        verdict: "changes_requested",
        url: "",
        at: ago(11),
        commit,
        seenAt: ago(10),
        commentId: null,
        withdrawnAt: null,
      },
    ],
  };
}
