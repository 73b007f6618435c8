/** How large pages travel. */
import { match, strictEqual as equal } from "node:assert";
import { gunzipSync } from "node:zlib";
import { show } from "../server/routes/page.ts";
import { bench, listen } from "./http_support.ts";

const long = "words and more words; ".repeat(5_000);

const withPages = () =>
  bench({
    pages: (pages) => {
      pages.get("/long", (c) => show(c, <p>{long}</p>, 409));
      pages.get("/short", (c) => show(c, <p>short</p>));
    },
  });

Deno.test("a large page is compressed by gzip for whoever takes that", async () => {
  using b = withPages();
  for (const accepted of ["gzip", "gzip, deflate, br, zstd", "br;q=1.0, GZIP;q=0.5"]) {
    const response = await b.http.request("/long", { headers: { "accept-encoding": accepted } });
    equal(response.status, 409);
    equal(response.headers.get("content-encoding"), "gzip");
    equal(response.headers.get("content-type"), "text/html; charset=UTF-8");
    equal(response.headers.get("vary"), "Accept-Encoding, HX-Request");
    match(response.headers.get("content-security-policy")!, /default-src 'none'/);
    const html = new TextDecoder().decode(gunzipSync(await response.bytes()));
    equal(html, `<!doctype html>\n<p>${long}</p>\n`);
  }
});

Deno.test("whoever takes no gzip, and who gets a small page, gets it as it is", async () => {
  using b = withPages();
  for (const accepted of [undefined, "br", "gzip;q=0", "gzip; q=0.00, br", "xgzip", "*"]) {
    const headers = new Headers(accepted === undefined ? {} : { "accept-encoding": accepted });
    const response = await b.http.request("/long", { headers });
    equal(response.headers.get("content-encoding"), null);
    equal(await response.text(), `<!doctype html>\n<p>${long}</p>\n`);
  }
  const small = await b.http.request("/short", { headers: { "accept-encoding": "gzip" } });
  equal(small.headers.get("content-encoding"), null);
});

Deno.test("a browser reads a large page, which is compressed once", async () => {
  using b = withPages();
  await using server = listen(b.http);
  const response = await fetch(`http://localhost:${server.port}/long`);
  equal(await response.text(), `<!doctype html>\n<p>${long}</p>\n`);
});
