import { deepStrictEqual as deepEqual, match, ok, strictEqual as equal, throws } from "node:assert";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { z } from "zod";
import type { Hono } from "hono";
import { HTTPException } from "hono/http-exception";
import type { Api, Env } from "../server/api.ts";
import { loadAssets } from "../server/assets.ts";
import { isLoopback } from "../server/auth.ts";
import { AppError, type ErrorCode } from "../server/errors.ts";
import { MAX_BODY_BYTES } from "../server/body_limit.ts";
import { createEventStreams } from "../server/sse.ts";
import { bareApp } from "./bare_app.ts";
import { bench, listen, raw } from "./http_support.ts";

const thing = z.object({ name: z.string(), updated_at: z.string() }).meta({ id: "Thing" });
const streams = createEventStreams({ after: () => () => {} });

/** Routes that do, between them, everything a route can do to the frame. */
function testApi(api: Api): void {
  api
    .get("/things", { summary: "Things", out: () => z.object({ items: z.array(thing) }) }, () => ({
      items: [],
    }))
    .post("/things", {
      summary: "Make a thing",
      body: () => z.strictObject({ name: z.string().min(1, "Write a name") }),
      out: () => thing,
      status: 201,
    }, ({ body }) => ({ name: body.name, updated_at: "now" }))
    .get("/things/:id", { summary: "A thing", out: () => thing, versioned: true }, () => ({
      name: "a",
      updated_at: "2026-01-02T03:04:05.678Z",
    }))
    .patch("/things/:id", {
      summary: "Change a thing",
      body: () => z.strictObject({ name: z.string() }),
      out: () => thing,
      current: () => ({ name: "a", updated_at: "2026-01-02T03:04:05.678Z" }),
    }, ({ body }) => ({ name: body.name, updated_at: "later" }))
    .get("/actor", { summary: "Who", out: () => z.string() }, ({ app }) => app.actor)
    .get("/bug", { summary: "Fails", out: () => z.string() }, () => {
      throw new Error("secret of the server");
    })
    .get("/refuse/:code", { summary: "Refuses", out: () => z.string() }, ({ params }) => {
      throw new AppError(params.code as ErrorCode, "Cannot do it: it is Tuesday", [
        { field: "day", message: "Not a Tuesday" },
      ]);
    });
}

function testPages(pages: Hono<Env>): void {
  pages
    .get("/", (c) => c.html("<h1>Home</h1>"))
    .post("/", (c) => c.redirect("/", 303))
    .get("/elsewhere", () => Response.redirect("http://localhost/"))
    .get("/vary", (c) => c.body("x", 200, { vary: "Accept", "cache-control": "max-age=5" }))
    .get("/bug", () => {
      throw new Error("secret of the server");
    })
    .get("/not-an-error", () => {
      throw "a string";
    })
    .get("/framework", () => {
      throw new HTTPException(415, { message: "Unsupported Media Type" });
    })
    .get("/refused", () => {
      throw new AppError("conflict", "Cannot do it: it is Tuesday");
    })
    .post("/echo", async (c) => c.text(String((await c.req.text()).length)))
    .get("/stream", (c) =>
      streams.open(c, (client) => {
        client.close();
        return () => {};
      }));
}

const testBench = (options: Parameters<typeof bench>[0] = {}) =>
  bench({ api: testApi, pages: testPages, ...options });

// ---------------------------------------------------------------- who may ask

Deno.test("a request with a foreign Host is refused without showing a page", async () => {
  using b = testBench({ port: () => 4242 });
  const foreign = [
    "evil.example",
    "evil.example:4242",
    "localhost.evil.example",
    "127.0.0.1.nip.io:4242",
    "localhost:4243",
    "127.0.0.1:80",
    "127.0.0.2",
    "localhost:",
    "localhost:4242@evil.example",
    "user@localhost",
    "[::2]:4242",
    "::1",
    "localhost.",
    "",
  ];
  for (const host of foreign) {
    for (const path of ["/", "/api/v1/things", "/healthz", "/static/app.css", "/missing"]) {
      const response = await b.http.request(path, { headers: { host } });
      equal(response.status, 403, `${host} ${path}`);
      const text = await response.text();
      match(text, /is not this server's\. Open http:\/\/127\.0\.0\.1:4242/);
      ok(!text.includes("<h1>"));
    }
  }
  deepEqual(b.shown, []);
});

Deno.test("this machine's own names and the configured host are answered", async () => {
  using b = testBench({
    port: () => 4242,
    app: bareApp({ config: { host: "Workshop.Local" } }),
  });
  const own = [
    "localhost",
    "LOCALHOST:4242",
    "127.0.0.1:4242",
    "[::1]:4242",
    "workshop.local:4242",
  ];
  for (const host of own) {
    equal((await b.http.request("/", { headers: { host } })).status, 200, host);
  }
  using six = testBench({ port: () => 4242, app: bareApp({ config: { host: "fd00::7" } }) });
  equal((await six.http.request("/", { headers: { host: "[fd00::7]:4242" } })).status, 200);
});

Deno.test("only this machine's own addresses are taken for ones that nobody else reaches", () => {
  for (const host of ["127.0.0.1", "127.8.9.10", "localhost", "::1", "[::1]"]) {
    ok(isLoopback(host), host);
  }
  for (const host of ["0.0.0.0", "::", "192.168.1.5", "10.0.0.1", "gaffer.lan", "1127.0.0.1"]) {
    ok(!isLoopback(host), host);
  }
});

Deno.test("a port that is not known yet is not compared", async () => {
  using b = testBench({ port: () => 0 });
  equal((await b.http.request("/", { headers: { host: "localhost:31337" } })).status, 200);
  equal((await b.http.request("/", { headers: { host: "evil.example:31337" } })).status, 403);
});

Deno.test("writes from other sites are refused, by Origin and by Sec-Fetch-Site", async () => {
  using b = testBench();
  const refused: Record<string, string>[] = [
    { origin: "http://evil.example" },
    { origin: "http://localhost:3000" },
    { origin: "http://localhost.evil.example" },
    { origin: "null" },
    { origin: "" },
    { "sec-fetch-site": "cross-site" },
    { "sec-fetch-site": "same-site" },
    { origin: "null", "sec-fetch-site": "cross-site" },
    { origin: "http://localhost", "sec-fetch-site": "cross-site" },
    { origin: "http://evil.example", "sec-fetch-site": "same-origin" },
  ];
  for (const headers of refused) {
    for (const path of ["/", "/api/v1/things"]) {
      const response = await b.http.request(path, {
        method: "POST",
        headers: { host: "localhost", ...headers },
        body: "{}",
      });
      equal(response.status, 403, `${path} ${JSON.stringify(headers)}`);
      match(await response.text(), /comes from another site/);
    }
  }
  for (const method of ["PUT", "PATCH", "DELETE"]) {
    const headers = { host: "localhost", "sec-fetch-site": "cross-site" };
    equal((await b.http.request("/", { method, headers })).status, 403, method);
  }
});

Deno.test("our own pages and programs may write: forms, scripts, and what sends no such headers", async () => {
  using b = testBench();
  const allowed: Record<string, string>[] = [
    {},
    { origin: "http://localhost", "sec-fetch-site": "same-origin" },
    { origin: "https://localhost", "sec-fetch-site": "same-origin" },
    { origin: "null", "sec-fetch-site": "same-origin" }, // a form under the policy "no-referrer"
    { "sec-fetch-site": "none" },
  ];
  for (const headers of allowed) {
    const response = await b.http.request("/", {
      method: "POST",
      headers: { host: "localhost", ...headers },
    });
    equal(response.status, 303, JSON.stringify(headers));
  }
});

Deno.test("links from other sites open pages, but their scripts read nothing", async () => {
  using b = testBench();
  const link = { host: "localhost", "sec-fetch-site": "cross-site" };
  equal((await b.http.request("/", { headers: link })).status, 200);
  const script = { ...link, origin: "http://evil.example" };
  const response = await b.http.request("/api/v1/things", { headers: script });
  equal(response.status, 403);
  equal(response.headers.get("access-control-allow-origin"), null);
});

Deno.test("requests act as the owner", async () => {
  const app = bareApp();
  app.actor = "gaffer";
  using b = testBench({ app });
  equal(await (await b.http.request("/api/v1/actor")).json(), "owner");
});

// ---------------------------------------------------------------- headers

const policy =
  "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; " +
  "connect-src 'self'; manifest-src 'self'; worker-src 'self'; form-action 'self'; base-uri 'none'; " +
  "frame-ancestors 'none'";

Deno.test("every answer carries the security headers and its request's id, refusals and faults too", async () => {
  using folder = staticFolder({ "app.css": "body {}" });
  const assets = loadAssets(folder.url);
  using b = testBench({ assets });
  const big = "x".repeat(MAX_BODY_BYTES + 1);
  const foreign = { headers: { host: "evil.example" } };
  const etag = (await b.http.request(assets.url("app.css"))).headers.get("etag")!;
  const requests: [number, string, RequestInit?][] = [
    [200, "/"],
    [200, "/", { method: "HEAD" }],
    [303, "/", { method: "POST" }],
    [302, "/elsewhere"],
    [404, "/missing"],
    [404, "/missing", { method: "DELETE" }],
    [405, "/", { method: "DELETE" }],
    [500, "/bug"],
    [500, "/not-an-error"],
    [415, "/framework"],
    [409, "/refused"],
    [413, "/echo", { method: "POST", body: big }],
    [403, "/", foreign],
    [200, "/stream"],
    [200, "/healthz"],
    [200, "/static/app.css"],
    [304, "/static/app.css", { headers: { "if-none-match": etag } }],
    [404, "/static/missing.css"],
    [200, "/api/v1/things"],
    [200, "/api/v1/openapi.json"],
    [422, "/api/v1/things", { method: "POST" }],
    [404, "/api/v1/missing"],
    [404, "/api"],
    [405, "/api/v1/things", { method: "DELETE" }],
    [500, "/api/v1/bug"],
    [403, "/api/v1/things", foreign],
  ];
  const ids = new Set<string>();
  for (const [status, path, init] of requests) {
    const response = await b.http.request(path, init);
    const what = `${init?.method ?? "GET"} ${path}`;
    equal(response.status, status, what);
    const header = (name: string) => response.headers.get(name);
    equal(header("content-security-policy"), policy, what);
    equal(header("x-content-type-options"), "nosniff", what);
    equal(header("x-frame-options"), "DENY", what);
    equal(header("referrer-policy"), "same-origin", what);
    equal(header("cross-origin-opener-policy"), "same-origin", what);
    equal(header("cross-origin-resource-policy"), "same-origin", what);
    match(header("permissions-policy")!, /camera=\(\)/, what);
    match(header("x-request-id")!, /^req_[0-9a-z]{16}$/, what);
    ids.add(header("x-request-id")!);
    ok(header("cache-control"), what);
    equal(header("set-cookie"), null, what);
    await response.body?.cancel();
  }
  equal(ids.size, requests.length, "each request has an id of its own");
});

Deno.test("pages are not stored and vary by HX-Request; a page that says otherwise is heard", async () => {
  using b = testBench();
  const page = await b.http.request("/");
  deepEqual([page.headers.get("cache-control"), page.headers.get("vary")], [
    "no-store",
    "HX-Request",
  ]);
  const own = await b.http.request("/vary");
  deepEqual([own.headers.get("cache-control"), own.headers.get("vary")], [
    "max-age=5",
    "Accept, HX-Request",
  ]);
  const api = await b.http.request("/api/v1/things");
  deepEqual([api.headers.get("cache-control"), api.headers.get("vary")], ["no-store", null]);
});

Deno.test("HEAD answers like GET, without the body", async () => {
  using b = testBench();
  for (const path of ["/", "/api/v1/things", "/healthz", "/missing", "/stream"]) {
    const get = await b.http.request(path);
    const head = await b.http.request(path, { method: "HEAD" });
    equal(head.status, get.status, path);
    equal(head.headers.get("content-type"), get.headers.get("content-type"), path);
    equal(await head.text(), "", path);
    await get.body?.cancel();
  }
  equal(streams.count, 0, "a HEAD opens no stream");
});

// ---------------------------------------------------------------- refusals and faults

Deno.test("the API answers each kind of refusal with problem details of its status", async () => {
  using b = testBench();
  const statuses: Record<ErrorCode, number> = {
    invalid: 422,
    unauthorized: 401,
    forbidden: 403,
    not_found: 404,
    conflict: 409,
    rate_limited: 429,
    unavailable: 503,
    internal: 500,
  };
  for (const [code, status] of Object.entries(statuses)) {
    const response = await b.http.request(`/api/v1/refuse/${code}`);
    equal(response.status, status);
    equal(response.headers.get("content-type"), "application/problem+json");
    const problem = await response.json();
    ok(problem.title);
    deepEqual(problem, {
      type: `urn:gaffer:problem:${code}`,
      title: problem.title,
      status,
      detail: "Cannot do it: it is Tuesday",
      code,
      errors: [{ field: "day", message: "Not a Tuesday" }],
      request_id: response.headers.get("x-request-id"),
    });
  }
});

Deno.test("what is wrong in a body is named by field, and a body that is not JSON is refused", async () => {
  using b = testBench();
  const wrong = await (await b.post("/things", { name: "", extra: 1 })).json();
  equal(wrong.status, 422);
  ok(
    wrong.errors.some((e: { field: string; message: string }) =>
      e.field === "name" && e.message === "Write a name"
    ),
  );
  const response = await b.http.request("/api/v1/things", { method: "POST", body: "{" });
  equal(response.status, 422);
  match((await response.json()).detail, /not JSON/);
});

Deno.test("a fault says nothing of the inside; the log has it under the request's id", async () => {
  using b = testBench();
  for (const path of ["/bug", "/api/v1/bug", "/not-an-error"]) {
    b.app.lines.length = 0;
    const response = await b.http.request(path, { method: "GET" });
    equal(response.status, 500);
    const text = await response.text();
    ok(!text.includes("secret") && !text.includes("a string"), text);
    const [line, ...more] = b.app.lines;
    deepEqual(more, []);
    equal(line!.level, "error");
    equal(line!.fields.request_id, response.headers.get("x-request-id"));
    deepEqual([line!.fields.method, line!.fields.path], ["GET", path]);
    match(String(line!.fields.error), /secret of the server|a string/);
  }
});

Deno.test("a refusal is no fault: nothing of it is logged", async () => {
  using b = testBench();
  await b.http.request("/refused");
  await b.http.request("/missing");
  await b.http.request("/api/v1/refuse/invalid");
  deepEqual(b.app.lines, []);
});

Deno.test("a page's refusal is shown by the error page, with its status", async () => {
  using b = testBench();
  const response = await b.http.request("/refused");
  equal(response.status, 409);
  equal(await response.text(), "<h1>Not possible now</h1>");
  match(response.headers.get("content-type")!, /^text\/html/);
  deepEqual(b.shown, [{
    status: 409,
    title: "Not possible now",
    message: "Cannot do it: it is Tuesday",
    fields: [],
    requestId: response.headers.get("x-request-id"),
  }]);
  equal((await b.http.request("/framework")).status, 415);
  equal((await b.http.request("/missing")).status, 404);
  equal(b.shown[2]!.message, "Cannot find GET /missing: there is nothing at this address");
});

Deno.test("a method that a known path does not take is refused, with those that it takes", async () => {
  using folder = staticFolder({ "app.css": "a" });
  using b = testBench({ assets: loadAssets(folder.url) });
  const refused: [method: string, path: string, allow: string][] = [
    ["DELETE", "/", "GET, HEAD, POST"],
    ["GET", "/echo", "POST"],
    ["HEAD", "/echo", "POST"],
    ["OPTIONS", "/elsewhere", "GET, HEAD"],
    ["POST", "/healthz", "GET, HEAD"],
    ["POST", "/static/app.css", "GET, HEAD"],
    ["PUT", "/api/v1/things", "GET, HEAD, POST"],
    ["DELETE", "/api/v1/things/7", "GET, HEAD, PATCH"],
    ["POST", "/api/v1/openapi.json", "GET, HEAD"],
  ];
  for (const [method, path, allow] of refused) {
    const response = await b.http.request(path, { method });
    const what = `${method} ${path}`;
    deepEqual([response.status, response.headers.get("allow")], [405, allow], what);
    await response.body?.cancel();
  }
  const page = await b.http.request("/echo");
  match(page.headers.get("content-type")!, /^text\/html/);
  equal(await page.text(), "<h1>Not possible here</h1>");
  equal(b.shown.at(-1)!.message, "Cannot GET /echo: this address takes POST");
  const problem = await b.http.request("/api/v1/things/7", { method: "DELETE" });
  equal(problem.headers.get("content-type"), "application/problem+json");
  const { type, status, code, detail } = await problem.json();
  deepEqual([type, status, code, detail], [
    "urn:gaffer:problem:invalid",
    405,
    "invalid",
    "Cannot DELETE /api/v1/things/7: this address takes GET, HEAD, PATCH",
  ]);
  for (const path of ["/missing", "/api/v1/missing", "/api/v1/things/7/more"]) {
    const response = await b.http.request(path, { method: "POST" });
    deepEqual([response.status, response.headers.get("allow")], [404, null], path);
    await response.body?.cancel();
  }
});

Deno.test("an error page that fails itself still tells the reason and the request's id", async () => {
  using b = testBench({
    renderError() {
      throw new Error("the template is broken");
    },
  });
  const response = await b.http.request("/refused");
  equal(response.status, 409);
  const id = response.headers.get("x-request-id");
  equal(
    await response.text(),
    `Not possible now: Cannot do it: it is Tuesday (request ${id})`,
  );
  match(String(b.app.lines[0]!.fields.error), /the template is broken/);
});

Deno.test("a body is read up to the limit and refused beyond it, with and without a length", async () => {
  using b = testBench();
  await using server = listen(b.http);
  const chunked = (bytes: number) => {
    let left = bytes;
    return new ReadableStream<Uint8Array>({
      pull(controller) {
        const size = Math.min(left, 64 * 1024);
        left -= size;
        if (size > 0) controller.enqueue(new Uint8Array(size));
        else controller.close();
      },
    });
  };
  const send = (body: BodyInit) => fetch(`${server.origin}/echo`, { method: "POST", body });
  equal(await (await send(new Uint8Array(MAX_BODY_BYTES))).text(), String(MAX_BODY_BYTES));
  equal(await (await send(chunked(MAX_BODY_BYTES))).text(), String(MAX_BODY_BYTES));
  for (const body of [new Uint8Array(MAX_BODY_BYTES + 1), chunked(MAX_BODY_BYTES + 1)]) {
    const response = await send(body);
    equal(response.status, 413);
    await response.body?.cancel();
  }
});

// ---------------------------------------------------------------- health, description, versions

Deno.test("/healthz is ok while the database answers, and 503 when it does not", async () => {
  using b = testBench();
  const good = await b.http.request("/healthz");
  deepEqual([good.status, await good.json()], [200, { status: "ok" }]);
  b.app.db.prepare = () => {
    throw new Error("disk I/O error");
  };
  const bad = await b.http.request("/healthz");
  deepEqual([bad.status, await bad.json()], [503, { status: "unavailable", failing: "reads" }]);
  equal(b.app.lines[0]!.fields.error, "disk I/O error");
});

Deno.test("the description is OpenAPI 3.1 and has every route with its schemas and headers", async () => {
  using b = testBench();
  const response = await b.http.request("/api/v1/openapi.json");
  match(response.headers.get("content-type")!, /^application\/json/);
  const document = await response.json();
  equal(document.openapi, "3.1.0");
  ok(document.info.title && document.info.version);
  deepEqual(document.servers, [{ url: "/api/v1" }]);
  deepEqual(Object.keys(document.paths).sort(), [
    "/actor",
    "/bug",
    "/refuse/{code}",
    "/things",
    "/things/{id}",
  ]);
  const { get, patch } = document.paths["/things/{id}"];
  const { post } = document.paths["/things"];
  for (const operation of [get, patch, post]) {
    ok(operation.summary && operation.tags.length > 0);
    ok(operation.responses.default.content["application/problem+json"].schema);
  }
  deepEqual(get.parameters.map((p: { name: string; in: string }) => [p.name, p.in]), [[
    "id",
    "path",
  ]]);
  equal(post.requestBody.content["application/json"].schema.properties.name.minLength, 1);
  const refs = JSON.stringify(document).matchAll(/"\$ref":"#\/([^"]+)"/g);
  let seen = 0;
  for (const [, path] of refs) {
    seen++;
    const target = path!.split("/").reduce((value, part) => value?.[part], document);
    ok(target, `${path} is defined`);
  }
  ok(seen >= 4, "things, problems, and the headers of POST and PATCH");
  const names = (operation: { parameters: { $ref?: string }[] }) =>
    operation.parameters.flatMap((p) => p.$ref?.split("/").at(-1) ?? []);
  deepEqual([names(post), names(patch)], [["IdempotencyKey"], ["IfMatch"]]);
});

Deno.test("a PATCH needs the ETag of what the client saw", async () => {
  using b = testBench();
  const etag = (await b.http.request("/api/v1/things/1")).headers.get("etag")!;
  const patch = (headers: Record<string, string>) =>
    b.http.request("/api/v1/things/1", {
      method: "PATCH",
      headers: { "content-type": "application/json", ...headers },
      body: JSON.stringify({ name: "b" }),
    });
  equal((await patch({})).status, 428);
  equal((await patch({ "if-match": '"other"' })).status, 412);
  const done = await patch({ "if-match": etag });
  equal(done.status, 200);
  equal((await done.json()).name, "b");
  // Deno's compression weakens the tag; the content is the same.
  equal((await patch({ "if-match": `"other", W/${etag}` })).status, 200);
});

// ---------------------------------------------------------------- static files

/** A folder of its own with these files. */
function staticFolder(files: Record<string, string>): { url: URL } & Disposable {
  const dir = Deno.makeTempDirSync();
  const all: Record<string, string> = { "htmx.js": "1", "hx-sse.js": "2", ...files };
  for (const [name, text] of Object.entries(all)) {
    Deno.mkdirSync(join(dir, name, ".."), { recursive: true });
    Deno.writeTextFileSync(join(dir, name), text);
  }
  return {
    url: new URL(`${pathToFileURL(dir)}/`),
    [Symbol.dispose]: () => Deno.removeSync(dir, { recursive: true }),
  };
}

Deno.test("a static file is cached for ever under its hash, and only until tomorrow's look without it", async () => {
  using folder = staticFolder({ "app.css": "body {}", "icons/a b.svg": "<svg/>" });
  const assets = loadAssets(folder.url);
  using b = testBench({ assets });
  const url = assets.url("app.css");
  match(url, /^\/static\/app\.css\?v=[0-9a-f]{16}$/);
  const hashed = await b.http.request(url);
  equal(hashed.status, 200);
  equal(await hashed.text(), "body {}");
  equal(hashed.headers.get("content-type"), "text/css; charset=utf-8");
  equal(hashed.headers.get("cache-control"), "public, max-age=31536000, immutable");
  equal(hashed.headers.get("vary"), null);
  for (const path of ["/static/app.css", "/static/app.css?v=old"]) {
    equal((await b.http.request(path)).headers.get("cache-control"), "no-cache", path);
  }
  const icon = await b.http.request("/static/icons/a%20b.svg");
  deepEqual([icon.status, icon.headers.get("content-type")], [200, "image/svg+xml"]);
});

Deno.test("a browser that has the file gets 304, also with the tag weakened by compression", async () => {
  using folder = staticFolder({ "app.css": "body {}" });
  using b = testBench({ assets: loadAssets(folder.url) });
  const etag = (await b.http.request("/static/app.css")).headers.get("etag")!;
  for (const tag of [etag, `W/${etag}`, `"x", ${etag}`]) {
    const response = await b.http.request("/static/app.css", { headers: { "if-none-match": tag } });
    deepEqual([response.status, await response.text()], [304, ""]);
    equal(response.headers.get("etag"), etag);
  }
  const other = await b.http.request("/static/app.css", { headers: { "if-none-match": '"x"' } });
  equal(other.status, 200);
});

Deno.test("the address of a file changes with its content", () => {
  using one = staticFolder({ "app.css": "a" });
  using two = staticFolder({ "app.css": "b" });
  ok(loadAssets(one.url).url("app.css") !== loadAssets(two.url).url("app.css"));
});

Deno.test("nothing outside of the static folder is served", async () => {
  using folder = staticFolder({ "app.css": "a" });
  using b = testBench({ assets: loadAssets(folder.url) });
  const paths = [
    "/static/",
    "/static/..%2f..%2fetc%2fpasswd",
    "/static/%2e%2e/http.ts",
    "/static//etc/passwd",
    "/static/app.css%00",
    "/static/toString",
    "/static/__proto__",
  ];
  for (const path of paths) equal((await b.http.request(path)).status, 404, path);
});

Deno.test("a file without a known type, or a link to a missing one, is a mistake found at once", () => {
  using folder = staticFolder({ "page.exe": "" });
  throws(() => loadAssets(folder.url), /Cannot serve "page\.exe": no content type/);
  using other = staticFolder({});
  throws(() => loadAssets(other.url).url("missing.css"), /Cannot link to "missing\.css"/);
});

Deno.test("files that are joined are one, and change its address when one of them changes", async () => {
  using one = staticFolder({ "a.js": "first()", "b.js": "second()" });
  using two = staticFolder({ "a.js": "first()", "b.js": "changed()" });
  const joined = { "app.js": ["a.js", "b.js"] };
  const assets = loadAssets(one.url, joined);
  using b = testBench({ assets });
  const text = await (await b.http.request(assets.url("app.js"))).text();
  match(text, /^first\(\)[;\s]*second\(\)[;\s]*$/);
  ok(assets.url("app.js") !== loadAssets(two.url, joined).url("app.js"));
  throws(() => loadAssets(one.url, { "app.js": ["missing.js"] }), /Cannot/);
});

Deno.test("in a checkout htmx comes from node_modules; without it the start says what to do", () => {
  const checkout = new URL("../static/", import.meta.url);
  match(loadAssets(checkout).url("htmx.js"), /^\/static\/htmx\.js\?v=/);
  const dir = Deno.makeTempDirSync();
  try {
    throws(
      () => loadAssets(new URL(`${pathToFileURL(dir)}/`)),
      /Cannot serve "htmx\.js".*Run `deno install`/,
    );
  } finally {
    Deno.removeSync(dir);
  }
});

Deno.test("pages and files travel compressed, event streams don't", async () => {
  using folder = staticFolder({ "app.css": "body { color: red }\n".repeat(100) });
  using b = testBench({ assets: loadAssets(folder.url) });
  await using server = listen(b.http);
  const get = (path: string) =>
    raw(
      server.port,
      `GET ${path} HTTP/1.1\nHost: localhost:${server.port}\nAccept-Encoding: gzip\nConnection: close\n\n`,
    );
  const file = await get("/static/app.css");
  match(file, /content-encoding: gzip/i);
  ok(file.length < 1_500);
  const stream = await get("/stream");
  ok(!/content-encoding/i.test(stream));
  match(stream, /retry: 1000/);
});
