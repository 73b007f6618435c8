/** Routes whose code comes with the first request for them: nobody can tell, and none of them is forgotten. */
import { deepStrictEqual as deepEqual, equal, ok } from "node:assert/strict";
import { Hono } from "hono";
import { z } from "zod";
import { Api, type Env } from "../server/api.ts";
import type { Pages } from "../server/http.ts";
import { LateRoutes } from "../server/late_routes.ts";
import { mountApi } from "../server/routes/api.ts";
import { mountPages } from "../server/routes/pages.tsx";
import { createEventStreams } from "../server/sse.ts";
import { bench, noAssets } from "./http_support.ts";

interface Group {
  firsts: readonly string[];
  /** As "GET /ideas/:id". */
  routes: string[];
}

Deno.test("every group of routes names the first part of each of its paths, and no other", async () => {
  const groups = [...await apiGroups(), ...await pageGroups()];
  for (const { firsts, routes } of groups) {
    const found = routes.map((route) => route.split("/")[1]!);
    deepEqual([...firsts].sort(), [...new Set(found)].sort(), String(routes[0]));
  }
  ok(groups.length > 35, "the test looked at the groups");
});

Deno.test("no route of one group hides one of another, unless both are loaded by the same requests, and so in order", async () => {
  for (const groups of [await apiGroups(), await pageGroups()]) {
    const routes = groups.flatMap(({ routes, firsts }) =>
      routes.map((route) => ({ route, loadedBy: [...firsts].sort().join() }))
    );
    const hiding = routes.flatMap((a, n) =>
      routes.slice(n + 1).filter((b) => a.loadedBy !== b.loadedBy && overlap(a.route, b.route))
        .map((b) => `${a.route} and ${b.route}`)
    );
    deepEqual(hiding, []);
  }
});

Deno.test("a group is loaded with the first request below one of its names, and only once", async () => {
  let loads = 0;
  const loading = Promise.withResolvers<void>();
  using it = bench({
    pages: (pages) =>
      (pages as Pages).late(["ideas", "questions"], async () => {
        loads++;
        await loading.promise;
        return (router) => router.get("/ideas/:id", (c) => c.text(c.req.param("id")));
      }),
  });
  equal((await it.http.request("/ideal")).status, 404);
  equal((await it.http.request("/api/v1/ideas")).status, 404);
  equal(loads, 0);
  const requests = [it.http.request("/ideas/1"), it.http.request("/%69deas/2?a=b")];
  loading.resolve();
  const answers = await Promise.all(requests);
  deepEqual(await Promise.all(answers.map((answer) => answer.text())), ["1", "2"]);
  equal(await (await it.http.request("/ideas/3")).text(), "3");
  equal((await it.http.request("/questions")).status, 404);
  equal((await it.http.request("/ideas/3", { method: "POST" })).status, 405);
  equal(loads, 1);
});

Deno.test("groups that are loaded together are mounted in the order in which they were declared", async () => {
  const first = Promise.withResolvers<void>();
  using it = bench({
    pages: (pages) => {
      const late = (path: string, text: string, ready: Promise<void>) =>
        (pages as Pages).late(["ideas"], async () => {
          await ready;
          return (router) => router.get(path, (c) => c.text(text));
        });
      late("/ideas/new", "a form", first.promise);
      late("/ideas/:id", "an idea", Promise.resolve());
    },
  });
  const answer = it.http.request("/ideas/new");
  first.resolve();
  equal(await (await answer).text(), "a form");
});

Deno.test("code that can't be loaded is a failed request with its number in the log; the next one tries again", async () => {
  let broken = true;
  using it = bench({
    api: (api) =>
      api.late(["ideas"], () => {
        if (broken) return Promise.reject(new TypeError("Module not found"));
        return Promise.resolve((api) =>
          api.get("/ideas", { summary: "All", out: () => z.object({}) }, () => ({}))
        );
      }),
  });
  const refused = await it.http.request("/api/v1/ideas");
  equal(refused.status, 500);
  equal(refused.headers.get("x-frame-options"), "DENY");
  const { code, request_id } = await refused.json();
  equal(code, "internal");
  equal(request_id, refused.headers.get("x-request-id"));
  const foreign = await it.http.request("/api/v1/ideas", { headers: { host: "evil.example" } });
  equal(foreign.status, 403);
  broken = false;
  equal((await it.http.request("/api/v1/ideas")).status, 200);
});

Deno.test("the description of the API has the routes that nobody has asked for yet", async () => {
  using it = bench({ api: (api) => mountApi(api, createEventStreams()) });
  const { paths } = await (await it.http.request("/api/v1/openapi.json")).json();
  const groups = await apiGroups();
  const declared = new Set(groups.flatMap(({ routes }) => routes.map(pathOf)));
  deepEqual(Object.keys(paths).sort(), [...declared].sort());
});

const pathOf = (route: string): string => route.split(" ")[1]!.replace(/:(\w+)/g, "{$1}");

async function apiGroups(): Promise<Group[]> {
  const declared: { firsts: readonly string[]; load: () => Promise<(api: Api) => void> }[] = [];
  const api = new Api(new Hono<Env>(), "", new LateRoutes());
  api.late = (firsts, load) => void declared.push({ firsts, load });
  mountApi(api, createEventStreams());
  equal(api.hono.routes.length, 0, "all routes of the API are late");
  return await Promise.all(declared.map(async ({ firsts, load }) => {
    const own = new Api(new Hono<Env>(), "", new LateRoutes());
    (await load())(own);
    return { firsts, routes: routesOf(own.hono) };
  }));
}

async function pageGroups(): Promise<Group[]> {
  const declared: { firsts: readonly string[]; load: () => Promise<(on: Hono<Env>) => void> }[] =
    [];
  const late: Pages["late"] = (firsts, load) => void declared.push({ firsts, load });
  const tools = { assets: noAssets, streams: createEventStreams() };
  mountPages(Object.assign(new Hono<Env>(), { late }), tools);
  return await Promise.all(declared.map(async ({ firsts, load }) => {
    const own = new Hono<Env>();
    (await load())(own);
    return { firsts, routes: routesOf(own) };
  }));
}

const routesOf = ({ routes }: Hono<Env>): string[] =>
  routes.map(({ method, path }) => `${method} ${path}`);

/** Whether one request could be meant for both. */
function overlap(a: string, b: string): boolean {
  const [ours, theirs] = [a.split("/"), b.split("/")];
  const isParameter = (part: string) => part.startsWith(":");
  return ours.length === theirs.length &&
    ours.every((part, n) => part === theirs[n] || isParameter(part) || isParameter(theirs[n]!));
}
