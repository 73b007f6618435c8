/** The board and the list by keys and by hand in a real browser, wide and narrow, and without scripts. */
import { deepStrictEqual as deepEqual, match, strictEqual as equal } from "node:assert";
import type { Page } from "playwright-core";
import type { Ticket } from "../server/records.ts";
import { getTicket } from "../server/store/tickets.ts";
import {
  chromiumPath,
  desktop,
  focused,
  launchBrowser,
  needsChromium,
  openPage,
} from "./browser.ts";
import { listen } from "./http_support.ts";
import { MergeScene } from "./merge_scene.ts";
import { order, tickets } from "./order_support.ts";
import { pagesBench } from "./pages_support.ts";
import { type TestApp, testApp } from "./support.ts";

/** Set by whoever wants to see what the pages look like. */
const SHOTS = Deno.env.get("GAFFER_SCREENSHOTS");

const isFocused = (element: Element) => element === document.activeElement;
const told = (page: Page, words: string) => page.locator("#flash").getByText(words).waitFor();

async function shot(page: Page, name: string): Promise<void> {
  const over = "document.documentElement.scrollWidth - document.documentElement.clientWidth";
  equal(await page.evaluate(over), 0, `${name} is too wide`);
  const width = page.viewportSize()!.width;
  if (SHOTS) await page.screenshot({ path: `${SHOTS}/${name}-${width}.png`, fullPage: true });
}

/** Four that wait. */
const scene = (app: TestApp) => tickets(app, 4) as [Ticket, Ticket, Ticket, Ticket];

Deno.test({
  name:
    `queued tickets are put in order by hand and by keys, each move told and taken back${needsChromium}`,
  ignore: chromiumPath === null,
  async fn() {
    const browser = await launchBrowser();
    try {
      using app = testApp();
      const [a, b, c, d] = scene(app);
      await using server = listen(pagesBench(app).http);
      await using watched = await openPage(browser, { viewport: desktop });
      const { page, problems } = watched;
      const board = `${server.origin}/development?view=board`;
      const card = ({ id }: Ticket) => page.locator(`#ticket-${id}`);
      const column = (name: string) => page.locator(`[data-column=${name}]`);

      await page.goto(board);
      // Onto the upper half of another one: before it; below all: last.
      await card(d).dragTo(card(b), { targetPosition: { x: 20, y: 4 } });
      await told(page, "Ticket #4 comes before #2");
      deepEqual(order(app), [1, 4, 2, 3]);
      match(await card(d).innerText(), /put here by owner/);
      const box = (await card(c).boundingBox())!;
      await card(a).dragTo(card(c), { targetPosition: { x: 20, y: box.height - 4 } });
      await told(page, "Ticket #1 comes after #3");
      deepEqual(order(app), [4, 2, 3, 1]);
      equal(await page.locator(".is-before, .is-after, .is-over").count(), 0);
      equal(await page.locator("#status").textContent(), "Ticket #1 comes after #3");
      // `z` takes it back.
      await page.keyboard.press("z");
      await told(page, "Ticket #1 stands where it stood before");
      deepEqual(order(app), [1, 4, 2, 3]);
      // Where it is already nothing happens, and the queue is left by no drag to Done.
      await card(d).dragTo(card(d));
      await card(d).dragTo(column("done"));
      deepEqual([order(app), getTicket(app.db, d.id).status], [[1, 4, 2, 3], "queued"]);

      // The same by the keys of its menu, which stays closed or open, and with the focus where it was.
      await card(c).locator("a").first().focus();
      await page.keyboard.press("+");
      await told(page, "Ticket #3 comes before #2");
      equal(await focused(page), `ticket-${c.id}`);
      await page.keyboard.press("t");
      await told(page, "Ticket #3 comes before #1");
      await page.keyboard.press("-");
      await told(page, "Ticket #3 comes before #4");
      await page.keyboard.press("m");
      await page.keyboard.press("ArrowDown");
      await page.keyboard.press("ArrowDown");
      equal(await page.evaluate("document.activeElement.textContent"), "Move up");
      await shot(page, "menu");
      await page.keyboard.press("Enter");
      await told(page, "Ticket #3 comes before #1");
      deepEqual(order(app), [3, 1, 4, 2]);
      // Now that it comes first it has no such button any more.
      equal(
        await page.evaluate("document.activeElement.closest('[data-row]').id"),
        `ticket-${c.id}`,
      );

      deepEqual(problems.filter((text) => !/422/.test(text)), []);
    } finally {
      await browser.close();
    }
  },
});

Deno.test({
  name: `a review dropped on Done or In progress is decided in its dialog alone${needsChromium}`,
  ignore: chromiumPath === null,
  async fn() {
    const browser = await launchBrowser();
    try {
      await using it = await MergeScene.make();
      const { app, ticket } = it;
      await using server = listen(pagesBench(app).http);
      await using watched = await openPage(browser, { viewport: desktop });
      const { page, problems } = watched;
      const card = page.locator(`#ticket-${ticket.id}`);
      for (const [to, field] of [["done", "merge-message"], ["in_progress", "changes-remark"]]) {
        await page.goto(`${server.origin}/development?view=board`);
        await card.dragTo(page.locator(`[data-column=${to}]`));
        await page.waitForFunction((id) => document.activeElement?.id === id, field!);
        await shot(page, to!);
        equal(getTicket(app.db, ticket.id).status, "review");
      }
      // By its key on the card, too; without scripts its menu leads there.
      await page.goto(`${server.origin}/development?view=board`);
      await card.locator("a").first().focus();
      await page.keyboard.press("a");
      await page.waitForFunction(() => document.activeElement?.id === "merge-message");
      deepEqual(problems, []);
      await using plain = await openPage(browser, { viewport: desktop, javaScriptEnabled: false });
      await plain.page.goto(`${server.origin}/development?view=board`);
      await plain.page.locator(`#menu-${ticket.id} summary`).click();
      await plain.page.getByRole("link", { name: "Request changes" }).click();
      await plain.page.getByLabel("What should change?").fill("All of it");
      await plain.page.getByRole("button", { name: "Send back" }).click();
      await told(plain.page, "went back to the developer");
      equal(getTicket(app.db, ticket.id).status, "in_progress");
    } finally {
      await browser.close();
    }
  },
});

Deno.test({
  name:
    `rows are gone through, taken in and opened by keys, which the sheet tells of${needsChromium}`,
  ignore: chromiumPath === null,
  async fn() {
    const browser = await launchBrowser();
    try {
      using app = testApp();
      const [a, b, c, d] = scene(app);
      await using server = listen(pagesBench(app).http);
      await using watched = await openPage(browser, { viewport: { ...desktop, width: 320 } });
      const { page, problems } = watched;
      const press = async (...keys: string[]) => {
        for (const key of keys) await page.keyboard.press(key);
      };
      await page.goto(`${server.origin}/development?view=board&column=queued`);
      await press("g", "g");
      equal(await focused(page), `ticket-${a.id}`);
      await press("Shift+g");
      equal(await focused(page), `ticket-${d.id}`);
      await press("ArrowUp", "k");
      equal(await focused(page), `ticket-${b.id}`);
      // Three are taken in, the last one is left out again on the way back.
      const ticked = () =>
        page.locator(".pick input:checked").evaluateAll((boxes) =>
          boxes.map((box) => (box as HTMLInputElement).value)
        );
      await press("Shift+j", "Shift+j");
      deepEqual(await ticked(), [b.id, c.id, d.id]);
      await press("Shift+k");
      deepEqual(await ticked(), [b.id, c.id]);
      equal(await page.locator("#status").textContent(), "2 selected");
      await press("x");
      deepEqual(await ticked(), [b.id]);
      await shot(page, "selected");
      await page.getByRole("button", { name: "Pause", exact: true }).press("Enter");
      await told(page, "Done for 1 of 1 tickets");
      equal(getTicket(app.db, b.id).pausedBy, "owner");

      await press("g", "g", ".");
      equal(
        await page.locator(`#menu-${a.id}`).evaluate((menu) => menu.hasAttribute("open")),
        true,
      );
      await shot(page, "actions");
      await press("Escape", "?");
      const lines = (await page.locator("dialog").innerText()).split("\n");
      for (
        const words of [
          ["g g", "First row"],
          ["Shift g", "Last row"],
          ["Shift j", "Select this row and the next one"],
          ["+", "Move up"],
          ["-", "Move down"],
          ["t", "To the top"],
          ["p", "More urgent"],
          ["x", "Select"],
          ["y", "Copy the address"],
          ["Ctrl k", "Go, do or find"],
        ]
      ) equal(lines[lines.indexOf(words[0]!) + 1], words[1]);
      await press("Escape");

      // The palette does what the row that has the focus can, and goes where no key is looked up for.
      await press("g", "g", "Control+k");
      const options = page.locator(".palette [role=option]");
      equal(await page.getByRole("combobox", { name: "Go, do or find" }).evaluate(isFocused), true);
      await page.keyboard.type("move do");
      deepEqual(await options.allInnerTexts(), ["Move down\n-", "Search ideas for “move do”"]);
      await shot(page, "palette");
      await press("Enter");
      await told(page, "Ticket #1 comes before #3");
      await press("z");
      await told(page, "Ticket #1 stands where it stood before");
      await press("Control+k", "Escape");
      await page.locator("dialog").waitFor({ state: "detached" });
      await press("Control+k");
      await page.keyboard.type("fuel <b>");
      await press("Enter");
      await page.waitForURL(`${server.origin}/ideas?q=fuel%20%3Cb%3E`, { waitUntil: "commit" });
      await press("Control+k");
      await page.keyboard.type("jobs");
      await press("Enter");
      await page.waitForURL(`${server.origin}/jobs`, { waitUntil: "commit" });
      await page.goto(`${server.origin}/development?view=board&column=queued`);

      // Along the list that it came from, and back to it with its filters.
      const at = (path: string) => page.waitForURL(server.origin + path, { waitUntil: "commit" });
      const list = "/development?view=board&column=queued";
      await press("g", "g", "Enter");
      await at(`/tickets/${a.id}`);
      await press("]");
      await at(`/tickets/${b.id}`);
      await press("]");
      await at(`/tickets/${c.id}`);
      await shot(page, "beside");
      await press("[");
      await at(`/tickets/${b.id}`);
      await press(".");
      equal(await page.evaluate("document.activeElement.textContent"), "Start now");
      await press("Escape");
      await at(list);
      deepEqual(problems.filter((text) => !/422/.test(text)), []);
    } finally {
      await browser.close();
    }
  },
});

Deno.test({
  name:
    `without scripts a ticket is moved by its menu, and several are ticked and paused${needsChromium}`,
  ignore: chromiumPath === null,
  async fn() {
    const browser = await launchBrowser();
    try {
      using app = testApp();
      const [a, b, , d] = scene(app);
      await using server = listen(pagesBench(app).http);
      const viewport = { ...desktop, width: 320 };
      await using watched = await openPage(browser, { viewport, javaScriptEnabled: false });
      const { page } = watched;
      await page.goto(`${server.origin}/development?view=board&column=queued`);
      await page.locator(`#menu-${d.id} summary`).click();
      await page.locator(`#menu-${d.id}`).getByRole("button", { name: "To the top" }).click();
      await told(page, "Ticket #4 comes before #1");
      await shot(page, "plain");
      await page.getByRole("button", { name: "Undo" }).click();
      await told(page, "Ticket #4 stands where it stood before");
      deepEqual(order(app), [1, 2, 3, 4]);
      for (const { id } of [a, b]) await page.locator(`#ticket-${id} .pick input`).check();
      await page.getByRole("button", { name: "Pause", exact: true }).click();
      await told(page, "Done for 2 of 2 tickets");
      deepEqual([a, b].map(({ id }) => getTicket(app.db, id).pausedBy), ["owner", "owner"]);
    } finally {
      await browser.close();
    }
  },
});
