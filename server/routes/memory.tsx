import type { Hono } from "hono";
import { z } from "zod";
import { memoryHref } from "../../views/links.ts";
import { MemoriesPage, MemoryPage, NotePage } from "../../views/memory.tsx";
import { type Api, type Env } from "../api.ts";
import { memoryChangesInput } from "../inputs.ts";
import { once } from "../once.ts";
import {
  memoryChangeJson,
  memoryChangeSchema,
  memoryJson,
  memorySchema,
  memorySummaryJson,
  memorySummarySchema,
} from "../outputs/memory.ts";
import { memoriesPage, memoryPage, notePage } from "../pages/memory.ts";
import { changeMemory, listMemories, memoryRef, readMemory } from "../services/memory.ts";
import { listMemoryChanges, listRunMemoryChanges, MEMORY_CHANGES_KEPT } from "../store/memory.ts";
import { getRun } from "../store/runs.ts";
import { act, done, pageRequest, type PageTools, readForm, show } from "./page.ts";

const memoriesQuery = once(() =>
  z.object({
    agent: z.string().max(40).optional(),
    project_id: z.string().max(64).optional(),
  })
);
const changesOut = () => z.object({ items: z.array(memoryChangeSchema()), next: z.null() });

export function memoryApi(api: Api): void {
  const present = (
    app: Parameters<typeof memoryRef>[0] & Parameters<typeof readMemory>[0],
    id: string,
  ) => {
    const ref = memoryRef(app, id);
    return memoryJson(ref, readMemory(app, ref));
  };
  api
    .get("/memory", {
      summary: "The agents' memories, with how much is in them",
      query: memoriesQuery,
      out: () => z.object({ items: z.array(memorySummarySchema()), next: z.null() }),
    }, ({ app, query }) => ({
      items: listMemories(app, { agent: query.agent, projectId: query.project_id })
        .map(memorySummaryJson),
      next: null,
    }))
    .get("/memory/:id", {
      summary: "One memory with its notes",
      out: memorySchema,
      versioned: true,
    }, ({ app, params }) => present(app, params.id!))
    .patch("/memory/:id", {
      summary: "Make, change and delete notes",
      body: memoryChangesInput,
      out: memorySchema,
      current: present,
    }, async ({ app, params, body }) => {
      const ref = memoryRef(app, params.id!);
      return memoryJson(ref, await changeMemory(app, ref, body.notes));
    })
    .get("/memory/:id/changes", {
      summary: "What was changed in it, newest first",
      out: changesOut,
    }, ({ app, params }) => ({
      items: listMemoryChanges(app.db, memoryRef(app, params.id!).id, MEMORY_CHANGES_KEPT)
        .map(memoryChangeJson),
      next: null,
    }))
    .get("/runs/:id/memory", {
      summary: "What the run's agent has learned: its changes of its memory",
      out: changesOut,
    }, ({ app, params }) => ({
      items: listRunMemoryChanges(app.db, getRun(app.db, params.id!).id).map(memoryChangeJson),
      next: null,
    }));
}

export function memoryPages(pages: Hono<Env>, tools: PageTools): void {
  pages.get("/memory", (c) => {
    const agent = c.req.query("agent") || undefined;
    return show(c, <MemoriesPage {...memoriesPage(pageRequest(c, tools), agent)} />);
  });
  pages.get("/memory/:id", (c) => {
    return show(c, <MemoryPage {...memoryPage(pageRequest(c, tools), c.req.param("id"))} />);
  });
  pages.get("/memory/:id/edit", (c) => {
    const path = c.req.query("path") ?? "";
    return show(c, <NotePage {...notePage(pageRequest(c, tools), c.req.param("id"), path)} />);
  });
  pages.post("/memory/:id/edit", async (c) => {
    const { app } = c.var;
    const id = c.req.param("id");
    const { path = "", text: typed = "", seen = "", remove, was = "" } = await readForm(c);
    // A browser sends lines with both of their ends.
    const text = typed.replaceAll("\r\n", "\n");
    return await act(
      async () => {
        const change = { path, text: remove === undefined ? text : null, seen };
        await changeMemory(app, memoryRef(app, id), [change]);
        return done(c, memoryHref(id), remove === undefined ? `${path} saved` : `${path} deleted`);
      },
      ({ message, errors, status }) => {
        const form = { path, text, message, errors };
        return show(c, <NotePage {...notePage(pageRequest(c, tools), id, was, form)} />, status);
      },
    );
  });
}
