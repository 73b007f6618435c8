/** Gitea and Forgejo, as version 1 of their API is documented. */
import { AT, json, pageOf } from "./answers.ts";
import type { FakePull, ForgeRequest, ForgeState } from "./mod.ts";

export async function giteaApi(state: ForgeState, request: ForgeRequest): Promise<Response> {
  const { method, path, query, headers, body } = request;
  if (headers.get("authorization") !== `token ${state.token}`) {
    return json({ message: "user does not exist [uid: 0, name: ]" }, 401);
  }
  const [repos, owner, name, ...rest] = path;
  const missing = json({ errors: null, message: "The target couldn't be found." }, 404);
  if (repos !== "repos" || `${owner}/${name}` !== state.repository) return missing;
  const route = `${method} ${rest.join("/")}`;
  const page = (all: readonly unknown[], wrap?: (items: readonly unknown[]) => unknown) =>
    pageOf(state, request, all, "limit", wrap);
  if (route === "GET ") return json({ default_branch: "main" });
  if (route === "GET pulls") {
    const wanted = query.get("state") ?? "open";
    const all = state.pulls.filter((pull) =>
      wanted === "all" || (pull.state === "open") === (wanted === "open")
    );
    return page(all.toReversed().map((pull) => pullJson(state, pull)));
  }
  if (route === "POST pulls") {
    const { head, base, title } = body ?? {};
    if (!head || !base || !title) return json({ message: "[Title]: Required" }, 422);
    const headCommit = await state.branches(head);
    if (headCommit === null) return missing;
    const open = state.pulls.find((pull) => pull.branch === head && pull.state === "open");
    if (open) {
      const message =
        `pull request already exists for these targets [id: 3, issue_id: 4, head: ${head}]`;
      return json({ message }, 409);
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
    if (pull.state === "merged") {
      const message = "cannot change state of this pull request, it was already merged";
      return json({ message }, 412);
    }
    if (typeof body?.body === "string") pull.body = body.body;
    // Whatever is no state changes none.
    if (body?.state === "open" || body?.state === "closed") pull.state = body.state;
    return json(pullJson(state, pull), 201);
  }
  if (method === "GET" && rest[0] === "pulls" && pull) {
    if (rest.length === 2) return json(pullJson(state, pull));
    const lines = state.remarks.filter(({ kind }) => kind === "line");
    if (rest[2] === "reviews" && rest.length === 3) {
      const whole = state.remarks.filter(({ kind }) => kind === "review");
      const verdicts = { approved: "APPROVED", changes_requested: "REQUEST_CHANGES" };
      return page([
        ...whole.map(({ id, body, author, verdict, dismissed }) => ({
          id,
          body,
          state: verdict ? verdicts[verdict] : "COMMENT",
          user: { login: author },
          html_url: `https://gitea.example/r/${id}`,
          submitted_at: AT,
          dismissed: dismissed === true,
          comments_count: 0,
        })),
        ...lines.length === 0 ? [] : [{
          id: 9_000,
          body: "",
          state: "COMMENT",
          user: { login: lines[0]!.author },
          submitted_at: AT,
          comments_count: lines.length,
        }],
      ]);
    }
    if (rest[2] === "reviews" && rest[3] === "9000" && rest[4] === "comments") {
      return json(lines.map(({ id, path, line, side, body, author }) => ({
        id,
        path,
        position: side === "old" ? 0 : line,
        original_position: side === "old" ? line : 0,
        body,
        user: { login: author },
        html_url: `https://gitea.example/c/${id}`,
        created_at: AT,
      })));
    }
  }
  if (method === "GET" && rest[0] === "issues" && pull && rest[2] === "comments") {
    const said = state.remarks.filter(({ kind }) => kind === "note");
    return json(said.map(({ id, body, author }) => ({
      id,
      body,
      user: { login: author },
      html_url: `https://gitea.example/n/${id}`,
      created_at: AT,
    })));
  }
  if (method === "GET" && rest[0] === "commits" && rest[2] === "status") {
    const checks = state.checks.filter(({ commit }) => commit === rest[1]);
    return page(
      checks.map(({ name, state }, id) => ({
        id,
        context: name,
        status: { running: "pending", passed: "success", failed: "failure" }[state],
        description: `${name} ${state}`,
        target_url: `https://gitea.example/run/${id}`,
      })),
      (statuses) => ({ state: "pending", statuses, total_count: checks.length }),
    );
  }
  return missing;
}

const pullJson = ({ repository }: ForgeState, pull: FakePull) => ({
  number: pull.number,
  html_url: `https://gitea.example/${repository}/pulls/${pull.number}`,
  state: pull.state === "open" ? "open" : "closed",
  title: pull.title,
  body: pull.body,
  merged: pull.state === "merged",
  merge_commit_sha: pull.mergeCommit,
  head: { ref: pull.branch, sha: pull.headCommit, repo: { full_name: repository } },
  base: { ref: pull.target },
});
