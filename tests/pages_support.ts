/** The real pages over a test's App: requests go to them directly, or through a socket that a browser opens. */
import type { Hono } from "hono";
import { loadAssets } from "../server/assets.ts";
import type { Env } from "../server/api.ts";
import { createHttp } from "../server/http.ts";
import { mountPages, renderError } from "../server/routes/pages.tsx";
import { createEventStreams } from "../server/sse.ts";
import { appScripts } from "../views/shell.ts";
import { SECOND_MS } from "../server/clock.ts";
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

/** What a page's event stream sends. */
export interface Told extends AsyncDisposable {
  /** The next message. Throws when none comes. */
  next(): Promise<string>;
}

/** Opens the event stream of a page, which shows everything up to the event `after`. */
export async function followPage(bench: PagesBench, path: string, after?: number): Promise<Told> {
  const stream = await bench.get(after === undefined ? path : `${path}?after=${after}`);
  const reader = stream.body!.pipeThrough(new TextDecoderStream()).getReader();
  // The server's timers keep no process alive; this one does, and ends a wait that is in vain.
  const late = setTimeout(() => void reader.cancel("nothing came"), 60 * SECOND_MS);
  let data = "";
  return {
    async next() {
      let end: RegExpExecArray | null;
      while ((end = /^data: .*?\n\n/ms.exec(data)) === null) {
        const { done, value } = await reader.read();
        if (done) throw new Error(`The stream ended after ${JSON.stringify(data)}`);
        data += value;
      }
      data = data.slice(end.index + end[0].length);
      return end[0];
    },
    async [Symbol.asyncDispose]() {
      clearTimeout(late);
      await reader.cancel();
    },
  };
}
