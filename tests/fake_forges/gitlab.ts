/** GitLab, as version 4 of its REST API is documented. */
import { AT, json, pageOf } from "./answers.ts";
import type { FakePull, ForgeRequest, ForgeState } from "./mod.ts";

export async function gitlabApi(state: ForgeState, request: ForgeRequest): Promise<Response> {
  const { method, path, query, headers, body } = request;
  if (headers.get("private-token") !== state.token) {
    return json({ message: "401 Unauthorized" }, 401);
  }
  const [projects, id, ...rest] = path;
  // One part, with its slashes encoded.
  if (projects !== "projects" || id !== state.repository) {
    return json({ message: "404 Project Not Found" }, 404);
  }
  const route = `${method} ${rest.join("/")}`;
  const page = (all: readonly unknown[]) => pageOf(state, request, all, "per_page");
  if (route === "GET ") return json({ default_branch: "main" });
  if (route === "GET merge_requests") {
    const known = ["opened", "closed", "locked", "merged", "all"];
    if (!known.includes(query.get("state") ?? "all")) {
      return json({ error: "state does not have a valid value" }, 400);
    }
    const all = state.pulls.filter(({ branch }) => branch === query.get("source_branch"));
    return page(all.toReversed().map((pull) => pullJson(state, pull)));
  }
  if (route === "POST merge_requests") {
    for (const name of ["source_branch", "target_branch", "title"]) {
      if (!body?.[name]) return json({ error: `${name} is missing` }, 400);
    }
    const branch = body.source_branch;
    const headCommit = await state.branches(branch);
    if (headCommit === null) {
      return json({ message: { source_branch: ["does not exist"] } }, 422);
    }
    const open = state.pulls.find((pull) => pull.branch === branch && pull.state === "open");
    if (open) {
      const message = "Another open merge request already exists for this source branch: !";
      return json({ message: [message + open.number] }, 409);
    }
    const pull: FakePull = {
      number: state.pulls.length + 7,
      branch,
      target: body.target_branch,
      title: body.title,
      body: body.description ?? "",
      state: "open",
      headCommit,
      mergeCommit: null,
    };
    state.pulls.push(pull);
    return json(pullJson(state, pull), 201);
  }
  const pull = state.pulls.find(({ number }) => String(number) === rest[1]);
  if (method === "PUT" && rest[0] === "merge_requests" && rest.length === 2 && pull) {
    const event = body?.state_event;
    if (typeof body?.description === "string") {
      pull.body = body.description;
      if (event === undefined) return json(pullJson(state, pull));
    }
    if (event === undefined) {
      return json({
        error: "title, state_event are missing, at least one parameter must be provided",
      }, 400);
    }
    if (event !== "close" && event !== "reopen") {
      return json({ error: "state_event does not have a valid value" }, 400);
    }
    // A merged one stays as it is.
    if (pull.state !== "merged") pull.state = event === "close" ? "closed" : "open";
    return json(pullJson(state, pull));
  }
  if (method === "GET" && rest[0] === "merge_requests" && pull) {
    if (rest.length === 2) return json(pullJson(state, pull));
    if (rest[2] === "discussions") {
      const pushed = { id: 1, body: "added 1 commit", system: true, created_at: AT };
      // Verdicts are no notes of those who give them: GitLab writes its own.
      const given = verdictsOf(state).filter(({ undated }) => !undated).map((
        { id, author, verdict },
      ) => ({
        id: id + 1_000,
        body: verdict === "approved" ? "approved this merge request" : "requested changes",
        system: true,
        author: { username: author },
        created_at: AT,
      }));
      const said = state.remarks.filter(({ body, verdict }) => body !== "" || !verdict).map((
        remark,
      ) => ({
        id: remark.id,
        body: remark.body,
        system: false,
        author: { username: remark.author },
        created_at: AT,
        ...remark.kind !== "line" ? {} : {
          position: {
            new_path: remark.path,
            old_path: remark.path,
            new_line: remark.side === "old" ? null : remark.line,
            old_line: remark.side === "old" ? remark.line : null,
          },
        },
      }));
      return page(
        [pushed, ...said, ...given].map((note) => ({ id: `d${note.id}`, notes: [note] })),
      );
    }
  }
  if (method === "GET" && rest[0] === "merge_requests" && pull && rest[2] === "approvals") {
    const approved = standing(state).filter(({ verdict }) => verdict === "approved");
    return json({
      iid: pull.number,
      approvals_required: 0,
      approved_by: approved.map(({ author, undated }) => ({
        user: { username: author },
        ...undated ? {} : { approved_at: AT },
      })),
    });
  }
  if (method === "GET" && rest[0] === "merge_requests" && pull && rest[2] === "reviewers") {
    return page(
      standing(state).map(({ author, verdict }) => ({
        user: { id: 1, username: author },
        state: verdict === "approved" ? "approved" : "requested_changes",
        created_at: AT,
      })),
    );
  }
  if (
    method === "GET" && rest[0] === "repository" && rest[1] === "commits" && rest[3] === "statuses"
  ) {
    const checks = state.checks.filter(({ commit }) => commit === rest[2]);
    return page(checks.map(({ name, state }, id) => ({
      id,
      name,
      status: { running: "running", passed: "success", failed: "failed" }[state],
      description: `${name} ${state}`,
      target_url: `https://gitlab.example/job/${id}`,
      allow_failure: false,
    })));
  }
  return json({ error: "404 Not Found" }, 404);
}

const verdictsOf = ({ remarks }: ForgeState) =>
  remarks.filter(({ kind, verdict }) => kind === "review" && verdict);

/** The last verdict of each. */
const standing = (state: ForgeState) =>
  [
    ...new Map(verdictsOf(state).map((remark) => [remark.author, remark])).values(),
  ].filter(({ dismissed }) => !dismissed);

const pullJson = ({ repository }: ForgeState, pull: FakePull) => ({
  iid: pull.number,
  web_url: `https://gitlab.example/${repository}/-/merge_requests/${pull.number}`,
  state: pull.state === "open" ? "opened" : pull.state,
  title: pull.title,
  description: pull.body,
  source_branch: pull.branch,
  target_branch: pull.target,
  source_project_id: 3,
  target_project_id: 3,
  sha: pull.headCommit,
  merge_commit_sha: null,
  squash_commit_sha: pull.mergeCommit,
});
