/** What happens to pull requests, in plain sentences. */
import type { ChangeEvent } from "../server/records.ts";
import { plural, shortCommit } from "./format.ts";

/** Without a full stop; `reason` begins with ": ". Null: it is about something else. */
export function describePull({ type, actor, data }: ChangeEvent, reason: string): string | null {
  const text = (key: string) => typeof data[key] === "string" ? data[key] : "";
  const on = text("forge");
  switch (type) {
    case "pull_request_asked":
      return `Pull request on ${on} asked for by ${actor}`;
    case "pull_request_pushed":
      return `Pushed to ${on}, commit ${shortCommit(text("commit"))}`;
    case "pull_request_opened":
      return `Pull request #${data.number} is open on ${on}`;
    case "pull_request_reworded": {
      const who = text("approver") || "nobody";
      return `The text of pull request #${data.number} on ${on} names ${who} as approver now`;
    }
    case "pull_request_checked":
      return `Checks on ${on}: ${countsOf(data)}`;
    case "pull_request_remarks":
      return `${plural(Number(data.count), "remark")} on ${on}`;
    case "pull_request_withdrawn": {
      const what = data.verdict === "approved" ? "approval" : "wish for changes";
      return `The ${what} of ${text("author")} was withdrawn on ${on}`;
    }
    case "pull_request_merged":
      return `Merged on ${on} as ${shortCommit(text("commit"))}`;
    case "pull_request_closed":
      if (data.number === null) return `Pull request on ${on} called off before it was open`;
      return `Closed on ${on} without a merge${text("by") && `, as ${text("by")} asked`}`;
    case "pull_request_close_asked":
      return `${actor} wants the pull request on ${on} closed`;
    case "pull_request_reopened":
      return `Pull request #${data.number} was reopened on ${on}`;
    case "pull_request_stopped":
      return `The pull request waits for you${reason}`;
    case "pull_request_waits":
      return `The pull request waits${reason}`;
    case "forge_changed":
      return `Pull requests go to ${text("repository")} on ${on}, by ${actor}`;
    case "forge_removed":
      return `No pull requests on ${on} any more, by ${actor}`;
    default:
      return null;
  }
}

/** "2 passed, 1 failed": what there is none of is left out. */
export function countsOf(counts: Record<string, unknown>): string {
  const parts = ["failed", "running", "passed"].flatMap((name) =>
    Number(counts[name]) > 0 ? [`${counts[name]} ${name}`] : []
  );
  return parts.join(", ") || "none yet";
}
