/** The strict fake Claude server and everything a test needs to script it. */
export { type FakeClaude, type FakeClaudeOptions, startFakeClaude } from "./server.ts";
export { costMicroUsd } from "./models.ts";
export type { RecordedRequest } from "./recorder.ts";
export type { ClaudeRequest, SeenResult } from "./request.ts";
export type { Lack, Laxity } from "./lacking.ts";
export type { Ending } from "./body.ts";
export { cited, found, type FoundPage, searching, webFetch, webSearch } from "./server_tools.ts";
export {
  type After,
  answer,
  broken,
  brokenToolUse,
  compaction,
  type ErrorReply,
  failure,
  type Fault,
  type MessageReply,
  overloaded,
  rateHeaders,
  rateLimited,
  redactedThinking,
  refusal,
  type Reply,
  type ReplyBlock,
  serverError,
  slow,
  spendLimitReached,
  stopped,
  text,
  thinking,
  toolUse,
  truncatedToolUse,
  unauthorized,
  withHeaders,
} from "./replies.ts";
