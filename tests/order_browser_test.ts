/** The list and the board in a real browser: several tickets by keys, a card by its menu and by dragging. */
import { deepStrictEqual as deepEqual, strictEqual as equal } from "node:assert";
import type { Ticket } from "../server/records.ts";
import { addNeed } from "../server/services/needs.ts";
import { editTicket } from "../server/services/ticket_edits.ts";
import { getTicketStart } from "../server/store/starts.ts";
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
import { tickets } from "./order_support.ts";
import { pagesBench } from "./pages_support.ts";
import { testApp } from "./support.ts";

/** Set by whoever wants to see what the pages look like. */
const SHOTS = Deno.env.get("GAFFER_SCREENSHOTS");

Deno.test({
  name: `tickets are put in order in a browser${needsChromium}`,
  ignore: chromiumPath === null,
  async fn() {
    const browser = await launchBrowser();
    try {
      for (const width of [desktop.width, 320]) {
        using app = testApp();
        const project = app.project();
        const [a, b, c] = tickets(app, 3, project) as [Ticket, Ticket, Ticket];
        addNeed(app, b.id, a.id);
        await using server = listen(pagesBench(app).http);
        const viewport = { ...desktop, width };
        await using watched = await openPage(browser, { viewport });
        const { page, problems } = watched;
        const told = (words: string) => page.locator("#flash").getByText(words).waitFor();
        const shot = async (name: string) => {
          const over =
            "document.documentElement.scrollWidth - document.documentElement.clientWidth";
          equal(await page.evaluate(over), 0, `${name} is wider than ${width}`);
          if (SHOTS) {
            await page.screenshot({ path: `${SHOTS}/${name}-${width}.png`, fullPage: true });
          }
        };

        await page.goto(`${server.origin}/development?view=list`);
        // The first three rows by keys; what one of them is refused stands on the page and has the focus.
        for (const _ of [a, b, c]) {
          await page.keyboard.press("j");
          await page.keyboard.press("x");
        }
        equal(await page.locator(".pick input:checked").count(), 3);
        await page.getByRole("button", { name: "Start", exact: true }).press("Enter");
        await page.getByText("Done for 2 of 3 tickets").waitFor();
        await page.getByText("Cannot start ticket #2: it needs #1 (queued)").waitFor();
        equal(await focused(page), "bulk-result");
        deepEqual([a, b, c].map(({ id }) => getTicketStart(app.db, id).starts), [
          "now",
          null,
          "now",
        ]);
        await shot("bulk");

        // A card by keys: its menu's, with the menu closed and open. What is ticked survives that others change.
        await page.goto(`${server.origin}/development?view=board&column=queued`);
        const tick = page.locator(`#ticket-${c.id} .pick input`);
        await tick.check();
        await page.keyboard.press("l");
        equal(await focused(page), `ticket-${a.id}`);
        await page.keyboard.press("p");
        await told("Priority of ticket #1 changed");
        equal(getTicket(app.db, a.id).priority, 1);
        await page.goto(`${server.origin}/development?view=board&column=queued`);
        await page.keyboard.press("j");
        await page.keyboard.press("m");
        await shot("board");
        await page.keyboard.press("Escape");
        await tick.check();
        editTicket(app, a.id, { title: "First of all" });
        await page.getByText("First of all").waitFor();
        equal(await tick.isChecked(), true);
        if (width > 1_200) {
          // What its needs forbid can't be dropped there; what may start can.
          const to = page.locator('[data-column="in_progress"]');
          await page.locator(`#ticket-${b.id}`).dragTo(to);
          await page.locator(`#ticket-${c.id}`).dragTo(to);
          await told("Ticket #3");
          equal(await page.locator('[data-column="queued"] .card').count(), 3);
        }

        // Forms of the ticket's own page, and of those behind it.
        await page.goto(`${server.origin}/tickets/${c.id}`);
        await page.getByLabel("Wait for ticket").fill("#2");
        // What is typed survives that the ticket changes meanwhile.
        editTicket(app, c.id, { title: "Third of all" });
        await page.getByRole("heading", { name: "Third of all" }).waitFor();
        await page.getByRole("button", { name: "Add", exact: true }).click();
        await told("Ticket #3 starts when #2 is done");
        await page.locator("#ticket-attention").getByText("Needs #2 (queued)").waitFor();
        await shot("ticket");
        for (const [key, title] of [["e", "Edit ticket #3"]] as const) {
          await page.keyboard.press(key);
          await page.getByRole("heading", { name: title }).waitFor();
        }
        await shot("edit");
        await page.getByLabel("New subtask").first().fill("Four");
        await page.keyboard.press("Control+Enter");
        await told("Ticket #3 saved");
        await page.locator("#ticket-subtasks").getByText("Four").waitFor();
        await page.goto(`${server.origin}/tickets/${c.id}/split`);
        await shot("split");
        await page.getByLabel("Title of the new ticket").fill("The rest");
        await page.getByLabel("Three").check();
        await page.getByRole("button", { name: "Split" }).click();
        await told("Ticket #4 made of it");
        for (const path of ["/tickets/new", `/development/rules?project=${project.id}`]) {
          await page.goto(`${server.origin}${path}`);
          await shot(path.replace(/\W+/g, "-").slice(1, 16));
        }
        deepEqual(problems.filter((text) => !/422/.test(text)), []);
      }
    } finally {
      await browser.close();
    }
  },
});
