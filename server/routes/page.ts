/** What the routes of all pages share: the request's frame, forms, redirects with a message, refused forms. */
import process from "node:process";
import type { VNode } from "preact";
import { deleteCookie, getCookie, setCookie } from "hono/cookie";
import { z } from "zod";
import { renderPage } from "../../views/layout.tsx";
import { once } from "../once.ts";
import type { Flash } from "../../views/shell.ts";
import type { RequestContext } from "../api.ts";
import type { Assets } from "../assets.ts";
import { AppError, type FieldError } from "../errors.ts";
import { statusOf } from "../api.ts";
import type { PageRequest } from "../pages/shell.ts";
import type { EventStreams } from "../sse.ts";

/** What page routes need beside the App. */
export interface PageTools {
  assets: Assets;
  streams: EventStreams;
}

const FLASH_COOKIE = "gaffer_flash";
const FLASH_SECONDS = 30;
const FLASH_MAX_CHARS = 300;
/** What Undo may post to. Other programs of this machine can set this host's cookies, so it is no free choice. */
const UNDO_ACTION =
  /^\/(?:ideas\/\w+\/refine|agents\/[\w-]+\/enable|documents\/\w+\/bring-back|usage\/advice\/undo\?key=[\w%.-]{1,300}|tickets\/\w+\/place-back\?place=-?\d{1,16}&priority=[0-3]&hand=[01])$/;
/** Element ids as `idPart` writes them; a cookie has room for one of this length. */
const FLASH_AT = /^[\w-]{1,1000}$/;
const flashSchema = once(() =>
  z.object({
    text: z.string().max(FLASH_MAX_CHARS),
    tone: z.enum(["done", "failed"]),
    undo: z.object({ action: z.string().regex(UNDO_ACTION), label: z.literal("Undo") }).optional(),
    at: z.string().regex(FLASH_AT).optional(),
  })
);

/** The request as the page models see it. The message of the last action is shown once. */
export function pageRequest(c: RequestContext, { assets }: PageTools): PageRequest {
  return {
    app: c.var.app,
    asset: (path) => assets.url(path),
    projectId: c.req.query("project") || null,
    flash: takeFlash(c),
  };
}

function takeFlash(c: RequestContext): Flash | null {
  const text = getCookie(c, FLASH_COOKIE);
  if (!text) return null;
  deleteCookie(c, FLASH_COOKIE, { path: "/" });
  try {
    return flashSchema().parse(JSON.parse(text));
  } catch {
    // Only we write it; whatever else is there under its name is nothing to show.
    return null;
  }
}

/**
 * Large pages are compressed here, by gzip. Deno would take Brotli for every browser, and needs ten times as long on
 * the server's one thread to make it a third smaller: for a document's page longer than all the rest of it takes.
 */
export function show(c: RequestContext, page: VNode, status: 200 | 409 | 422 = 200): Response {
  const html = renderPage(page);
  if (html.length < LARGE_CHARS || !takesGzip(c.req.header("accept-encoding") ?? "")) {
    return c.html(html, status) as Response;
  }
  c.header("vary", "Accept-Encoding", { append: true });
  return c.body(new Uint8Array(zlib().gzipSync(html, { level: GZIP_LEVEL })), status, {
    "content-type": "text/html; charset=UTF-8",
    "content-encoding": "gzip",
  });
}

/** Smaller ones are left to Deno: that takes them less than a millisecond. */
const LARGE_CHARS = 32_000;
/** The next levels take longer and gain next to nothing on pages. */
const GZIP_LEVEL = 2;
/** Takes some milliseconds to load, and the first pages are small. */
const zlib = once(() => process.getBuiltinModule("node:zlib"));

const takesGzip = (accepted: string): boolean =>
  accepted.toLowerCase().split(",").some((one) =>
    /^\s*gzip\s*(?:;\s*q=(?!0(?:\.0*)?\s*$).*)?$/.test(one)
  );

/**
 * After a form: to the page, with one sentence on what happened, and what takes it back. The part that `href`
 * names after "#" takes the focus: a script that follows the redirect does not see that end of the address.
 */
export function done(
  c: RequestContext,
  href: string,
  text?: string,
  undo?: Flash["undo"],
): Response {
  const at = href.split("#")[1];
  return go(c, href, text ? { text, tone: "done", undo, at } : null);
}

/** After a form that stands in a list was refused: back to it, with the reason. */
export const refusedAt = (c: RequestContext, href: string, reason: string): Response =>
  go(c, href, { text: reason, tone: "failed" });

function go(c: RequestContext, href: string, flash: Flash | null): Response {
  if (flash) {
    const text = flash.text.slice(0, FLASH_MAX_CHARS);
    // A part with an overlong name is only not gone to.
    const at = flash.at && FLASH_AT.test(flash.at) ? flash.at : undefined;
    setCookie(c, FLASH_COOKIE, JSON.stringify(flashSchema().parse({ ...flash, text, at })), {
      path: "/",
      httpOnly: true,
      sameSite: "Strict",
      maxAge: FLASH_SECONDS,
    });
  }
  return c.redirect(href, 303);
}

/** The posted fields; a name that comes twice counts with its last value. */
export async function readForm(c: RequestContext): Promise<Record<string, string>> {
  const body = await c.req.parseBody();
  return Object.fromEntries(
    Object.entries(body).map(([name, value]) => [name, typeof value === "string" ? value : ""]),
  );
}

/** What a person sees beside the form that was refused. */
export interface Refusal {
  message: string;
  errors: FieldError[];
  status: 409 | 422;
}

/**
 * Runs a form's action; a refusal that the person can mend there and then comes back as the same form,
 * with what was typed. Everything else is the error page's, and what `refused` answers with null: the form
 * is not on the page any more.
 */
export async function act(
  action: () => Response | Promise<Response>,
  refused: (refusal: Refusal) => Response | null | Promise<Response | null>,
): Promise<Response> {
  try {
    return await action();
  } catch (error) {
    if (!(error instanceof AppError)) throw error;
    const status = statusOf(error);
    if (status !== 409 && status !== 422) throw error;
    const answer = await refused({ message: error.message, errors: error.fields, status });
    if (answer === null) throw error;
    return answer;
  }
}

/** The list that a form was sent from, with its filters; null: it was sent from another page. */
export function listBehind(c: RequestContext, lists: readonly string[]): string | null {
  const url = addressBehind(c);
  return url && lists.includes(url.pathname) ? url.pathname + url.search : null;
}

/** Pages that can be asked for again: not what a refused form was posted to, and no other server ("//…"). */
const OWN_PAGE =
  /^\/(?:(?:ideas|development|planning|runs|agents|jobs|usage|projects|settings)?|agents\/[\w-]+|(?:ideas|tickets|runs|projects|documents)\/\w+(?:\/review)?|memory(?:\/[\w.-]+(?:\/edit)?)?)$/;

/** The page that a form was sent from, whichever it is; null: nobody knows. */
export function pageBehind(c: RequestContext): string | null {
  const url = addressBehind(c);
  return url && OWN_PAGE.test(url.pathname) ? url.pathname + url.search : null;
}

function addressBehind(c: RequestContext): URL | null {
  const from = c.req.header("hx-current-url") ?? c.req.header("referer") ?? "";
  return URL.canParse(from) ? new URL(from) : null;
}
