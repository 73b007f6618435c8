/** What a strict server checks before it reads a body: key, version, betas. */
import { WireError } from "../../agents/demo/wire.ts";

const VERSIONS = ["2023-06-01", "2026-10-21"];
export const THREADS_BETA = "message-threads-2026-08-12";
export const CONTEXT_MANAGEMENT_BETA = "context-management-2025-06-27";
export const COMPACTION_BETA = "compact-2026-09-04";
/** Betas that concern the Messages API, as SDK 1.12.0 lists them. */
const BETAS = new Set([
  THREADS_BETA,
  "advisor-tool-2026-03-01",
  "cache-diagnosis-2026-04-07",
  "code-execution-2025-05-22",
  "compact-2026-01-12",
  COMPACTION_BETA,
  "computer-use-2025-01-24",
  "computer-use-2025-11-24",
  "context-1m-2025-08-07",
  CONTEXT_MANAGEMENT_BETA,
  "dev-full-thinking-2025-05-14",
  "extended-cache-ttl-2025-04-11",
  "fast-mode-2026-02-01",
  "files-api-2025-04-14",
  "inline-tools-2026-09-15",
  "interleaved-thinking-2025-05-14",
  "mcp-client-2025-04-04",
  "mcp-client-2025-11-20",
  "mcp-client-2026-09-15",
  "mid-conversation-output-config-2026-07-01",
  "mid-conversation-system-clear-at-2026-08-21",
  "mid-conversation-tool-changes-2026-07-01",
  "model-context-window-exceeded-2025-08-26",
  "output-128k-2025-02-19",
  "output-300k-2026-03-24",
  "prompt-caching-2024-07-31",
  "server-side-fallback-2026-06-01",
  "server-side-fallback-2026-07-01",
  "skills-2025-10-02",
  "structured-outputs-2025-11-13",
  "task-budgets-2026-03-13",
  "thinking-binding-controls-2026-08-01",
  "thinking-display-updates-2026-08-18",
  "thinking-token-count-2026-05-13",
  "token-counting-2024-11-01",
  "token-efficient-tools-2025-02-19",
]);

/** Who calls, and with which betas. */
export interface Caller {
  key: string;
  betas: ReadonlySet<string>;
}

/** Reads and checks the headers. Throws `WireError`: 401 for the key, 400 for the rest. */
export function checkHeaders(
  headers: Headers,
  { apiKeys, betas: extra }: { apiKeys: readonly string[]; betas: readonly string[] },
): Caller {
  const key = headers.get("authorization")?.match(/^Bearer\s+(.+)$/i)?.[1] ??
    headers.get("x-api-key");
  if (!key) {
    throw new WireError("authentication_error", "x-api-key or Authorization header is required");
  }
  if (!apiKeys.includes(key)) throw new WireError("authentication_error", "invalid API key");
  const version = headers.get("anthropic-version");
  if (!version) throw bad("anthropic-version: header is required");
  if (!VERSIONS.includes(version)) {
    throw bad(`anthropic-version: "${version}" is not a valid version`);
  }
  const betas = (headers.get("anthropic-beta") ?? "").split(",").map((b) => b.trim()).filter(
    Boolean,
  );
  const unknown = betas.filter((beta) => !BETAS.has(beta) && !extra.includes(beta));
  if (unknown.length > 0) {
    throw bad(
      `Unexpected value(s) ${unknown.map((b) => `\`${b}\``)} for the anthropic-beta header`,
    );
  }
  return { key, betas: new Set(betas) };
}

/** Throws 400 unless the body is said to be JSON. */
export function checkContentType(headers: Headers): void {
  const type = headers.get("content-type") ?? "";
  if (!/^application\/json\b/i.test(type)) {
    throw bad(`content-type: "${type}" is not application/json`);
  }
}

const bad = (message: string) => new WireError("invalid_request_error", message);
