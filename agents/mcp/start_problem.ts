/** Why an MCP server could not be started, in words for whoever set it up. */
import { messageOf } from "../../server/errors.ts";

/** What is known of an attempt that failed. */
export interface FailedStart {
  error: unknown;
  /** Its time was over, after so many seconds. */
  lateAfterSeconds: number | null;
  /** It is a program, and that has ended by itself. */
  ended: boolean;
  /** What the program wrote to standard error last. */
  lastWords: string;
}

/** What is wrong and how it can be mended; completes "Cannot start the MCP server: ". */
export function startProblem({ error, lateAfterSeconds, ended, lastWords }: FailedStart): string {
  const said = lastWords && `. It said: ${lastWords}`;
  if (lateAfterSeconds !== null) {
    return `it did not answer within ${lateAfterSeconds} s. See whether it is an MCP server, and what it waits for${said}`;
  }
  if (ended) return `${whyEnded(lastWords)}${said}`;
  const status = statusOf(error);
  if (status !== null) return `it answered HTTP ${status}. ${mendStatus(status)}`;
  if (/error sending request|tcp connect error|dns error/i.test(textOf(error))) {
    return `it can't be reached. See whether it runs, and whether the address is right (${
      textOf(error)
    })`;
  }
  return `${textOf(error)}${said}`;
}

const whyEnded = (lastWords: string): string =>
  /: (command )?not found|No such file or directory/i.test(lastWords)
    ? "the sandbox has no such program. Give its full path, or name its folder under tools in the project's settings"
    : "it ended before it had answered. See whether it is an MCP server that speaks over standard input and output";

function mendStatus(status: number): string {
  if (status === 401 || status === 403) {
    return "Give it a header that lets Gaffer in, such as Authorization: $TOKEN";
  }
  if (status === 404 || status === 405) {
    return "See whether that is the address of its MCP endpoint, which often ends in /mcp";
  }
  return "See its own log";
}

/** The SDK's errors about answers carry their status. */
function statusOf(error: unknown): number | null {
  const status = (error as { data?: { status?: unknown } } | null)?.data?.status;
  return typeof status === "number" ? status : null;
}

/** Without what the SDK was at when it happened, which is nothing to a person. */
const textOf = (error: unknown): string =>
  messageOf(error).replace(/^Version negotiation( probe)? failed: /, "");
