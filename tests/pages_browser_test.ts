/**
 * The pages in a real browser, filled with fixture records: accessible, within their width, quiet on the
 * console, live, and usable by keyboard and without scripts. The journey test covers the real server.
 */
import { deepStrictEqual as deepEqual, match, ok, strictEqual as equal } from "node:assert";
import axe from "axe-core/axe.min.js";
import { h } from "preact";
import type { Browser, Page } from "playwright-core";
import type { RunEventBody } from "../agents/protocol.ts";
import { MINUTE_MS } from "../server/clock.ts";
import { activityPartial, itemsPartial } from "../views/activity.tsx";
import { foldActivity, itemsSince } from "../views/activity_fold.ts";
import { lineId } from "../views/diff_place.ts";
import { framePartials } from "../views/layout.tsx";
import { liveTextPartial, replace, statusPartial } from "../views/live.tsx";
import { IdeaRow } from "../views/ideas.tsx";
import {
  chromiumPath,
  desktop,
  launchBrowser,
  listenTo,
  needsChromium,
  openPage,
  type PageOptions,
  phone,
} from "./browser.ts";
import * as a from "./pages_fixture.ts";
import { samplePages } from "./sample_pages.tsx";
import { type SampleServer, startSampleServer } from "./sample_server.ts";

/** A step gets a fresh page of the shared browser; afterwards nothing may have been complained about. */
interface Stage {
  page: Page;
  server: SampleServer;
  /** Opens a page of the server and waits until its scripts are in charge. */
  open(path: string): Promise<void>;
  /** What the console is expected to say in this step. */
  expected: RegExp[];
}

const hydrated =
  "document.documentElement.classList.contains('js') && document.body._htmx !== undefined" +
  " || document.querySelector('[data-htmx-powered]') !== null";

async function onStage(
  browser: Browser,
  options: Partial<PageOptions>,
  act: (stage: Stage) => Promise<void>,
): Promise<void> {
  await using server = startSampleServer();
  await using watched = await openPage(browser, {
    ...{ viewport: desktop, nowMs: a.NOW_MS },
    ...options,
  });
  const { page, problems } = watched;
  listenForWarnings(page, problems);
  const stage: Stage = {
    page,
    server,
    expected: [],
    async open(path) {
      await page.goto(server.url + path);
      await page.waitForFunction(hydrated);
    },
  };
  await act(stage);
  deepEqual(problems.filter((text) => !stage.expected.some((known) => known.test(text))), []);
}

const listenForWarnings = (page: Page, problems: string[]): void =>
  void page.on("console", (message) => {
    if (message.type() === "warning") problems.push(message.text());
  });

const focused = (page: Page): Promise<string> =>
  page.evaluate(() => {
    const active = document.activeElement!;
    return `${active.tagName.toLowerCase()}${active.id ? `#${active.id}` : ""}`;
  });

const textOf = (page: Page, selector: string): Promise<string> =>
  page.locator(selector).evaluate((element) => element.textContent ?? "");

Deno.test({
  name: `the pages work in a browser${needsChromium}`,
  ignore: chromiumPath === null,
  async fn(t) {
    const browser = await launchBrowser();
    const step = (
      name: string,
      act: (stage: Stage) => Promise<void>,
      options: Partial<PageOptions> = {},
    ) => t.step(name, () => onStage(browser, options, act));
    try {
      await step(
        "every page is free of axe findings and fits: light, dark, wide, narrow",
        inspect,
      );
      await step("every page comes whole by itself, with no word in the console", loadEach);
      await step("a page costs at most eight requests and 60 KB", weigh);
      await step(
        "a navigation swaps the page, moves the focus and the stream, and goes back",
        navigate,
      );
      await step("a message that goes by itself takes nothing of the next page along", outlive);
      await step("a refused form comes back with the focus on its summary", refuse);
      await step("a server error changes nothing and offers to try again", fail);
      await step("streamed text, new steps and the title arrive by themselves", stream);
      await step("after a cut connection nothing is lost or doubled", reconnect);
      await step("a live update keeps what is open, typed and focused", survive);
      await step("the focus goes to the next row when its row is gone", loseRow);
      await step("on a phone no decision stands alone in its bar's second row", decide);
      await step("the diff is in sight at once, and its lines' numbers are easy to press", review);
      await step("a message stays in sight however far down the page is", glance);
      await step("a message covers nothing that has the focus, however long it is", uncover);
      await step("on the narrowest page no label and no field's words are cut", narrow);
      await step("the titles of a list begin under each other", align);
      await step("of a bar's panels one is open, and what was typed in another is kept", panels);
      await step("so it is without scripts", panels, { javaScriptEnabled: false });
      await step("a menu closes when another opens or something else is pressed", menus);
      await step("menus close each other without scripts too", menusAlone, {
        javaScriptEnabled: false,
      });
      await step("following keeps the end in sight until a person scrolls up", follow);
      await step("keys press what carries them, and are off while typing", useKeys);
      await step("a card is dropped on a column that its state allows, and on no other", drag);
      await step(
        "a line opens its comment form under it, Cancel and Esc lead back, typed words stay",
        comment,
      );
      await step("searching keeps the focus in its field", search);
      await step("without scripts every form and the comment form still work", withoutScripts, {
        javaScriptEnabled: false,
      });
    } finally {
      await browser.close();
    }
  },
});

// ------------------------------------------------------------------ looks

/** Everything unfolded, so that what is behind a summary is looked at too. */
const unfold = (page: Page): Promise<void> =>
  page.evaluate(() => document.querySelectorAll("details").forEach((part) => part.open = true));

const everyPath = () => [...Object.keys(samplePages), "/development?view=board"];

/** As whoever follows a bookmark: what the page's own first load says is heard by the stage. */
async function loadEach({ open }: Stage): Promise<void> {
  for (const path of everyPath()) await open(path);
}

async function inspect({ page, open, server }: Stage): Promise<void> {
  const paths = everyPath();
  const problems: string[] = [];
  await page.context().addInitScript(axe.source);
  await open("/");
  const other = await page.context().newPage();
  listenTo(other, problems);
  listenForWarnings(other, problems);
  await other.goto(server.url);
  await other.waitForFunction(hydrated);
  await Promise.all([page, other].map(async (tab) => {
    const window = await page.context().newCDPSession(tab);
    const resize = async (width: number) =>
      void await window.send("Emulation.setDeviceMetricsOverride", {
        ...{ width, height: desktop.height, deviceScaleFactor: 1, mobile: false },
      });
    for (let path = paths.shift(); path !== undefined; path = paths.shift()) {
      problems.push(...await look(tab, path, resize));
    }
  }));
  deepEqual(problems, []);
}

/** Pixels of the narrowest phone: what fits there fits a wider one, which shows it in the same layout. */
const NARROWEST = 320;

/**
 * The first look is at the page as it comes, with every rule; in the others all is unfolded. What does not hang on
 * colours is the same in light and dark, so it is looked at once for each layout. A text's contrast is looked at
 * on every page once, and in the other looks once for all pages where it is coloured in the same way.
 */
const looks = [
  { width: desktop.width, colorScheme: "light", rules: "all" },
  { width: desktop.width, colorScheme: "dark", rules: "new colours" },
  { width: 768 },
  { width: NARROWEST, colorScheme: "dark", rules: "new colours and layout" },
  { width: NARROWEST, colorScheme: "light", rules: "new colours" },
] as const;

async function look(
  tab: Page,
  path: string,
  resize: (width: number) => Promise<void>,
): Promise<string[]> {
  const problems: string[] = [];
  const [{ width: first }] = looks;
  let wide: number = first;
  await resize(wide);
  await swap(tab, path);
  for (const { width, ...seen } of looks) {
    // To change the size is dear: it is drawn again.
    if (wide !== width) await resize(wide = width);
    if ("rules" in seen) {
      await tab.emulateMedia({ colorScheme: seen.colorScheme });
      for (const finding of await findings(tab, seen.rules, seen.colorScheme)) {
        problems.push(`${path} ${width} ${seen.colorScheme}: ${finding}`);
      }
      await unfold(tab);
    }
    const over = await tab.evaluate(() => document.documentElement.scrollWidth - innerWidth);
    if (over > 0) problems.push(`${path} at ${width}: ${over} pixels too wide`);
  }
  return problems;
}

/**
 * Puts a page in the place of the one before, as a link does: to load each from nothing takes three times as long,
 * and axe would be compiled again. Nothing of the one before is kept, unlike after a link.
 */
const swap = (tab: Page, path: string): Promise<void> =>
  tab.evaluate(async (path) => {
    const before = document.querySelector("#app")!;
    history.replaceState(null, "", path);
    // deno-lint-ignore no-explicit-any
    await (globalThis as any).htmx.ajax("GET", path, {
      ...{ target: "#app", select: "#app", swap: "outerHTML" },
    });
    const { length } = document.querySelectorAll("#app");
    if (before.isConnected || length !== 1) throw new Error(`${path} did not come`);
  }, path);

/** What axe says with these rules. */
const findings = (
  page: Page,
  rules: "all" | "new colours" | "new colours and layout",
  colorScheme: string,
): Promise<string[]> =>
  page.evaluate(async ({ rules, colorScheme }) => {
    // deno-lint-ignore no-explicit-any
    const { axe, seenColours } = globalThis as any as {
      // deno-lint-ignore no-explicit-any
      axe: any;
      seenColours?: Set<string>;
    };
    const known = seenColours ?? new Set<string>();
    Object.assign(globalThis, { seenColours: known });
    const contrast = "color-contrast";
    const options = {
      preload: false,
      resultTypes: ["violations"],
      // To work out how each element could be addressed takes a quarter of the time, and nobody asks for it.
      selectors: false,
    };
    const all: unknown[] = [];
    const run = async (context: unknown, more: object) =>
      void all.push(...(await axe.run(context, { ...options, ...more })).violations);
    if (rules === "all") await run(document, {});
    if (rules.endsWith("layout")) {
      await run(document, { rules: { [contrast]: { enabled: false } } });
    }
    const fresh = newlyColoured();
    if (rules !== "all" && fresh.length > 0) await run({ include: fresh }, { runOnly: [contrast] });
    // deno-lint-ignore no-explicit-any
    return (all as any[]).map((v) =>
      // deno-lint-ignore no-explicit-any
      `${v.id}: ${v.nodes.map((n: any) => n.html).join(" | ")}`
    );

    /** Elements with words of their own, where nothing that is about their colours was the same before. */
    function newlyColoured(): Element[] {
      const found: Element[] = [];
      const visit = (element: Element, around: string) => {
        if (!element.checkVisibility()) return;
        const style = getComputedStyle(element);
        const own = [
          ...[style.color, style.backgroundColor, style.backgroundImage, style.opacity],
          ...[style.fontSize, style.fontWeight, style.textShadow, style.filter],
          ...[style.mixBlendMode, style.visibility, style.position, style.boxShadow],
        ].join();
        // What changes nothing of what is around it leaves no trace.
        const chain = around.endsWith(own) ? around : `${around}>${own}`;
        const speaks = element.matches("input, select, textarea") ||
          [...element.childNodes].some((node) =>
            node.nodeType === Node.TEXT_NODE && node.nodeValue!.trim() !== ""
          );
        if (speaks && !known.has(chain)) {
          known.add(chain);
          found.push(element);
        }
        for (const child of element.children) visit(child, chain);
      };
      visit(document.body, colorScheme);
      return found;
    }
  }, { rules, colorScheme });

const MAX_REQUESTS = 8;
const MAX_BYTES = 60_000;

async function weigh({ page, open, server }: Stage): Promise<void> {
  let bytes = 0;
  let requests = 0;
  page.on("requestfinished", async (request) => {
    const { responseBodySize } = await request.sizes();
    bytes += responseBodySize;
  });
  page.on("request", () => requests++);
  await open("/tickets/tkt_save");
  await server.streamOpened(1);
  ok(requests <= MAX_REQUESTS, `${requests} requests`);
  ok(bytes <= MAX_BYTES, `${bytes} bytes`);
}

// ------------------------------------------------------------------ moving about

async function navigate({ page, server, open }: Stage): Promise<void> {
  await open("/");
  await server.streamOpened(1);
  await page.click("nav >> text=Ideas");
  await page.waitForFunction(() => document.title.includes("Ideas"));
  equal(new URL(page.url()).pathname, "/ideas");
  await page.locator("h1:focus").waitFor();
  equal(await page.getAttribute("#nav .icon-ideas", "aria-current"), "page");
  equal(await page.getAttribute("#nav .icon-home", "aria-current"), null);
  await server.streamOpened(2);
  deepEqual(server.streams.map(({ path }) => path), ["/live/home", "/live/ideas"]);
  equal(await page.locator("[data-stream]").count(), 1);

  await page.click("text=Show the fuel in the HUD");
  await page.waitForFunction(() => location.pathname === "/ideas/idea_q");
  await page.goBack();
  await page.waitForFunction(() => document.querySelector("h1")?.textContent === "Ideas");
  await page.waitForFunction(() => document.activeElement?.tagName === "H1");
  await server.streamOpened(4);
}

async function outlive({ page, open }: Stage): Promise<void> {
  await page.clock.install({ time: a.NOW_MS });
  await open("/troubled");
  const flash = page.locator("[data-flash]");
  equal(await flash.count(), 1);
  await page.click("nav >> text=Jobs");
  await page.waitForFunction(() => document.title.includes("Jobs"));
  equal(await flash.count(), 0);
  const parts = () => page.locator("main > *").count();
  const before = await parts();
  // A message stays while it is used.
  await page.mouse.move(0, 0);
  await page.evaluate(() => (document.activeElement as HTMLElement | null)?.blur());
  await page.clock.fastForward(MINUTE_MS);
  equal(await parts(), before);

  await open("/troubled");
  await page.clock.fastForward(MINUTE_MS);
  equal(await flash.count(), 0);
}

async function refuse(stage: Stage): Promise<void> {
  const { page, server, open } = stage;
  stage.expected = [/422/];
  await open("/ideas/idea_save");
  server.nextPost = { status: 422, page: "/projects/refused" };
  await page.click("text=Reject");
  await page.locator("textarea#rejection-reason:focus").waitFor();
  await page.fill("#rejection-reason", "Too small");
  await page.click("#reject button");
  await page.waitForFunction(() => document.activeElement?.matches("[data-error-summary]"));
  deepEqual(server.posts, [{ path: "/ideas/idea_save/reject", fields: { reason: "Too small" } }]);
  equal(
    new URL(page.url()).pathname,
    "/ideas/idea_save",
    "a refused form does not change the address",
  );
  await page.click("[data-error-summary] a");
  await page.locator("input#project-path:focus").waitFor();
}

async function fail(stage: Stage): Promise<void> {
  const { page, server, open } = stage;
  stage.expected = [/500/];
  await open("/ideas/idea_save");
  server.nextPost = { status: 500, page: "/missing" };
  await page.click("text=Reject");
  await page.fill("#rejection-reason", "Too small");
  await page.click("#reject button");
  await page.waitForSelector(".toast");
  equal(await page.inputValue("#rejection-reason"), "Too small");
  equal(new URL(page.url()).pathname, "/ideas/idea_save");
  // The message goes with the press, before the server has heard of it.
  const again = page.waitForResponse((response) => response.request().method() === "POST");
  await page.click(".toast >> text=Retry");
  await again;
  await page.waitForFunction(() => document.querySelector(".toast") === null);
  equal(server.posts.length, 2);
}

// ------------------------------------------------------------------ in reach

/** How many controls each row of the page's bar has. */
const barRows = (page: Page): Promise<number[]> =>
  page.evaluate(() => {
    const rows = new Map<number, number>();
    for (const control of document.querySelectorAll(".action-bar :is(summary, .button)")) {
      if (!control.checkVisibility()) continue;
      const { top, height } = control.getBoundingClientRect();
      const middle = Math.round(top + height / 2);
      rows.set(middle, (rows.get(middle) ?? 0) + 1);
    }
    return [...rows.values()];
  });

async function decide({ page, open }: Stage): Promise<void> {
  for (const width of [390, 320]) {
    await page.setViewportSize({ ...phone, width });
    await open("/tickets/tkt_save/review");
    deepEqual(await barRows(page), [1, 2], `review at ${width}`);
    await open("/ideas/idea_save");
    deepEqual(await barRows(page), [3], `idea at ${width}`);
    await open("/tickets/tkt_blocked");
    deepEqual(await barRows(page), [3], `ticket at ${width}`);
  }
}

async function review({ page, open }: Stage): Promise<void> {
  for (const viewport of [desktop, phone]) {
    await page.setViewportSize(viewport);
    await open("/tickets/tkt_save/review");
    const top = await page.locator(".diff").evaluate((diff) => diff.getBoundingClientRect().top);
    ok(top < viewport.height * 0.7, `the diff begins at ${top}`);
    const heights = await page.locator(".diff-lines .ln a").evaluateAll((all) =>
      all.map((link) => link.getBoundingClientRect().height)
    );
    ok(heights.length > 0 && Math.min(...heights) >= 24, `${heights}`);
    // However many files there are
    const below = await page.locator("#review-files > .file-list").evaluate((list) => {
      for (let n = 0; n < 30; n++) list.append(list.firstElementChild!.cloneNode(true));
      return document.querySelector(".diff")!.getBoundingClientRect().top;
    });
    ok(below < viewport.height * 0.7, `with many files the diff begins at ${below}`);
  }
}

async function narrow({ page, open }: Stage): Promise<void> {
  await page.setViewportSize({ width: 320, height: 700 });
  await open("/ideas");
  // A field does not overflow by its placeholder: that is measured in the field's font.
  const spare = await page.locator(".filter-form > input").evaluate((field: HTMLInputElement) => {
    const canvas = document.createElement("canvas").getContext("2d")!;
    const { font, paddingInlineStart } = getComputedStyle(field);
    canvas.font = font;
    const room = field.clientWidth - 2 * parseFloat(paddingInlineStart);
    return room - canvas.measureText(field.placeholder).width;
  });
  ok(spare >= 0, `the search field lacks ${-spare} pixels`);
  const over = await page.locator("#nav .nav-label").evaluateAll((all) =>
    all.filter((label) => label.checkVisibility()).map((label) =>
      label.getBoundingClientRect().width -
      label.closest(".nav-link")!.getBoundingClientRect().width
    )
  );
  ok(over.length >= 4 && Math.max(...over) <= 0, `labels wider than their links: ${over}`);
}

async function align({ page, open }: Stage): Promise<void> {
  for (const path of ["/ideas", "/development"]) {
    await open(path);
    const starts = await page.locator(".row .row-title").evaluateAll((all) =>
      all.map((title) => Math.round(title.getBoundingClientRect().left))
    );
    ok(starts.length > 1 && new Set(starts).size === 1, `${path}: ${starts}`);
  }
}

async function glance({ page, open }: Stage): Promise<void> {
  for (const width of [desktop.width, 320]) {
    await page.setViewportSize({ width, height: 600 });
    await open("/troubled");
    await page.evaluate(() => scrollTo(0, document.body.scrollHeight));
    ok(await page.evaluate(() => scrollY) > 600);
    const [top, head] = await page.evaluate(() =>
      ["#flash", ".top"].map((part) => document.querySelector(part)!.getBoundingClientRect())
    );
    ok(top!.top >= head!.bottom && top!.bottom < 300, `at ${width}: ${JSON.stringify(top)}`);
  }
}

async function uncover({ page, open }: Stage): Promise<void> {
  for (const path of ["/troubled", "/troubled?long"]) {
    for (const [width, height] of [[desktop.width, 800], [320, 700], [320, 400]] as const) {
      await page.setViewportSize({ width, height });
      await open(path);
      await page.evaluate(() => scrollTo(0, document.body.scrollHeight));
      const covered = await page.evaluate(() => {
        const flash = document.querySelector("#flash")!;
        const controls = [
          ...document.querySelectorAll<HTMLElement>("main :is(a, button, summary)"),
        ];
        // From the end to the beginning, as Shift+Tab goes: what is above comes up under the message.
        return controls.reverse().filter((control) => {
          if (flash.contains(control) || !control.checkVisibility()) return false;
          control.focus();
          const [focus, message] = [control, flash].map((part) => part.getBoundingClientRect());
          return focus!.top < message!.bottom && focus!.bottom > message!.top;
        }).map((control) => control.outerHTML);
      });
      deepEqual(covered, [], `${path} at ${width} x ${height}`);
    }
  }
}

const openMenus = (page: Page): Promise<string[]> =>
  page.locator(".row-menu[open]").evaluateAll((all) => all.map(({ id }) => id));

async function menusAlone({ page, server }: Stage): Promise<void> {
  await page.goto(`${server.url}/development`);
  const menu = page.locator(".row-menu");
  await menu.nth(0).locator("summary").click();
  await menu.nth(1).locator("summary").press("Enter");
  deepEqual(await openMenus(page), [await menu.nth(1).getAttribute("id")]);
}

async function menus(stage: Stage): Promise<void> {
  await menusAlone(stage);
  await stage.page.waitForFunction(hydrated);
  await stage.page.click("h1");
  deepEqual(await openMenus(stage.page), []);
}

async function panels({ page, server }: Stage): Promise<void> {
  const open = page.locator(".action-bar details[open]");
  for (const path of ["/tickets/tkt_save/review", "/ideas/idea_save"]) {
    await page.goto(server.url + path);
    await page.locator("#request-changes > summary").click();
    await page.locator("#request-changes textarea").fill("Smaller, please");
    await page.locator("#reject > summary").click();
    deepEqual(await open.evaluateAll((all) => all.map(({ id }) => id)), ["reject"], path);
    await page.locator("#request-changes > summary").click();
    equal(await page.locator("#request-changes textarea").inputValue(), "Smaller, please");
  }
}

// ------------------------------------------------------------------ live

const more = [...a.runBodies, ...a.turn(4, { text: "Now the test is written." })];
const items = (since: number) => itemsSince(foldActivity(a.eventsOf(more)), since);
const news = (since: number, liveText = "") =>
  itemsPartial({ run: a.run(), items: items(since), liveText, nowMs: a.NOW_MS });
const steps = (page: Page) => page.locator("#activity-run_dev > li").count();

async function stream({ page, server, open }: Stage): Promise<void> {
  await open("/tickets/tkt_save");
  await server.streamOpened(1);
  deepEqual(server.streams, [{ path: "/live/ticket/tkt_save", after: "100" }]);
  const before = await steps(page);
  server.send(null, liveTextPartial("run_dev", "Now I write the test\nand run it"));
  await page.waitForFunction(() =>
    document.querySelector("#live-run_dev")?.textContent === "Now I write the test\nand run it"
  );
  server.send(120, news(a.runBodies.length));
  await page.waitForFunction(
    (n) => document.querySelectorAll("#activity-run_dev > li").length === n + 1,
    before,
  );
  equal(await textOf(page, "#live-run_dev"), "");
  server.send(
    121,
    h("div", {}, [
      framePartials({
        shell: a.shell({ counts: { needs: 9, ideas: 2, development: 7 } }),
        current: "development",
        title: "Fix",
        status: "Tests passed",
      }),
    ]).props.children as never,
  );
  await page.waitForFunction(() => document.title === "(9) Fix · Gaffer");
  equal(await textOf(page, "#status"), "Tests passed");
  match(await textOf(page, "#nav .icon-development"), /7/);
  // Another run took its place.
  server.send(
    130,
    activityPartial({
      run: a.run({ id: "run_fix", agent: "tester" }),
      events: a.eventsOf(a.runBodies.slice(0, 1), 1, "run_fix"),
      liveText: "",
      allHref: null,
      nowMs: a.NOW_MS,
    }),
  );
  await page.waitForSelector("#activity-run_fix");
  equal(await page.locator("#activity-run_dev").count(), 0);
}

async function reconnect({ page, server, open }: Stage): Promise<void> {
  await open("/tickets/tkt_save");
  await server.streamOpened(1);
  const before = await steps(page);
  server.send(125, news(a.runBodies.length));
  await page.waitForFunction(
    (n) => document.querySelectorAll("#activity-run_dev > li").length === n + 1,
    before,
  );
  server.cut();
  await server.streamOpened(2);
  equal(server.streams[1]?.after, "125", "the browser says what it has seen last");
  // The server may send an item again, here with the whole run: each stays once, in its place.
  server.send(126, news(0));
  server.send(127, statusPartial("replayed"));
  await page.waitForFunction(() => document.querySelector("#status")?.textContent === "replayed");
  equal(await steps(page), before + 1);
  const ids = await page.locator("#activity-run_dev > li").evaluateAll((all) =>
    all.map((li) => li.id)
  );
  deepEqual(ids, items(0).map(({ first }) => `e${first}`));
}

async function survive({ page, server, open }: Stage): Promise<void> {
  await open("/tickets/tkt_save");
  await server.streamOpened(1);
  await page.click("text=What the agent was given");
  await page.click("#cancel > summary");
  await page.focus("#about-sub_1 > summary");
  server.send(
    140,
    activityPartial({
      run: a.run(),
      events: a.eventsOf(more),
      liveText: "",
      allHref: null,
      nowMs: a.NOW_MS,
    }),
  );
  await page.waitForFunction(() => document.body.textContent?.includes("Now the test is written."));
  ok(await page.locator("#given").evaluate((details) => (details as HTMLDetailsElement).open));
  ok(await page.locator("#cancel").evaluate((details) => (details as HTMLDetailsElement).open));
  equal(await page.evaluate(() => document.activeElement?.parentElement?.id), "about-sub_1");
}

async function loseRow({ page, server, open }: Stage): Promise<void> {
  await open("/ideas");
  await server.streamOpened(1);
  await page.focus("#idea-idea_q a");
  const row = (id: string) =>
    h(IdeaRow, {
      key: id,
      idea: a.idea({ id, number: 14, title: "Load faster", status: "refining" }),
      projectName: "Space game",
      openQuestions: 0,
      delay: null,
      nowMs: a.NOW_MS,
      showProject: false,
    });
  const list = h("section", { id: "idea-list", "aria-label": "List of ideas" }, [
    h("ul", { class: "rows panel" }, [row("idea_save"), row("idea_r")]),
  ]);
  server.send(150, replace("idea-list", list));
  await page.waitForFunction(() => document.querySelector("#idea-idea_q") === null);
  equal(await page.evaluate(() => document.activeElement?.closest("li")?.id), "idea-idea_r");
}

const followText = (page: Page, text: string) =>
  page.waitForFunction((t) => document.querySelector("[data-follow]")?.textContent === t, text);

const atEnd = (page: Page): Promise<boolean> =>
  page.evaluate(() =>
    document.querySelector("[data-activity]")!.getBoundingClientRect().bottom <= innerHeight
  );

/** A step of the activity is gone to, unfolded and folded by keys; its lines wrap or do not, by the person's choice. */
async function unfoldStep(page: Page): Promise<void> {
  const open = () => page.locator(":focus[data-step] details[open]").count();
  const folds = page.locator(":focus[data-step] details");
  for (let step = 0; step < 20 && await folds.count() === 0; step++) await page.keyboard.press("n");
  ok(await folds.count() > 0);
  await page.keyboard.press("Enter");
  equal(await open(), await folds.count());
  await page.keyboard.press("Enter");
  equal(await open(), 0);
  const wraps = () =>
    page.evaluate(() => getComputedStyle(document.querySelector("#activity .output")!).whiteSpace);
  equal(await wraps(), "pre-wrap");
  await page.keyboard.press("w");
  equal(await wraps(), "pre");
  equal(await page.locator("[data-wrap]").getAttribute("aria-pressed"), "false");
  await page.keyboard.press("w");
  equal(await wraps(), "pre-wrap");
  await page.focus("h1");
}

async function follow({ page, server, open }: Stage): Promise<void> {
  await page.setViewportSize({ width: 1280, height: 500 });
  await open("/tickets/tkt_save");
  await server.streamOpened(1);
  await unfoldStep(page);
  await page.evaluate(() => scrollTo({ top: 0, behavior: "instant" }));
  ok(!await atEnd(page));
  await page.keyboard.press("f");
  await followText(page, "Following");
  ok(await atEnd(page));
  const long = a.turn(4, { text: "One more line.\n\n".repeat(40) });
  const send = (seq: number, bodies: RunEventBody[]) =>
    server.send(
      seq,
      itemsPartial({
        run: a.run(),
        items: foldActivity(a.eventsOf(bodies, seq)),
        liveText: "",
        nowMs: a.NOW_MS,
      }),
    );
  send(200, long);
  await page.waitForSelector("#e200");
  ok(await atEnd(page), "what is new is in sight");
  await page.mouse.move(600, 300);
  await page.mouse.wheel(0, -600);
  await followText(page, "Follow");
  send(300, a.turn(5, { text: "Later." }));
  await followText(page, "1 new");
  ok(!await atEnd(page), "the person's place is left alone");
}

// ------------------------------------------------------------------ board

async function drag({ page, open, server }: Stage): Promise<void> {
  await open("/development?view=board");
  const column = (name: string) => page.locator(`[data-column=${name}]`);
  const card = column("queued").locator("[data-card]").first();
  const path = await card.locator("form[data-move-to=in_progress]").getAttribute("action");
  await card.dragTo(column("done"));
  await card.dragTo(column("queued").locator("h2"));
  deepEqual(server.posts, []);
  const sent = page.waitForResponse((response) => response.request().method() === "POST");
  await card.dragTo(column("in_progress"));
  await sent;
  deepEqual(server.posts, [{ path, fields: {} }]);
  equal(await page.locator(".is-legal, .is-over").count(), 0);

  await card.locator("a").first().focus();
  await page.keyboard.press("m");
  ok(await card.locator("details").evaluate((menu: HTMLDetailsElement) => menu.open));
}

// ------------------------------------------------------------------ keyboard

async function useKeys({ page, server, open }: Stage): Promise<void> {
  await open("/");
  await page.keyboard.press("g");
  await page.keyboard.press("i");
  await page.waitForFunction(() =>
    location.pathname === "/ideas" && document.activeElement?.tagName === "H1"
  );
  await page.keyboard.press("j");
  await page.keyboard.press("j");
  equal(await page.evaluate(() => document.activeElement?.closest("li")?.id), "idea-idea_q");
  await page.keyboard.press("k");
  await page.keyboard.press("Enter");
  await page.waitForFunction(() => location.pathname === "/ideas/idea_save");
  await page.keyboard.press("r");
  await page.waitForFunction(() => document.activeElement?.id === "changes-feedback");
  await page.keyboard.type("gi? smaller");
  equal(await page.inputValue("#changes-feedback"), "gi? smaller", "keys are off while typing");
  const sent = page.waitForResponse((answer) => answer.request().method() === "POST");
  await page.keyboard.press("Control+Enter");
  await sent;
  await page.waitForFunction(() => document.activeElement?.id !== "changes-feedback");
  deepEqual(server.posts, [{
    path: "/ideas/idea_save/request-changes",
    fields: { feedback: "gi? smaller" },
  }]);
  await page.focus("h1");
  await page.keyboard.press("?");
  match(await textOf(page, "dialog"), /Ideas/);
  await page.keyboard.press("Escape");
  await page.waitForFunction(() => document.querySelector("dialog") === null);
  await page.keyboard.press("c");
  await page.waitForFunction(() => document.activeElement?.getAttribute("name") === "title");
  equal(new URL(page.url()).pathname, "/ideas");
  await open("/settings");
  await page.uncheck("#keys-switch");
  await page.focus("h1");
  await page.keyboard.press("?");
  equal(await page.locator("dialog").count(), 0, "single keys can be switched off");
}

const place = { path: "src/save.sh", line: 14, side: "new" } as const;

async function comment({ page, server, open }: Stage): Promise<void> {
  await open("/tickets/tkt_save/review");
  await page.click(`#${lineId(place)} .ln a`);
  await page.waitForFunction(() => document.activeElement?.tagName === "TEXTAREA");
  equal(new URL(page.url()).searchParams.get("comment"), "src/save.sh:14");
  const isUnder = await page.locator("#comment-form").evaluate(
    (form, id) => form.closest("tr")?.previousElementSibling?.id === id,
    lineId(place),
  );
  ok(isUnder, "the form stands right under the line");
  await page.click("#comment-form >> text=Cancel");
  await page.waitForFunction(() => document.querySelector("#comment-form") === null);
  equal(await page.evaluate(() => document.activeElement?.closest("tr")?.id), lineId(place));
  const reopen = async () => {
    await page.keyboard.press("Enter");
    await page.waitForSelector("#comment-form");
    await page.waitForFunction(() => document.activeElement?.tagName === "TEXTAREA");
  };
  await reopen();
  await page.keyboard.press("Escape");
  await page.waitForFunction(() => document.querySelector("#comment-form") === null);
  equal(await page.evaluate(() => document.activeElement?.closest("tr")?.id), lineId(place));
  await reopen();
  await page.keyboard.type("Why not mktemp?");
  await page.keyboard.press("Escape");
  equal(await page.evaluate(() => document.activeElement?.textContent), "Cancel");
  equal(await page.inputValue("#comment-form textarea"), "Why not mktemp?");
  await page.focus("#comment-form textarea");
  await page.keyboard.press("Control+Enter");
  await page.waitForFunction(() => document.querySelector("#comment-form") === null);
  deepEqual(server.posts, [{
    path: "/tickets/tkt_save/comments",
    fields: {
      path: "src/save.sh",
      line: "14",
      side: "new",
      commit: "4f2a9c1d8e7b6a5f4e3d2c1b0a9f8e7d6c5b4a39",
      body: "Why not mktemp?",
    },
  }]);
  ok(await focused(page) !== "body");
}

async function search({ page, open }: Stage): Promise<void> {
  await open("/ideas");
  await page.focus("#idea-search");
  await page.keyboard.type("fuel");
  await page.waitForFunction(() => document.querySelectorAll("#idea-list li.row").length === 1);
  await page.waitForFunction(() => new URL(location.href).searchParams.get("q") === "fuel");
  equal(await focused(page), "input#idea-search");
  equal(await page.inputValue("#idea-search"), "fuel");
}

// ------------------------------------------------------------------ without scripts

async function withoutScripts({ page, server }: Stage): Promise<void> {
  await page.goto(`${server.url}/tickets/tkt_save/review`);
  await page.click(`#${lineId(place)} .ln a`);
  await page.fill("#comment-form textarea", "Why not mktemp?");
  await page.click("#comment-form button");
  await page.click("#approve > summary");
  await page.click("#approve button");
  await page.goto(`${server.url}/ideas/idea_save`);
  await page.click("text=Approve");
  deepEqual(server.posts.map(({ path }) => path), [
    "/tickets/tkt_save/comments",
    "/tickets/tkt_save/approve",
    "/ideas/idea_save/approve",
  ]);
  equal(server.posts[2]?.fields.include_2, "1");
  equal(server.posts[2]?.fields.title_1, "Write saves through a temporary file");
}
