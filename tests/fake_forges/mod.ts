/**
 * Small forges that speak the APIs of GitHub, GitLab and Gitea strictly: their paths, the form of their tokens, what
 * they require of a body, their paging and their refusals. One also keeps a repository that git pushes to over HTTP.
 */
import type { ForgeKind } from "../../server/states.ts";
import { giteaApi } from "./gitea.ts";
import { githubApi } from "./github.ts";
import { gitlabApi } from "./gitlab.ts";
import { serveGit } from "./git_http.ts";

export interface FakePull {
  number: number;
  branch: string;
  target: string;
  title: string;
  body: string;
  state: "open" | "closed" | "merged";
  headCommit: string;
  mergeCommit: string | null;
}

export interface FakeCheck {
  name: string;
  state: "running" | "passed" | "failed";
  commit: string;
}

export interface FakeRemark {
  id: number;
  /** On a line, of a whole review, or beside both. */
  kind: "line" | "review" | "note";
  author: string;
  body: string;
  path?: string;
  line?: number;
  side?: "old" | "new";
  verdict?: "approved" | "changes_requested";
  /** The verdict was taken back, by whoever gave it or by others. */
  dismissed?: boolean;
  /** The forge does not say when the verdict was given, as an older GitLab. */
  undated?: boolean;
}

/** What one of them holds and does. */
export interface ForgeState {
  token: string;
  /** `ana/greet`. */
  repository: string;
  /** Commit at each branch that was pushed; the test's own where no repository is kept. */
  branches: (name: string) => Promise<string | null> | string | null;
  pulls: FakePull[];
  checks: FakeCheck[];
  remarks: FakeRemark[];
  /** Items on a page, however many are asked for. */
  pageSize: number;
}

export interface ForgeRequest {
  method: string;
  /** Below the API's address, decoded part by part. */
  path: string[];
  query: URLSearchParams;
  headers: Headers;
  // deno-lint-ignore no-explicit-any -- whatever was sent
  body: any;
  /** Of the API, for links. */
  url: URL;
}

export interface FakeForge extends AsyncDisposable {
  kind: ForgeKind;
  state: ForgeState;
  /** Of the API. */
  apiUrl: string;
  /** What git pushes to, where a repository is kept. */
  remoteUrl: string;
  requests: ForgeRequest[];
  /** The next answers, in order. "hang": none comes. "cut": it is done, and the answer gets lost. */
  next: (Response | "plain" | "hang" | "cut")[];
}

export interface FakeForgeOptions {
  kind: ForgeKind;
  token?: string;
  repository?: string;
  /** Path of a bare repository that is served to git. */
  gitDir?: string;
}

const apis = { github: githubApi, gitlab: gitlabApi, gitea: giteaApi };
const roots = { github: "", gitlab: "/api/v4", gitea: "/api/v1" };

export function startFakeForge(
  { kind, token = "forge-token-1234", repository = "ana/greet", gitDir }: FakeForgeOptions,
): FakeForge {
  const branches = new Map<string, string>();
  const state: ForgeState = {
    token,
    repository,
    branches: (name) => branches.get(name) ?? "c".repeat(40),
    pulls: [],
    checks: [],
    remarks: [],
    pageSize: 2,
  };
  const requests: ForgeRequest[] = [];
  const next: FakeForge["next"] = [];
  const over = Promise.withResolvers<void>();
  const root = roots[kind];
  const server = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen: () => {} },
    async (request) => {
      const url = new URL(request.url);
      if (gitDir && url.pathname.startsWith(`/${repository}.git/`)) {
        return await serveGit(request, { gitDir, prefix: `/${repository}.git`, token });
      }
      if (!url.pathname.startsWith(`${root}/`)) {
        return new Response("no such page", { status: 404 });
      }
      const text = await request.text();
      const asked: ForgeRequest = {
        method: request.method,
        path: url.pathname.slice(root.length + 1).split("/").map(decodeURIComponent),
        query: url.searchParams,
        headers: request.headers,
        body: text === "" ? null : JSON.parse(text),
        url,
      };
      requests.push(asked);
      const answer = next.shift();
      if (answer === "hang") {
        await over.promise;
        return new Response(null, { status: 503 });
      }
      if (answer instanceof Response) return answer;
      for (const pull of state.pulls) {
        // It goes where its branch goes.
        if (pull.state === "open") {
          pull.headCommit = await state.branches(pull.branch) ?? pull.headCommit;
        }
      }
      const given = await apis[kind](state, asked);
      // As when a proxy dies between.
      return answer === "cut" ? new Response("bad gateway", { status: 502 }) : given;
    },
  );
  const address = `http://127.0.0.1:${server.addr.port}`;
  return {
    kind,
    state,
    apiUrl: `${address}${root}`,
    remoteUrl: `${address}/${repository}.git`,
    requests,
    next,
    async [Symbol.asyncDispose]() {
      over.resolve();
      await server.shutdown();
    },
  };
}
