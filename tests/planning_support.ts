/** A project with documents, over a real repository: its services, its pages and its API. */
import { mountApi } from "../server/routes/api.ts";
import type { Config } from "../server/config.ts";
import type { Project } from "../server/records.ts";
import { followDocuments } from "../server/services/document_index.ts";
import { createEventStreams } from "../server/sse.ts";
import { findDocument } from "../server/store/documents.ts";
import { never, TestRepo } from "./git_support.ts";
import { bench as httpBench } from "./http_support.ts";
import { type PagesBench, pagesBench } from "./pages_support.ts";
import { type TestApp, testApp } from "./support.ts";

export interface Answer {
  status: number;
  etag: string | null;
  // deno-lint-ignore no-explicit-any -- JSON of any route
  json: any;
}

export interface PlanningBench extends AsyncDisposable {
  app: TestApp;
  repo: TestRepo;
  project: Project;
  pages: PagesBench;
  call(method: string, path: string, body?: unknown, headers?: HeadersInit): Promise<Answer>;
  /** Brings the index up to date. */
  follow(): Promise<void>;
  /** Id of the document of this path. */
  idOf(path: string): string;
}

export async function planningBench(
  files: Record<string, string> = { "planning/specs/saving.md": "# Saving\n\nGames are saved.\n" },
  config: Partial<Config> = {},
): Promise<PlanningBench> {
  const repo = await TestRepo.make(files);
  const app = testApp({ config });
  const project = app.project({ path: repo.dir, slug: "game", name: "Game" });
  const api = httpBench({
    app: app as never,
    api: (api) => mountApi(api, createEventStreams()),
  });
  return {
    ...{ app, repo, project, pages: pagesBench(app) },
    async call(method, path, body, headers = {}) {
      const response = await api.http.request(`/api/v1${path}`, {
        method,
        headers: { "content-type": "application/json", ...headers },
        ...(body !== undefined && { body: JSON.stringify(body) }),
      });
      const etag = response.headers.get("etag");
      return { status: response.status, etag, json: await response.json() };
    },
    follow: () => followDocuments(app, project, never),
    idOf: (path) => findDocument(app.db, project.id, path)!.id,
    async [Symbol.asyncDispose]() {
      app[Symbol.dispose]();
      await repo[Symbol.asyncDispose]();
    },
  };
}
