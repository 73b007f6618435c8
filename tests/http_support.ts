/** The HTTP frame with routes of the test's own, called directly or over a real socket. */
import type { Hono } from "hono";
import type { Api, Env } from "../server/api.ts";
import type { Assets } from "../server/assets.ts";
import { createHttp, type HttpOptions, serveOptions } from "../server/http.ts";
import type { PageError } from "../server/problem.ts";
import { type BareApp, bareApp } from "./bare_app.ts";

export const noAssets: Assets = {
  url: (name) => `/static/${name}`,
  serve: (c) => c.text("Not found", 404),
};

export interface Bench extends Disposable {
  app: BareApp;
  http: Hono<Env>;
  /** What the error pages were made of. */
  shown: PageError[];
  /** Sends a POST with JSON to the API. */
  post(path: string, body?: unknown, headers?: Record<string, string>): Promise<Response>;
}

export function bench(
  { api = () => {}, pages = () => {}, ...options }:
    & Partial<Omit<HttpOptions, "mountApi" | "mountPages">>
    & { api?: (api: Api) => void; pages?: (pages: Hono<Env>) => void; app?: BareApp },
): Bench {
  const app = options.app ?? bareApp();
  const shown: PageError[] = [];
  const http = createHttp(app, {
    assets: noAssets,
    mountApi: api,
    mountPages: pages,
    renderError(error) {
      shown.push(error);
      return `<h1>${error.title}</h1>`;
    },
    ...options,
  });
  return {
    app,
    http,
    shown,
    post: (path, body, headers = {}) =>
      Promise.resolve(http.request(`/api/v1${path}`, {
        method: "POST",
        headers: { "content-type": "application/json", ...headers },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      })),
    [Symbol.dispose]: () => app[Symbol.dispose](),
  };
}

export interface Listening extends AsyncDisposable {
  port: number;
  origin: string;
  /** Stops listening and waits for the answers that are under way. */
  shutdown(): Promise<void>;
}

/** The same on a real socket. */
export function listen(http: Hono<Env>): Listening {
  const stop = new AbortController();
  const server = Deno.serve({
    ...serveOptions,
    port: 0,
    hostname: "127.0.0.1",
    signal: stop.signal,
    onListen: () => {},
  }, (request) => http.fetch(request));
  let open = true;
  const { port } = server.addr;
  return {
    port,
    origin: `http://127.0.0.1:${port}`,
    async shutdown() {
      open = false;
      await server.shutdown();
    },
    async [Symbol.asyncDispose]() {
      if (open) stop.abort();
      await server.finished;
    },
  };
}

/** Sends the bytes of a request and reads until `until` is in the answer or the connection ends. */
export async function raw(port: number, request: string, until?: string): Promise<string> {
  using connection = await Deno.connect({ port });
  await connection.write(new TextEncoder().encode(request.replaceAll("\n", "\r\n")));
  let text = "";
  const decoder = new TextDecoder("latin1");
  for await (const chunk of connection.readable) {
    text += decoder.decode(chunk);
    if (until !== undefined && text.includes(until)) break;
  }
  return text;
}
