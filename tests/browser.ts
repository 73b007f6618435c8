/** A real Chromium for the tests; they are skipped, by name, where there is none. */
import type { Browser, BrowserContext, ConsoleMessage, Page } from "playwright-core";

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
  /** The test leaves behind what can't be taken away (a moved clock, scripts that run first): nobody gets it after it. */
  alone?: boolean;
}

/**
 * Gives a page that knows nothing: none that is open already, with no cookies, storage, dialogs or listeners. To make
 * each anew costs as much as what most tests do with it, so one that a test is done with is emptied for the next.
 */
export async function openPage(browser: Browser, options: PageOptions): Promise<WatchedPage> {
  const { javaScriptEnabled = true, hasTouch = false, nowMs, alone } = options;
  const key = JSON.stringify({ javaScriptEnabled, hasTouch, nowMs });
  const context = emptied.get(browser)?.get(key)?.pop() ?? await newContext(browser, options);
  const page = context.pages()[0]!;
  await page.emulateMedia({ colorScheme: options.colorScheme ?? "light" });
  await page.setViewportSize(options.viewport);
  const problems: string[] = [];
  const onConsole = (message: ConsoleMessage) => {
    if (message.type() === "error") problems.push(message.text());
  };
  const onError = (error: Error) => void problems.push(String(error));
  page.on("console", onConsole);
  page.on("pageerror", onError);
  return {
    page,
    context,
    problems,
    async [Symbol.asyncDispose]() {
      page.off("console", onConsole);
      page.off("pageerror", onError);
      if (alone || !await empty(context)) return await context.close();
      const ofBrowser = emptied.get(browser) ?? new Map<string, BrowserContext[]>();
      emptied.set(browser, ofBrowser.set(key, [...ofBrowser.get(key) ?? [], context]));
    },
  };
}

/** Those that wait for the next test, by what can't be changed about them. */
const emptied = new WeakMap<Browser, Map<string, BrowserContext[]>>();

async function newContext(
  browser: Browser,
  { viewport, javaScriptEnabled, hasTouch, nowMs }: PageOptions,
): Promise<BrowserContext> {
  // What moves is drawn without end, by the processor, and no test looks at it.
  const context = await browser.newContext({
    ...{ reducedMotion: "reduce", viewport, javaScriptEnabled, hasTouch },
  });
  context.setDefaultTimeout(60_000);
  if (nowMs !== undefined) await context.clock.setFixedTime(nowMs);
  await context.newPage();
  return context;
}

/** False when its page is no more. */
async function empty(context: BrowserContext): Promise<boolean> {
  const [page, ...others] = context.pages();
  for (const other of others) await other.close();
  if (!page || page.isClosed()) return false;
  // What a page sends when it is left would reach a server that nobody looks at any more.
  await context.setOffline(true);
  if (page.url().startsWith("http")) {
    await page.evaluate(() => [localStorage, sessionStorage].forEach((kept) => kept.clear()));
  }
  await page.mouse.move(0, 0);
  await page.goto("about:blank");
  await context.clearCookies();
  await context.setOffline(false);
  return true;
}
