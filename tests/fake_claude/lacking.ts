/** Endpoints that only resemble the real one: what they don't know, and where they are lax. */
import { isObject, refuse } from "../../agents/demo/validate/refuse.ts";
import { COMPACTION_BETA } from "./headers.ts";

/** Fields that a request must not have, and endpoints that are not there. */
export type Lack =
  | "cache_control"
  | "thinking"
  | "output_config"
  | "compaction"
  | "system_messages"
  | "web_search"
  | "web_fetch"
  | "models"
  | "count_tokens";

export type Laxity =
  /** Answers have no `request-id`. */
  | "no_request_id"
  /** `usage` is null, or left out. */
  | "no_usage"
  /** A whole message comes where a stream was asked for. */
  | "plain_json"
  /** Events come without their name. */
  | "nameless_events";

/** Throws the 400 of a server that knows no such field. */
export function refuseLacking(
  body: unknown,
  betas: ReadonlySet<string>,
  lacks: readonly Lack[],
): void {
  if (!isObject(body)) return;
  for (const lack of lacks) {
    if (lack === "cache_control" && JSON.stringify(body).includes('"cache_control":{"type"')) {
      refuse("system.0.cache_control", "Extra inputs are not permitted");
    }
    if ((lack === "thinking" || lack === "output_config") && lack in body) {
      refuse(lack, "Extra inputs are not permitted");
    }
    if (lack === "compaction" && betas.has(COMPACTION_BETA)) {
      refuse("anthropic-beta", `Unexpected value(s) \`${COMPACTION_BETA}\` for the header`);
    }
    if ((lack === "web_search" || lack === "web_fetch") && Array.isArray(body.tools)) {
      const at = body.tools.findIndex(({ type }) => String(type).startsWith(lack));
      if (at >= 0) {
        refuse(
          `tools.${at}`,
          `Input tag '${
            body.tools[at].type
          }' found using 'type' does not match any of the expected tags: 'custom'`,
        );
      }
    }
    if (lack !== "system_messages" || !Array.isArray(body.messages)) continue;
    const at = body.messages.findIndex((message) => message?.role === "system");
    if (at >= 0) refuse(`messages.${at}.role`, 'Input should be "user" or "assistant"');
  }
}

/** The response as such a server would send it. */
export async function lax(response: Response, how: readonly Laxity[]): Promise<Response> {
  if (how.length === 0) return response;
  const headers = new Headers(response.headers);
  if (how.includes("no_request_id")) headers.delete("request-id");
  const isStream = headers.get("content-type")?.startsWith("text/event-stream");
  if (!isStream) return new Response(response.body, { status: response.status, headers });
  let text = await response.text();
  if (how.includes("no_usage")) {
    text = text.replaceAll(/^data: (.*"type":"message_(?:start|delta)".*)$/gm, (_line, json) => {
      const event = JSON.parse(json);
      if (event.message) event.message.usage = null;
      else delete event.usage;
      return `data: ${JSON.stringify(event)}`;
    });
  }
  if (how.includes("plain_json")) {
    headers.set("content-type", "application/json");
    return new Response(JSON.stringify(wholeMessage(text)), { status: response.status, headers });
  }
  if (how.includes("nameless_events")) text = text.replaceAll(/^event: .*\n/gm, "");
  return new Response(text, { status: response.status, headers });
}

/** Folds the events of a stream into the message that they tell of. */
function wholeMessage(text: string): Record<string, unknown> {
  const events = [...text.matchAll(/^data: (.*)$/gm)].map(([, json]) => JSON.parse(json!));
  // deno-lint-ignore no-explicit-any
  const message: any = structuredClone(events[0].message);
  const json = new Map<number, string>();
  for (const event of events) {
    if (event.type === "content_block_start") message.content.push({ ...event.content_block });
    if (event.type === "message_delta") Object.assign(message, event.delta, { usage: event.usage });
    if (event.type !== "content_block_delta") continue;
    const block = message.content[event.index];
    const { text = "", thinking = "", signature, partial_json } = event.delta;
    if ("text" in block) block.text += text;
    if ("thinking" in block) block.thinking += thinking;
    if (signature) block.signature = signature;
    if (partial_json === undefined) continue;
    json.set(event.index, (json.get(event.index) ?? "") + partial_json);
  }
  for (const [index, input] of json) message.content[index].input = JSON.parse(input || "{}");
  return message;
}
