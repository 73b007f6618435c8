/** What the tests of the fake server share: the vendor's own client, and bare requests. */
import Anthropic from "@anthropic-ai/sdk";
import type { WireMessage } from "../../agents/demo/wire.ts";
import type { FakeClaude } from "./mod.ts";

/** The SDK as a stranger uses it. It does not try again, unless a test wants to see that. */
export function clientFor(fake: FakeClaude, maxRetries = 0): Anthropic {
  return new Anthropic({ apiKey: fake.apiKey, baseURL: fake.url, maxRetries, logLevel: "off" });
}

export const MODEL = "claude-opus-5-5";
export const user = (content: WireMessage["content"]): WireMessage => ({ role: "user", content });
export const assistant = (content: WireMessage["content"]): WireMessage => ({
  role: "assistant",
  content,
});
export const note = (content: WireMessage["content"]): WireMessage => ({ role: "system", content });

/** A body that is accepted, with changes; `undefined` takes a field away. */
export function body(changes: Record<string, unknown> = {}): Record<string, unknown> {
  return { model: MODEL, max_tokens: 1_000, messages: [user("hello")], ...changes };
}

export interface Answered {
  status: number;
  headers: Headers;
  // deno-lint-ignore no-explicit-any -- whatever came back is looked into by the test
  json: any;
}

/** One request without any client in between. A header given as "" is left out. */
export async function send(
  fake: FakeClaude,
  path: string,
  { headers = {}, method = "POST", json }: {
    headers?: Record<string, string>;
    method?: string;
    json?: unknown;
  } = {},
): Promise<Answered> {
  const all = {
    "authorization": `Bearer ${fake.apiKey}`,
    "anthropic-version": "2026-10-21",
    "content-type": "application/json",
    ...headers,
  };
  const response = await fetch(fake.url + path, {
    method,
    headers: Object.entries(all).filter(([, value]) => value !== ""),
    body: json === undefined ? null : typeof json === "string" ? json : JSON.stringify(json),
  });
  return { status: response.status, headers: response.headers, json: await response.json() };
}

/** Posts a body to `/v1/messages`. */
export const post = (fake: FakeClaude, json: unknown, headers?: Record<string, string>) =>
  send(fake, "/v1/messages", { json, headers });
