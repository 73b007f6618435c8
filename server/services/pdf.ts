/** PDF by a browser of this machine, where there is one. */
import { findChromium } from "../../agents/find_chromium.ts";
import type { App } from "../app.ts";
import { AppError } from "../errors.ts";

/** Absolute path of the browser that makes PDF; null: there is none. */
export const pdfBrowser = ({ config }: Pick<App, "config">): string | null =>
  findChromium(config.chromium, Deno.env.get("PATH") ?? "");

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
