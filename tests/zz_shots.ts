import { chromium } from "playwright-core";
import { startSampleServer } from "./sample_server.ts";
import { samplePages } from "./sample_pages.tsx";
await using server = startSampleServer();
const only = Deno.args[0];
if (Deno.args[1] === "demo") {
  server.shell = {
    demo: true,
    confinement: { kind: "process", hint: "" },
    held: { reason: "billing", message: "The account has no credit." },
  };
}
const browser = await chromium.launch({
  executablePath: "/usr/bin/chromium",
  args:
    "--no-sandbox --disable-gpu --disable-background-networking --disable-component-update --disable-sync --disable-quic --no-first-run"
      .split(" "),
});
for (
  const [w, h, scheme] of [[1280, 800, "light"], [390, 844, "dark"], [390, 844, "light"], [
    1280,
    800,
    "dark",
  ], [800, 900, "light"]] as const
) {
  if (Deno.args[2] && !`${w}-${scheme}`.match(Deno.args[2])) continue;
  const ctx = await browser.newContext({
    viewport: { width: w, height: h },
    colorScheme: scheme,
    hasTouch: w < 500,
  });
  await ctx.clock.setFixedTime(Date.parse("2026-03-14T10:42:00.000Z"));
  const page = await ctx.newPage();
  page.on("console", (m) => console.log(w, scheme, m.type(), m.text(), m.location().url));
  page.on("pageerror", (e) => console.log("PAGEERROR", e));
  for (const path of [...Object.keys(samplePages), "/development?view=board"]) {
    if (only && only !== "all" && !new RegExp(only).test(path)) continue;
    await page.goto(server.url + path);
    await page.waitForFunction("document.documentElement.classList.contains('js')");
    await page.screenshot({
      path: `/tmp/views/shot${path.replaceAll(/[/?=]/g, "_")}-${w}-${scheme}.png`,
      fullPage: true,
    });
    const over = await page.evaluate("document.documentElement.scrollWidth - innerWidth");
    if (Number(over) > 0) console.log("OVERFLOW", path, w, over);
  }
  await ctx.close();
}
await browser.close();
