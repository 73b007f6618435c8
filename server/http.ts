/** The HTTP server's frame: the order of the middleware, what every answer carries, and the only onError. */
import { Hono, type MiddlewareHandler } from "hono";
import { LinearRouter } from "hono/router/linear-router";
import { Api, type Env, type RequestContext } from "./api.ts";
import type { App } from "./app.ts";
import type { Assets } from "./assets.ts";
import { ForeignRequest, localOwner } from "./auth.ts";
import { bodyLimit } from "./body_limit.ts";
import { newId } from "./db.ts";
import { AppError, messageOf } from "./errors.ts";
import { machineFaults } from "./machine_fault.ts";
import { once } from "./once.ts";
import { idempotency } from "./idempotency.ts";
import { LateRoutes } from "./late_routes.ts";
import { describeApi } from "./openapi.ts";
import { type PageError, pageErrorOf, problemResponse, toAppError } from "./problem.ts";
import { findStorageFault, RETRY_AFTER_SECONDS } from "./storage.ts";
import type { Timers } from "./timers.ts";

/** The router of the pages. */
export type Pages = Hono<Env> & {
  /** As that of the API: routes that are loaded with the first request for one of them. */
  late(firsts: readonly string[], load: () => Promise<(pages: Hono<Env>) => void>): void;
};

export interface HttpOptions {
  assets: Assets;
  /** Declares the routes of /api/v1. */
  mountApi(api: Api): void;
  mountPages(pages: Pages): void;
  /** The page, or for htmx the fragment, that shows a refusal. */
  renderError(error: PageError, c: RequestContext): string | Promise<string>;
  /** The port that is listened on; 0 while it is not known. The configured one by default. */
  port?: () => number;
  /** For the wait of repeated requests. */
  timers?: Timers;
}

/**
 * To be spread into the options of `Deno.serve`: since Deno 2.9 it compresses only when told to. Older ones
 * always do and don't know the option.
 */
export const serveOptions = { automaticCompression: true };

const securityHeaders = {
  "content-security-policy":
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; " +
    "connect-src 'self'; manifest-src 'self'; worker-src 'self'; form-action 'self'; base-uri 'none'; " +
    "frame-ancestors 'none'",
  "x-content-type-options": "nosniff",
  "x-frame-options": "DENY",
  // Other sites learn nothing; without scripts a form in a list leads back to that list by it.
  "referrer-policy": "same-origin",
  "cross-origin-opener-policy": "same-origin",
  "cross-origin-resource-policy": "same-origin",
  "permissions-policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
};

/** Everything but listening: `Deno.serve({ ...serveOptions }, createHttp(…).fetch)`. */
export function createHttp(app: App, options: HttpOptions): Hono<Env> {
  const { assets, mountApi, mountPages, port = () => app.config.port, timers } = options;
  // Hono's own choice of router spends 15 ms on the first request; with our hundred routes it never gains that back.
  const http = new Hono<Env>({ router: new LinearRouter() });
  const answerError = errorAnswer(app, options);
  http.onError(answerError);
  http.notFound(async (c) => {
    const { method, path } = c.req;
    const allowed = methodsAt(http, path);
    if (allowed.length > 0) {
      const refusal = new AppError(
        "invalid",
        `Cannot ${method} ${path}: this address takes ${allowed.join(", ")}`,
        [],
        { status: 405 },
      );
      const response = await answerError(refusal, c);
      response.headers.set("allow", allowed.join(", "));
      return response;
    }
    const what = `${method} ${path}`;
    return await answerError(
      new AppError("not_found", `Cannot find ${what}: there is nothing at this address`),
      c,
    );
  });
  http.use(frame(app, answerError));
  http.use(localOwner(app, { host: app.config.host, port }));
  http.use(bodyLimit);
  http.use((c, next) => {
    // Of Hono's environment nothing is there but what late routes put into it.
    if (c.env?.notLoaded) throw c.env.notLoaded;
    return next();
  });
  http.get("/healthz", (c) => health(c));
  http.get("/static/*", assets.serve);

  const lateRoutes = new LateRoutes();
  const api = new Api(http.basePath(API), API, lateRoutes);
  api.hono.use(idempotency(timers));
  mountApi(api);
  const description = once(() => describeApi(api));
  api.hono.get("/openapi.json", async (c) => c.json(await description()));

  const late: Pages["late"] = (firsts, load) =>
    lateRoutes.add("", firsts, async () => {
      const mount = await load();
      return () => mount(http);
    });
  mountPages(Object.assign(http.basePath("/"), { late }));
  lateRoutes.serve(http);
  return http;
}

/** Methods that some route takes at this path. Middleware, which stands under all methods, is none. */
function methodsAt({ router }: Hono<Env>, path: string): string[] {
  const taken = ["GET", "POST", "PUT", "PATCH", "DELETE"].filter((method) =>
    router.match(method, path)[0].some(([[, route]]) => route.method === method)
  );
  return taken.flatMap((method) => method === "GET" ? ["GET", "HEAD"] : method);
}

const API = "/api/v1";
const isApi = (path: string): boolean => path === "/api" || path.startsWith("/api/");
const isStatic = (path: string): boolean => path.startsWith("/static/");

/** Outermost: gives the request its id and every answer its headers, whatever happened inside. */
function frame(
  app: App,
  answerError: (error: Error, c: RequestContext) => Promise<Response>,
): MiddlewareHandler<Env> {
  return async (c, next) => {
    const requestId = newId("req");
    c.set("requestId", requestId);
    c.set("app", app);
    try {
      await next();
    } catch (thrown) {
      // Hono hands only Errors to onError; a library may throw anything.
      const error = new Error(`Thrown: ${messageOf(thrown)}`, { cause: thrown });
      c.res = await answerError(error, c);
    }
    const added: Record<string, string> = { ...securityHeaders, "x-request-id": requestId };
    const own = c.res.headers.get("content-security-policy");
    // What a person or an agent put there is held more strictly than our pages.
    if (own !== null) added["content-security-policy"] = own;
    if (!c.res.headers.has("cache-control")) added["cache-control"] = "no-store";
    if (!isApi(c.req.path) && !isStatic(c.req.path)) {
      const vary = c.res.headers.get("vary");
      added.vary = vary === null ? "HX-Request" : `${vary}, HX-Request`;
    }
    addHeaders(c, added);
  };
}

function addHeaders(c: RequestContext, added: Record<string, string>): void {
  const addTo = (headers: Headers) => {
    for (const [name, value] of Object.entries(added)) headers.set(name, value);
  };
  try {
    addTo(c.res.headers);
  } catch (error) {
    // Those of Response.redirect() can't be changed.
    if (!(error instanceof TypeError)) throw error;
    const copy = new Response(c.res.body, c.res);
    addTo(copy.headers);
    c.res = copy;
  }
}

/**
 * For watchdogs: the process answers, and its database can be read and written. It is written for real: a
 * disk that has filled up is found before a person's change is refused.
 */
function health(c: RequestContext): Response {
  const { app } = c.var;
  try {
    app.db.prepare("SELECT 1").get();
  } catch (error) {
    app.log.error("the database can't be read", { error: messageOf(error) });
    return c.json({ status: "unavailable", failing: "reads" }, 503);
  }
  const fault = app.db.fault ?? findStorageFault(app);
  if (fault === null) return c.json({ status: "ok" });
  const { kind, since } = fault;
  const { what, mend } = machineFaults[kind];
  return c.json({ status: "unavailable", failing: "writes", since, what, mend }, 503);
}

/** The API gets problem details, a page a page, and a request from elsewhere nothing but the reason. */
function errorAnswer(app: App, { renderError }: HttpOptions) {
  return async (thrown: Error, c: RequestContext): Promise<Response> => {
    const error = toAppError(thrown);
    const { requestId } = c.var;
    const log = (message: string, cause: unknown) => {
      const { method } = c.req;
      // What follows there is the right to decide.
      const path = c.req.path.replace(/^(\/approve\/).*/s, "$1…");
      app.log.error(message, { request_id: requestId, method, path, error: stackOf(cause) });
    };
    if (error.code === "internal") log("a request failed", thrown);
    if (error.code === "unavailable") c.header("retry-after", String(RETRY_AFTER_SECONDS));
    if (isApi(c.req.path)) return problemResponse(c, error);
    const shown = pageErrorOf(error, requestId);
    const status = shown.status as 500;
    if (error instanceof ForeignRequest || isStatic(c.req.path)) {
      return c.text(shown.message, status);
    }
    try {
      return c.html(await renderError(shown, c), status);
    } catch (fault) {
      log("the error page failed", fault);
      return c.text(`${shown.title}: ${shown.message} (request ${requestId})`, status);
    }
  };
}

function stackOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const cause = error.cause === undefined ? "" : `\nCaused by: ${stackOf(error.cause)}`;
  return `${error.stack ?? error.message}${cause}`;
}
