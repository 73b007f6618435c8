/** The real pages over a test's App: requests go to them directly, or through a socket that a browser opens. */
import type { Hono } from "hono";
import { loadAssets } from "../server/assets.ts";
import type { Env } from "../server/api.ts";
import { createHttp } from "../server/http.ts";
import { mountPages, renderError } from "../server/routes/pages.tsx";
import { createEventStreams } from "../server/sse.ts";
import { appScripts } from "../views/shell.ts";
import type { TestApp } from "./support.ts";

export interface PagesBench {
  http: Hono<Env>;
  get(path: string, headers?: Record<string, string>): Promise<Response>;
  /** Sends a form as a browser without scripts does; the redirect is not followed. */
  post(path: string, fields?: Record<string, string>): Promise<Response>;
}

export function pagesBench(app: TestApp): PagesBench {
  const assets = loadAssets(new URL("../static/", import.meta.url), { "app.js": appScripts });
  const tools = { assets, streams: createEventStreams() };
  const http = createHttp(app, {
    assets,
    mountApi: () => {},
    mountPages: (pages) => mountPages(pages, tools),
    renderError: (error, c) => renderError(error, c, tools),
  });
  return {
    http,
    get: (path, headers = {}) => Promise.resolve(http.request(path, { headers })),
    post: (path, fields = {}) =>
      Promise.resolve(http.request(path, { method: "POST", body: new URLSearchParams(fields) })),
  };
}
