/** Serves the sample pages as the real server would: same policy, same assets, an event stream the test feeds. */
import { Hono } from "hono";
import type { VNode } from "preact";
import { loadAssets } from "../server/assets.ts";
import type { Env } from "../server/api.ts";
import { liveMessage } from "../views/live.tsx";
import { renderPage } from "../views/layout.tsx";
import { appScripts } from "../views/shell.ts";
import { shell } from "./pages_fixture.ts";
import { samplePages } from "./sample_pages.tsx";

/** UI.md, ground rule 6. */
export const POLICY =
  "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; " +
  "connect-src 'self'; manifest-src 'self'; worker-src 'self'; form-action 'self'; base-uri 'none'; " +
  "frame-ancestors 'none'";

const STREAM_TIMEOUT_MS = 60_000;

export interface SampleServer extends AsyncDisposable {
  url: string;
  /** Every POST that arrived: path and fields. */
  posts: { path: string; fields: Record<string, string> }[];
  /** Answers the next POST with this status and page, instead of a redirect to where it came from. */
  nextPost: { status: number; page: string } | null;
  /** `Last-Event-ID` or `after` of each stream that was opened. */
  streams: { path: string; after: string | null }[];
  /** Resolves when so many streams have been opened in all; throws when that takes too long. */
  streamOpened(count: number): Promise<void>;
  /** Sends a message to every open stream. */
  send(seq: number | null, content: VNode): void;
  /** Ends every open stream, as a restart of the server would. */
  cut(): void;
}

export function startSampleServer(): SampleServer {
  const assets = loadAssets(new URL("../static/", import.meta.url), { "app.js": appScripts });
  const open = new Set<ReadableStreamDefaultController<Uint8Array>>();
  const waiting = new Set<{ count: number; resolve: () => void }>();
  const app = new Hono<Env>();
  const encoder = new TextEncoder();

  const render = (path: string, query = new URLSearchParams()): string | null => {
    const page = samplePages[path];
    const data = { ...shell(), asset: assets.url };
    return page ? renderPage(page(data, query)) : null;
  };

  app.use(async (c, next) => {
    await next();
    c.header("Content-Security-Policy", POLICY);
  });
  app.get("/static/*", assets.serve);
  app.get("/live/*", (c) => {
    const after = c.req.header("Last-Event-ID") ?? c.req.query("after") ?? null;
    sample.streams.push({ path: c.req.path, after });
    let controller!: ReadableStreamDefaultController<Uint8Array>;
    const body = new ReadableStream<Uint8Array>({
      start(started) {
        controller = started;
        open.add(started);
        started.enqueue(encoder.encode(": open\n\n"));
      },
      cancel: () => void open.delete(controller),
    });
    for (const { count, resolve } of waiting) if (sample.streams.length >= count) resolve();
    return c.body(body, 200, {
      "content-type": "text/event-stream",
      "cache-control": "no-store, no-transform",
    });
  });
  app.post("*", async (c) => {
    const fields = Object.fromEntries(
      Object.entries(await c.req.parseBody()).map(([name, value]) => [name, String(value)]),
    );
    sample.posts.push({ path: c.req.path, fields });
    const answer = sample.nextPost;
    sample.nextPost = null;
    if (answer) return c.html(render(answer.page)!, answer.status as 422);
    const from = c.req.header("HX-Current-URL") ?? c.req.header("Referer");
    const { pathname, searchParams } = new URL(from ?? "/", sample.url);
    searchParams.delete("comment"); // a sent comment's form is closed
    return c.redirect(searchParams.size ? `${pathname}?${searchParams}` : pathname, 303);
  });
  app.get("/planning/tree", (c) => c.html('<ul><li><a href="/documents/x">Map</a></li></ul>'));
  // Fetched by the merge's dialog when it is opened.
  app.get("/tickets/:id/merge-look", (c) => c.html("<p>It lands as it was checked.</p>"));
  app.get("*", (c) => {
    const query = new URL(c.req.url).searchParams;
    const html = render(c.req.path, query);
    return html === null ? c.html(render("/missing")!, 404) : c.html(html);
  });

  // As the real server does; older versions of Deno compress without being told.
  const compressed = { automaticCompression: true };
  const options = { port: 0, hostname: "127.0.0.1", onListen: () => {}, ...compressed };
  const server = Deno.serve(options, app.fetch);
  const sample: SampleServer = {
    url: `http://127.0.0.1:${server.addr.port}`,
    posts: [],
    nextPost: null,
    streams: [],
    async streamOpened(count) {
      if (sample.streams.length >= count) return;
      const { promise, resolve, reject } = Promise.withResolvers<void>();
      const wait = { count, resolve };
      waiting.add(wait);
      const late = () =>
        reject(new Error(`Only ${sample.streams.length} of ${count} streams came`));
      const timer = setTimeout(late, STREAM_TIMEOUT_MS);
      await promise.finally(() => {
        clearTimeout(timer);
        waiting.delete(wait);
      });
    },
    send(seq, content) {
      const bytes = encoder.encode(liveMessage(seq, content));
      for (const controller of open) controller.enqueue(bytes);
    },
    cut() {
      for (const controller of open) controller.close();
      open.clear();
    },
    async [Symbol.asyncDispose]() {
      sample.cut();
      await server.shutdown();
    },
  };
  return sample;
}
