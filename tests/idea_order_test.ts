/** What is to be decided stands first on an idea's page, in the same order live and after a reload. */
import { deepStrictEqual as deepEqual } from "node:assert";
import type { Page } from "playwright-core";
import { answerQuestion } from "../server/services/ideas.ts";
import { advanceIdea, recordQuestions } from "../server/services/refinement.ts";
import { listIdeaRuns } from "../server/store/runs.ts";
import { listQuestions } from "../server/store/questions.ts";
import { chromiumPath, desktop, launchBrowser, needsChromium, openPage } from "./browser.ts";
import { listen } from "./http_support.ts";
import { pagesBench } from "./pages_support.ts";
import { results, testApp } from "./support.ts";

const orderOf = (page: Page): Promise<string[]> =>
  page.locator("#idea-main > section").evaluateAll((parts) => parts.map(({ id }) => id));

/** What a person who writes in the form of the words has before them. */
const typing = (page: Page): Promise<unknown[]> =>
  page.evaluate(() => {
    const field = document.activeElement as HTMLTextAreaElement;
    return [field.id, field.value, field.selectionStart];
  });

Deno.test({
  name: `what waits for a decision comes first by itself, and typing goes on${needsChromium}`,
  ignore: chromiumPath === null,
  async fn() {
    using app = testApp();
    const idea = await app.idea("refining");
    await using server = listen(pagesBench(app).http);
    const browser = await launchBrowser();
    try {
      await using watched = await openPage(browser, { viewport: desktop });
      const { page, problems } = watched;
      const live = page.waitForResponse((answer) => answer.url().includes("/live/idea/"));
      await page.goto(`${server.origin}/ideas/${idea.id}`);
      await live;
      await page.locator("#edit-words > summary").click();
      await page.fill("#words-description", "Half a tho");
      await page.evaluate(() => {
        (document.activeElement as HTMLTextAreaElement).setSelectionRange(4, 4);
      });
      const written = ["words-description", "Half a tho", 4];
      deepEqual(await typing(page), written);

      /** The order once `first` stands on top, which a reload must not change. */
      const settle = async (first: string) => {
        await page.locator(`#idea-main > section:first-child#${first}`).waitFor();
        deepEqual(await typing(page), written);
        await using other = await openPage(browser, { viewport: desktop });
        await other.page.goto(`${server.origin}/ideas/${idea.id}`);
        deepEqual(await orderOf(page), await orderOf(other.page));
      };
      const run = listIdeaRuns(app.db, idea.id).find(({ purpose }) => purpose === "clarify")!;
      const question = { question: "Which name?", why: "There are two", options: ["First"] };
      app.tx((tx) => recordQuestions(tx, run, { questions: [question] }));
      await settle("idea-questions");

      answerQuestion(app, listQuestions(app.db, idea.id)[0]!.id, "First");
      await settle("idea-description");

      for (const stage of [["clarify", "research"], ["estimate"], ["prioritize"]] as const) {
        for (const purpose of stage) await app.succeed(idea, purpose, results[purpose]);
        advanceIdea(app, idea.id);
      }
      await settle("idea-plan");
      deepEqual(problems, []);
    } finally {
      await browser.close();
    }
  },
});
