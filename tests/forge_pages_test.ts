/** Where a project opens pull requests, and what is shown and done about them, on the pages and over the API. */
import {
  deepStrictEqual as deepEqual,
  doesNotMatch,
  match,
  strictEqual as equal,
} from "node:assert";
import { createHttp } from "../server/http.ts";
import { countNeeds, listNeeds } from "../server/pages/needs.ts";
import { forgesApi } from "../server/routes/forges.tsx";
import { pullRequestsApi } from "../server/routes/pull_requests.tsx";
import { findForge } from "../server/store/forges.ts";
import { noAssets } from "./http_support.ts";
import { PullScene } from "./pull_scene.ts";

const good = {
  kind: "github",
  api_url: "",
  repository: "ana/greet",
  remote_url: "https://github.com/ana/greet.git",
  token: "$GITHUB_TOKEN",
  takes_merge: false,
};

function apiOf(it: PullScene) {
  const http = createHttp(it.app, {
    assets: noAssets,
    mountApi(api) {
      forgesApi(api);
      pullRequestsApi(api);
    },
    mountPages: () => {},
    renderError: ({ title }) => title,
  });
  return async (method: string, path: string, body?: unknown, headers = {}) => {
    const answer = await http.request(`/api/v1${path}`, {
      method,
      headers: { "content-type": "application/json", ...headers },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    return {
      status: answer.status,
      json: await answer.json(),
      etag: answer.headers.get("etag"),
      allow: answer.headers.get("allow"),
    };
  };
}

Deno.test("a project's forge is set over the API, each wrong field refused by its name, and taken away", async () => {
  await using it = await PullScene.make();
  const call = apiOf(it);
  const path = `/projects/${it.it.scene.project.id}/forge`;
  const version = { "if-match": "*" };
  equal((await call("DELETE", path)).status, 200);
  deepEqual((await call("GET", path)).json, { forge: null });
  equal((await call("DELETE", path)).status, 404);
  equal((await call("PATCH", path)).allow, "GET, HEAD, PUT, DELETE");
  deepEqual((await call("PUT", path, good, version)).json.forge, {
    ...good,
    api_url: "https://api.github.com",
  });
  const wrong: [field: string, value: unknown][] = [
    ["kind", "bitbucket"],
    ["api_url", "http://forge.example/api/v1"],
    ["api_url", "https://ana:secret@forge.example"],
    ["api_url", "forge.example"],
    ["repository", "greet"],
    ["repository", "ana/../greet"],
    ["repository", "ana/."],
    ["repository", "a/b/c"],
    ["remote_url", "https://token@github.com/ana/greet.git"],
    ["remote_url", "/home/ana/greet.git"],
    ["remote_url", "file:///home/ana/greet.git"],
    ["token", "ghp_0123456789"],
    ["token", "$"],
    ["token", "$A B"],
  ];
  for (const [field, value] of wrong) {
    const { status, json } = await call("PUT", path, { ...good, [field]: value }, version);
    deepEqual([status, json.errors[0].field], [422, field], `${field} ${value}`);
  }
  const own = {
    kind: "gitea",
    api_url: "https://git.example/api/v1/",
    repository: "/ana/greet.git",
  };
  const saved = (await call("PUT", path, { ...good, ...own }, version)).json.forge;
  deepEqual([saved.api_url, saved.repository], ["https://git.example/api/v1", "ana/greet"]);
  for (const repository of ["ana/.github", "ana/_site"]) {
    equal((await call("PUT", path, { ...good, repository }, version)).status, 200, repository);
  }
  const lab = { kind: "gitlab", repository: "group/sub/greet" };
  equal(
    (await call("PUT", path, { ...good, ...lab }, version)).json.forge.repository,
    lab.repository,
  );
  equal(
    (await call("PUT", path, { ...good, kind: "gitlab", repository: "42" }, version)).status,
    200,
  );
  const without = { ...good, kind: "gitea", api_url: "" };
  equal((await call("PUT", path, without, version)).json.errors[0].field, "api_url");
  equal((await call("POST", `${path}/try`)).status, 422, "the environment lacks the variable");
});

Deno.test("a pull request is asked for, looked at and taken up over the API", async () => {
  await using it = await PullScene.make("gitea");
  const call = apiOf(it);
  const path = `/tickets/${it.ticket.id}/pull-request`;
  deepEqual((await call("GET", path)).json, { pull_request: null, checks: [], remarks: [] });
  equal((await call("POST", `${path}/look`)).status, 409);
  const asked = await call("POST", path, { message: "feat: Greet all" });
  deepEqual([asked.status, asked.json.pull_request.status], [200, "opening"]);
  equal((await call("POST", path, { style: "merge" })).status, 422);
  it.fake.state.remarks = [
    { id: 1, kind: "line", author: "ana", path: "a.txt", line: 3, body: "Why three?" },
  ];
  await it.follow();
  it.fake.state.checks = [{ name: "ci", state: "running", commit: it.ticket.headCommit! }];
  equal((await call("POST", `${path}/look`)).status, 200);
  await it.follow();
  const { pull_request, checks, remarks } = (await call("GET", path)).json;
  deepEqual([pull_request.number, pull_request.status, pull_request.error], [7, "open", ""]);
  deepEqual([checks[0].name, checks[0].status, remarks[0].author], ["ci", "running", "ana"]);
  equal((await call("POST", `${path}/take-up`, { remarks: [] })).status, 422);
  equal((await call("POST", `${path}/take-up`, { remarks: ["remark_x"] })).status, 404);
  const taken = await call("POST", `${path}/take-up`, { remarks: [remarks[0].id] });
  match(taken.json.remarks[0].comment_id, /^comment_/);
  equal((await call("GET", "/tickets/none/pull-request")).status, 404);
  equal((await call("POST", `${path}/bring`)).status, 409, "it is not merged there");
  const closing = await call("POST", `${path}/close`);
  deepEqual([closing.status, closing.json.pull_request.close_asked_by], [200, "owner"]);
  await it.follow();
  equal((await call("GET", path)).json.pull_request.status, "closed");
  equal((await call("POST", `${path}/close`)).status, 409);
});

Deno.test("the settings page shows what is saved, keeps what was refused, and never a token's value", async () => {
  await using it = await PullScene.make();
  const { pages, project } = it.it.scene;
  const href = `/projects/${project.id}/forge`;
  const text = async (path: string) => await (await pages.get(path)).text();
  match(await text(`/projects/${project.id}`), new RegExp(`href="${href}"`));
  match(
    await text(href),
    /Gaffer&#39;s environment has no variable \$FORGE_TOKEN|Gaffer's environment has no variable \$FORGE_TOKEN/,
  );
  const form = { ...good, takes_merge: "forge" };
  const refused = await pages.post(href, { ...form, token: "ghp_secret", repository: "nope" });
  equal(refused.status, 422);
  const page = await refused.text();
  match(page, /value="nope"/);
  match(page, /never the token itself/);
  equal((await pages.post(href, form)).status, 303);
  deepEqual(findForge(it.app.db, project.id)!.takesMerge, true);
  match(await text(href), /value="\$GITHUB_TOKEN"/);
  match(await (await pages.post(`${href}/try`)).text(), /The forge can(&#39;|')t be used so/);
  equal((await pages.post(`${href}/remove`)).status, 303);
  equal(findForge(it.app.db, project.id), null);
});

Deno.test("a review offers the pull request, shows what is said on the forge at its line, and takes it up", async () => {
  await using it = await PullScene.make();
  const { pages } = it.it.scene;
  const ticketPath = `/tickets/${it.ticket.id}`;
  match(await it.it.scene.page(), /Push and open a pull request/);
  const empty = await pages.post(`${ticketPath}/pull-request`, { message: "feat: Greet all" });
  equal(empty.status, 303);
  match(await it.it.scene.page(), /The pull request on GitHub is being opened/);
  it.fake.state.remarks = [
    {
      id: 1,
      kind: "line",
      author: "<b>ana",
      path: "a.txt",
      line: 3,
      body: "Why <script>alert(1)</script> three?",
    },
    { id: 2, kind: "review", author: "ben", body: "No", verdict: "changes_requested" },
  ];
  it.fake.state.checks = [{ name: "<i>ci", state: "failed", commit: it.ticket.headCommit! }];
  await it.follow();
  const review = await it.it.scene.page();
  match(review, /GitHub #7 is open\. Merged there, the ticket is done/);
  match(review, /&lt;b>ana on GitHub|&lt;b&gt;ana on GitHub/);
  doesNotMatch(review, /<script>alert|<b>ana/);
  match(review, /ben: wants changes/);
  equal(
    review.match(/class="[^"]*"[^>]*>Take up</g)?.length,
    4,
    "a remark at its line; in the list both, and the failed check",
  );
  const ticket = await (await pages.get(ticketPath)).text();
  match(
    ticket,
    /<a href="https:\/\/github\.example\/ana\/greet\/pull\/7" rel="noreferrer">GitHub #7</,
  );
  doesNotMatch(ticket, /<i>ci/);
  match(ticket, /2 remarks there<\/a><span class="muted">, 2 not taken up/);
  const failing = await pages.post(`${ticketPath}/pull-request/take-up`, {
    check: it.checks[0]!.key,
  });
  equal(failing.status, 303);
  const [line] = it.remarks;
  equal(
    (await pages.post(`${ticketPath}/pull-request/take-up`, { remarks: line!.id })).status,
    303,
  );
  match(await it.it.scene.page(), /Request changes \(2\)/);
  equal((await pages.post(`${ticketPath}/pull-request/look`)).status, 303);
});

Deno.test("where the forge takes the merge, the review says so; a stopped one is shown with the way on", async () => {
  await using it = await PullScene.make();
  it.set({ takesMerge: true });
  const before = await it.it.scene.page();
  match(before, /Approve &amp; open a pull request|Approve & open a pull request/);
  doesNotMatch(before, /Push and open a pull request/);
  it.it.approve();
  it.token = "wrong";
  await it.follow();
  const { pages } = it.it.scene;
  const page = await (await pages.get(`/tickets/${it.ticket.id}`)).text();
  match(page, /The pull request waits for you/);
  match(page, /refuses the token in \$FORGE_TOKEN/);
  match(page, /Try again/);
});

Deno.test("a ticket whose work is with the forge needs nobody here, until something is wanted", async () => {
  await using it = await PullScene.make();
  const needs = () => [countNeeds(it.app, null).development, listNeeds(it.app, null).length];
  deepEqual(needs(), [1, 1]);
  await it.opened();
  deepEqual(needs(), [0, 0]);
  it.fake.state.checks = [{ name: "ci", state: "failed", commit: it.ticket.headCommit! }];
  await it.follow();
  deepEqual(needs(), [1, 1]);
  it.fake.state.checks = [];
  it.fake.state.remarks = [{ id: 2, kind: "note", author: "bot", body: "Coverage" }];
  await it.follow();
  deepEqual(needs(), [0, 0], "a program's note is none");
  it.fake.state.remarks.push(
    { id: 3, kind: "review", author: "ben", body: "No", verdict: "changes_requested" },
  );
  await it.follow();
  deepEqual(needs(), [1, 1]);
  const approval = { kind: "review", body: "", verdict: "approved" } as const;
  it.fake.state.remarks.push({ ...approval, id: 4, author: "cleo" });
  await it.follow();
  deepEqual(needs(), [1, 1], "another's approval is none of his");
  it.fake.state.remarks.push({ ...approval, id: 5, author: "ben" });
  await it.follow();
  deepEqual(needs(), [0, 0], "he has changed his mind");
  await it.it.scene.round({ "a.txt": "newer\n" });
  deepEqual(needs(), [1, 1]);
  await it.opened();
  deepEqual(needs(), [0, 0], "what was wanted of the older work is behind it");
});
