/** GitHub, as its REST API of version 2022-11-28 is documented. */
import { AT, json, pageOf } from "./answers.ts";
import type { FakePull, FakeRemark, ForgeRequest, ForgeState } from "./mod.ts";

export async function githubApi(state: ForgeState, request: ForgeRequest): Promise<Response> {
  const { method, path, query, headers, body } = request;
  if (!headers.get("user-agent")) return json({ message: "Request forbidden by rules" }, 403);
  if (headers.get("accept") !== "application/vnd.github+json") {
    return json({ message: "Unsupported accept" }, 415);
  }
  if (headers.get("authorization") !== `Bearer ${state.token}`) {
    return json({ message: "Bad credentials" }, 401);
  }
  const [repos, owner, name, ...rest] = path;
  if (repos !== "repos" || `${owner}/${name}` !== state.repository) {
    return json({ message: "Not Found" }, 404);
  }
  const route = `${method} ${rest.join("/")}`;
  const page = (all: readonly unknown[], wrap?: (items: readonly unknown[]) => unknown) =>
    pageOf(state, request, all, "per_page", wrap);
  if (route === "GET ") return json({ default_branch: "main" });
  if (route === "GET pulls") {
    const [user, branch] = (query.get("head") ?? ":").split(":");
    if (user !== owner || !["open", "closed", "all"].includes(query.get("state") ?? "open")) {
      return page([]);
    }
    const all = state.pulls.filter((pull) => pull.branch === branch);
    return page(all.toReversed().map((pull) => pullJson(state, pull)));
  }
  if (route === "POST pulls") {
    const { title, head, base } = body ?? {};
    const missing = Object.entries({ title, head, base }).find(([, value]) => !value);
    if (missing) {
      return invalid([{ resource: "PullRequest", code: "missing_field", field: missing[0] }]);
    }
    const headCommit = await state.branches(head);
    if (headCommit === null) {
      return invalid([{ resource: "PullRequest", code: "invalid", field: "head" }]);
    }
    if (state.pulls.some((pull) => pull.branch === head && pull.state === "open")) {
      const message = `A pull request already exists for ${owner}:${head}.`;
      return invalid([{ resource: "PullRequest", code: "custom", message }]);
    }
    const pull: FakePull = {
      number: state.pulls.length + 7,
      branch: head,
      target: base,
      title,
      body: body.body ?? "",
      state: "open",
      headCommit,
      mergeCommit: null,
    };
    state.pulls.push(pull);
    return json(pullJson(state, pull), 201);
  }
  const pull = state.pulls.find(({ number }) => String(number) === rest[1]);
  if (method === "PATCH" && rest[0] === "pulls" && rest.length === 2 && pull) {
    if (typeof body?.body === "string") pull.body = body.body;
    if (body?.state === undefined && typeof body?.body === "string") {
      return json(pullJson(state, pull));
    }
    const wanted = body?.state;
    const other = state.pulls.find((one) =>
      one !== pull && one.branch === pull.branch && one.state === "open"
    );
    if (
      !["open", "closed"].includes(wanted) || pull.state === "merged" || wanted === "open" && other
    ) {
      return invalid([{ resource: "PullRequest", code: "invalid", field: "state" }]);
    }
    pull.state = wanted;
    return json(pullJson(state, pull));
  }
  if (method === "GET" && rest[0] === "pulls" && pull) {
    if (rest.length === 2) return json(pullJson(state, pull));
    if (rest[2] === "comments") {
      return page(
        of(state, "line").map(({ id, path, line, side, body, author }) => ({
          id,
          path,
          line: line ?? null,
          side: side === "old" ? "LEFT" : "RIGHT",
          body,
          user: { login: author },
          html_url: `https://github.example/c/${id}`,
          created_at: AT,
        })),
      );
    }
    if (rest[2] === "reviews") {
      return page(
        of(state, "review").map(({ id, body, author, verdict, dismissed }) => ({
          id,
          body,
          state: dismissed ? "DISMISSED" : verdict?.toUpperCase() ?? "COMMENTED",
          user: { login: author },
          html_url: `https://github.example/r/${id}`,
          submitted_at: AT,
        })),
      );
    }
  }
  if (method === "GET" && rest[0] === "issues" && pull && rest[2] === "comments") {
    return page(
      of(state, "note").map(({ id, body, author }) => ({
        id,
        body,
        user: { login: author },
        html_url: `https://github.example/n/${id}`,
        created_at: AT,
      })),
    );
  }
  if (method === "GET" && rest[0] === "commits" && /^[0-9a-f]{40}$/.test(rest[1] ?? "")) {
    const checks = state.checks.filter(({ commit }) => commit === rest[1]);
    if (rest[2] === "check-runs") {
      const runs = checks.map(({ name, state }, id) => ({
        id,
        name,
        status: state === "running" ? "in_progress" : "completed",
        conclusion: { running: null, passed: "success", failed: "failure" }[state],
        html_url: `https://github.example/run/${id}`,
        output: { title: `${name} ${state}` },
      }));
      return page(runs, (check_runs) => ({ total_count: runs.length, check_runs }));
    }
    if (rest[2] === "status") {
      const statuses = [{ context: "licence", state: "success", description: "signed" }];
      return page(checks.length === 0 ? [] : statuses, (statuses) => ({ state: "x", statuses }));
    }
  }
  return json({ message: "Not Found" }, 404);
}

const invalid = (errors: unknown[]) => json({ message: "Validation Failed", errors }, 422);
const of = ({ remarks }: ForgeState, kind: FakeRemark["kind"]) =>
  remarks.filter((remark) => remark.kind === kind);

const pullJson = ({ repository }: ForgeState, pull: FakePull) => ({
  number: pull.number,
  html_url: `https://github.example/${repository}/pull/${pull.number}`,
  state: pull.state === "open" ? "open" : "closed",
  title: pull.title,
  body: pull.body,
  merged_at: pull.state === "merged" ? AT : null,
  // Of an open one: a merge that was only tried.
  merge_commit_sha: pull.state === "merged" ? pull.mergeCommit : "f".repeat(40),
  head: { ref: pull.branch, sha: pull.headCommit, repo: { full_name: repository } },
  base: { ref: pull.target },
});
