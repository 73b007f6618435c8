/** PDF by a browser of this machine, where there is one. */
import { findChromium } from "../../agents/find_chromium.ts";
import type { App } from "../app.ts";
import { SECOND_MS } from "../clock.ts";
import { AppError } from "../errors.ts";

/** How long a look for the browser holds: pages say on every view whether there is one. */
const LOOK_HOLDS_MS = 30 * SECOND_MS;
const looks = new WeakMap<App["config"], { atMs: number; found: string | null }>();

/** Absolute path of the browser that makes PDF, as of half a minute ago at most; null: there is none. */
export function pdfBrowser({ config, clock }: Pick<App, "config" | "clock">): string | null {
  const nowMs = clock.nowMs();
  const known = looks.get(config);
  if (known && Math.abs(nowMs - known.atMs) < LOOK_HOLDS_MS) return known.found;
  const found = findChromium(config.chromium, Deno.env.get("PATH") ?? "");
  looks.set(config, { atMs: nowMs, found });
  return found;
}

/** One at a time: a browser takes memory. Throws `conflict` where there is none, or it fails. */
export async function pdfOf(
  app: App,
  html: string,
  signal: AbortSignal,
): Promise<Uint8Array<ArrayBuffer>> {
  const chromium = pdfBrowser(app);
  if (chromium === null) {
    const { chromium: configured } = app.config;
    throw new AppError(
      "conflict",
      `Cannot make a PDF: ${
        configured === ""
          ? "there is no Chromium, Chrome or Edge on this machine. Install one, name it in the setting chromium,"
          : `there is no program ${configured}, which the setting chromium names. Mend that`
      } or export HTML and print it from your browser: it has a style for paper`,
    );
  }
  return await app.turnstile.through("pdf", async () => {
    const { printPdf } = await import("../../agents/print_pdf.ts");
    return await printPdf({ chromium, html, signal });
  });
}
