/** A real Chromium for the tests; they are skipped, by name, where there is none. */
import type { Browser, BrowserContext, Page } from "playwright-core";

/** First the one without the windows and tabs around its pages, which nobody sees: it computes a third less. */
const EXECUTABLES = [
  "/usr/bin/chromium-headless-shell",
  "/usr/bin/chromium",
  "/usr/bin/chromium-browser",
  "/usr/bin/google-chrome",
];

function executable(): string | null {
  for (const path of EXECUTABLES) {
    try {
      if (Deno.statSync(path).isFile) return path;
    } catch (error) {
      if (!(error instanceof Deno.errors.NotFound)) throw error;
    }
  }
  return null;
}

export const chromiumPath = executable();
/** For the test's name: says why it is skipped. */
export const needsChromium = chromiumPath ? "" : " (skipped: there is no Chromium)";

/**
 * What Chromium is to leave off. Its address bar's suggestions are pages of their own, in a process more for each
 * context, which computed as much as all that a test looks at. A second list takes the place of Playwright's, so
 * what of that list matters here is said again.
 */
const WITHOUT = [
  ...["WebUIOmniboxPopup", "WebUIOmniboxAimPopup"],
  ...["AimEnabled", "AvoidUnnecessaryBeforeUnloadCheckSync", "DestroyProfileOnBrowserClose"],
  ...["HttpsFirstBalancedModeAutoEnable", "HttpsUpgrades", "LensOverlay", "MediaRouter"],
  ...["NetworkTimeServiceQuerying", "OptimizationHints", "PaintHolding", "PreconnectToSearch"],
];

export async function launchBrowser(): Promise<Browser> {
  // Loaded by whom it serves: the path alone is asked for by others, too.
  const { chromium } = await import("playwright-core");
  return await chromium.launch({
    executablePath: chromiumPath!,
    args: [
      `--disable-features=${WITHOUT.join(",")}`,
      "--no-sandbox",
      "--disable-gpu",
      "--disable-background-networking",
      "--disable-component-update",
      "--disable-sync",
      "--disable-quic",
      "--no-first-run",
    ],
  });
}

export const desktop = { width: 1280, height: 800 };
export const phone = { width: 390, height: 844 };

/** A page whose console errors, page errors and refused content make the test fail at `close()`. */
export interface WatchedPage extends AsyncDisposable {
  page: Page;
  context: BrowserContext;
  problems: string[];
}

export interface PageOptions {
  viewport: typeof desktop;
  javaScriptEnabled?: boolean;
  hasTouch?: boolean;
  colorScheme?: "light" | "dark";
  /** Where the page's clock stands still; by default it is the real one. */
  nowMs?: number;
}

/** Adds what goes wrong in the page to `problems`. */
export function listenTo(page: Page, problems: string[]): void {
  page.on("console", (message) => {
    if (message.type() === "error") problems.push(message.text());
  });
  page.on("pageerror", (error) => problems.push(String(error)));
}

export async function openPage(
  browser: Browser,
  { nowMs, ...options }: PageOptions,
): Promise<WatchedPage> {
  // What moves is drawn without end, by the processor, and no test looks at it.
  const context = await browser.newContext({ reducedMotion: "reduce", ...options });
  context.setDefaultTimeout(60_000);
  if (nowMs !== undefined) await context.clock.setFixedTime(nowMs);
  const page = await context.newPage();
  const problems: string[] = [];
  listenTo(page, problems);
  return { page, context, problems, [Symbol.asyncDispose]: () => context.close() };
}

/** Id of what has the focus, or of what it is in; without one its tag. */
export const focused = (page: Page): Promise<string> =>
  page.evaluate("document.activeElement.closest('[id]')?.id ?? document.activeElement.tagName");
