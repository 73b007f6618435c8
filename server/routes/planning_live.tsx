/** The event streams of the planning pages. While one is open, the files of its project are watched. */
import type { Hono } from "hono";
import type { VNode } from "preact";
import { documentGonePartials, documentPartials } from "../../views/document.tsx";
import { documentEditPartials } from "../../views/document_edit.tsx";
import { documentStatePartials } from "../../views/document_states.tsx";
import { treeFolderPartial } from "../../views/document_tree.tsx";
import { framePartials } from "../../views/layout.tsx";
import { planningPartials } from "../../views/planning.tsx";
import { render } from "../../views/render.ts";
import { type Env, type RequestContext, requestSignal } from "../api.ts";
import { AppError, messageOf } from "../errors.ts";
import { changedFolders } from "../pages/document_tree.ts";
import { documentLiveModel } from "../pages/document_live.ts";
import { documentPage, folderIn, planningPage } from "../pages/planning.ts";
import { type PageRequest, shellOf } from "../pages/shell.ts";
import { DocumentWatches } from "../services/document_watch.ts";
import type { SseClient } from "../sse.ts";
import { documentsState, findDocumentById } from "../store/documents.ts";
import { newestIndexing } from "../store/document_tree.ts";
import { getSpot } from "../store/documents_gone.ts";
import { lastSeq } from "../store/events.ts";
import { getProject } from "../store/projects.ts";
import { type Cancel, systemTimers } from "../timers.ts";
import { frame } from "./live.tsx";
import { pageRequest, type PageTools } from "./page.ts";

/** Everything that happens within this time becomes one message. */
const BUNDLE_MS = 120;
/** A page that is long in the making is made that much less often. */
const REST_FACTOR = 4;

export function planningLivePages(pages: Hono<Env>, tools: PageTools): void {
  const watches = new DocumentWatches();
  const open = (c: RequestContext, view: LiveDocuments) =>
    tools.streams.open(c, (client) => {
      const release = watches.hold(c.var.app, view.projectId);
      const unfollow = follow(c, client, view);
      return () => {
        unfollow();
        release();
      };
    });
  const request = (c: RequestContext, projectId: string): PageRequest => ({
    ...pageRequest(c, tools),
    flash: null,
    projectId,
  });

  pages.get("/live/planning", (c) => {
    const project = getProject(c.var.app.db, c.req.query("project") ?? "");
    const page = request(c, project.id);
    // The stream's own "after" is the number of an event.
    const { folder = "", q = "", from = "", state } = c.req.query();
    const query = { folder: folderIn(folder), q, after: from };
    return open(c, {
      projectId: project.id,
      stale: documentsState(page.app.db, project.id) !== state,
      frame: () => frameOf(page, `Planning, ${project.name}`),
      async render() {
        return planningPartials(await planningPage(page, project, query, requestSignal()));
      },
    });
  });

  pages.get("/live/document/:id", async (c) => {
    const { app } = c.var;
    const { id, projectId } = getSpot(app.db, c.req.param("id"));
    const page = request(c, projectId);
    let states = await orGone(documentLiveModel(page, id, requestSignal()));
    const { version, since = newestIndexing(app.db, projectId) } = c.req.query();
    let known = since;
    return open(c, {
      projectId,
      stale: findDocumentById(app.db, id)?.version !== version ||
        newestIndexing(app.db, projectId) > since,
      frame: () => (
        <>
          {frameOf(page, titleOf(page, id))}
          {states && documentStatePartials(states())}
        </>
      ),
      async render() {
        const props = await orGone(documentPage(page, id, requestSignal()));
        states = await orGone(documentLiveModel(page, id, requestSignal()));
        if (!props) return documentGonePartials(projectId);
        const newest = newestIndexing(app.db, projectId);
        const folders = changedFolders(app, props.document, known);
        known = newest;
        return (
          <>
            {documentPartials(props)}
            {folders.map(treeFolderPartial)}
          </>
        );
      },
    });
  });

  pages.get("/live/document/:id/edit", (c) => {
    const { app } = c.var;
    const { id, projectId } = getSpot(app.db, c.req.param("id"));
    const [page, seen] = [request(c, projectId), c.req.query("version")];
    return open(c, {
      projectId,
      stale: findDocumentById(app.db, id)?.version !== seen,
      frame: () => frameOf(page, `Edit ${titleOf(page, id)}`),
      render() {
        const document = findDocumentById(app.db, id);
        const what = document === null ? "deleted" : document.version === seen ? null : "changed";
        const title = titleOf(page, id);
        const shell = shellOf(page);
        return Promise.resolve(documentEditPartials({ id, projectId, what, title, shell }));
      },
    });
  });
}

/** Null: the document is gone. */
async function orGone<T>(reading: Promise<T>): Promise<T | null> {
  try {
    return await reading;
  } catch (error) {
    if (!(error instanceof AppError) || error.code !== "not_found") throw error;
    return null;
  }
}

const frameOf = (page: PageRequest, title: string): VNode =>
  framePartials({ shell: shellOf(page), current: "planning", title });

const titleOf = ({ app }: PageRequest, id: string): string =>
  findDocumentById(app.db, id)?.title ?? getSpot(app.db, id).path;

interface LiveDocuments {
  projectId: string;
  /** The page shows other documents than the index has by now. */
  stale: boolean;
  /** What stands around the page, and what of it tells how something else stands. */
  frame(): VNode;
  /** All that may have changed, the frame, too. */
  render(): Promise<VNode>;
}

/** Sends what was missed at once, then what happens, bundled. Returns what ends it. */
function follow(c: RequestContext, client: SseClient, view: LiveDocuments): Cancel {
  const { app } = c.var;
  let [documents, around, busy, over] = [view.stale, view.stale, false, false];
  let timer: Cancel | null = null;
  let restMs = BUNDLE_MS;

  const flush = async () => {
    timer = null;
    busy = true;
    const begunMs = performance.now();
    const all = documents;
    documents = around = false;
    try {
      const seq = lastSeq(app.db);
      const data = render(all ? await view.render() : view.frame());
      if (!over) client.send({ id: seq, data });
    } catch (error) {
      // The page keeps what it shows and may be loaded again.
      app.log.warn("a live page could not be updated", {
        path: c.req.path,
        error: messageOf(error),
      });
      client.close();
    }
    busy = false;
    restMs = Math.max(BUNDLE_MS, REST_FACTOR * (performance.now() - begunMs));
    if (documents || around) soon();
  };
  const soon = () => {
    if (!busy && !over) timer ??= systemTimers.after(restMs, () => void flush());
  };

  if (view.stale) soon();
  const unsubscribe = app.hub.subscribe((message) => {
    const isOurs = message.kind === "documents" && message.projectId === view.projectId;
    if (!isOurs && !frame(message)) return;
    documents ||= isOurs;
    around = true;
    soon();
  });
  return () => {
    over = true;
    unsubscribe();
    timer?.();
  };
}
