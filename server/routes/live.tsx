/** The event streams of the pages: what changed is rendered anew and sent as partials (contract: views/live.tsx). */
import type { Hono } from "hono";
import type { ComponentChildren, VNode } from "preact";
import { render } from "../../views/render.ts";
import { type ActivityItem, foldActivity, itemsSince } from "../../views/activity_fold.ts";
import { activityPartial, itemsPartial } from "../../views/activity.tsx";
import { agentPartials } from "../../views/agent.tsx";
import { agentsPartials } from "../../views/agents.tsx";
import { describeChange } from "../../views/history.tsx";
import { homePartials } from "../../views/home.tsx";
import { ideaPartials } from "../../views/idea.tsx";
import { ideasPartials } from "../../views/ideas.tsx";
import { jobsPartials } from "../../views/jobs.tsx";
import { liveTextPartial } from "../../views/live.tsx";
import { projectPartials } from "../../views/project.tsx";
import { projectsPartials } from "../../views/projects.tsx";
import { reviewPartials } from "../../views/review.tsx";
import { runPartials } from "../../views/run.tsx";
import { runsPartials } from "../../views/runs.tsx";
import { runningOutputPartial } from "../../views/running_check.tsx";
import { settingsPartials } from "../../views/settings.tsx";
import { ticketPartials } from "../../views/ticket.tsx";
import { developmentPartials } from "../../views/tickets.tsx";
import { usagePartials } from "../../views/usage.tsx";
import { type Env, type RequestContext, requestSignal } from "../api.ts";
import type { App } from "../app.ts";
import { today } from "../calendar.ts";
import type { CommittedEvent } from "../db.ts";
import { messageOf } from "../errors.ts";
import type { HubMessage } from "../hub.ts";
import { agentPage, agentsPage } from "../pages/agents.ts";
import { homePage } from "../pages/home.ts";
import { ideaPage, ideasPage, readIdeasQuery } from "../pages/ideas.ts";
import { jobsPage, readJobsQuery } from "../pages/jobs.ts";
import { projectPage, projectsPage } from "../pages/projects.ts";
import { reviewFacts } from "../pages/review.ts";
import { runPage, runsPage } from "../pages/runs.ts";
import { settingsPage } from "../pages/settings.ts";
import { shellOf } from "../pages/shell.ts";
import { developmentPage, readDevelopmentQuery, ticketPage } from "../pages/tickets.ts";
import { readUsageQuery, usagePage } from "../pages/usage.ts";
import type { Run, RunEvent } from "../records.ts";
import { runningCheck } from "../services/running_checks.ts";
import { isTurnEnd } from "../services/budgets.ts";
import { lastEventId, type SseClient } from "../sse.ts";
import { lastSeq, listEventsAfter } from "../store/events.ts";
import { findFailedTurn, listRunEvents, readRunLog } from "../store/run_log.ts";
import { findActiveRun, getRun } from "../store/runs.ts";
import { type Cancel, systemTimers } from "../timers.ts";
import { pageRequest, type PageTools } from "./page.ts";

/** Everything that happens within this time becomes one message, so that a flood stays readable. */
const BUNDLE_MS = 120;
/** A page that is long in the making is made that much less often: this thread has others to serve. */
const REST_FACTOR = 4;
/** Changes that are looked through for a milestone to announce. */
const MILESTONES_MAX = 200;

export function livePages(pages: Hono<Env>, tools: PageTools): void {
  const open = (c: RequestContext, view: LiveView) =>
    tools.streams.open(c, (client) => follow(c, client, view));
  const request = (c: RequestContext) => ({ ...pageRequest(c, tools), flash: null });

  pages.get("/live/home", (c) => {
    const page = request(c);
    return open(c, {
      concerns: anything(page.app),
      render: (status) => homePartials(homePage(page), status),
    });
  });
  pages.get("/live/ideas", (c) => {
    const [page, query] = [request(c), readIdeasQuery(c.req.query())];
    const render = (status?: string) => ideasPartials(ideasPage(page, query), status);
    return open(c, { concerns: anything(page.app), render });
  });
  pages.get("/live/idea/:id", (c) => {
    const [page, id] = [request(c), c.req.param("id")];
    return open(c, {
      concerns: (message) => frame(message) || ofIdea(message, id),
      render: (status) => ideaPartials(ideaPage(page, id), status),
      shows: (message) => message.kind === "delta" && message.ideaId === id,
      text: (app) => liveTexts(app, ideaPage(page, id).runs.map(({ run }) => run)),
    });
  });
  pages.get("/live/development", (c) => {
    const [page, query] = [request(c), readDevelopmentQuery(c.req.query())];
    const render = (status?: string) => developmentPartials(developmentPage(page, query), status);
    return open(c, { concerns: anything(page.app), render });
  });
  pages.get("/live/ticket/:id", (c) => {
    const [page, id] = [request(c), c.req.param("id")];
    const activity = new LiveActivity(page.app, lastEventId(c) ?? lastSeq(page.app.db));
    return open(c, {
      concerns: (message) => frame(message) || ofTicket(message, id) || turnsCheck(message, id),
      render(status) {
        const props = ticketPage(page, id);
        const { run } = props.activity;
        return (
          <>
            {ticketPartials(props, status)}
            {activity.follow(run, () =>
              activityPartial({ ...props.activity, nowMs: page.app.clock.nowMs() }))}
          </>
        );
      },
      shows: ({ ticketId }) => ticketId === id,
      text(app) {
        const run = findActiveRun(app.db, id);
        return (
          <>
            {run && liveTexts(app, [run])}
            {runningOutputPartial({ check: runningCheck(app, id) })}
          </>
        );
      },
    });
  });
  pages.get("/live/runs", (c) => {
    const [page, cursor] = [request(c), c.req.query("cursor")];
    const render = (status?: string) => runsPartials(runsPage(page, cursor), status);
    return open(c, { concerns: anything(page.app), render });
  });
  pages.get("/live/run/:id", (c) => {
    const [page, id] = [request(c), c.req.param("id")];
    const activity = new LiveActivity(page.app, lastEventId(c) ?? lastSeq(page.app.db));
    activity.run = getRun(page.app.db, id);
    return open(c, {
      concerns: (message) => frame(message) || ofRun(message, id),
      render(status) {
        const props = runPage(page, id);
        return (
          <>
            {runPartials(props, status)}
            {activity.follow(props.run, () => null)}
          </>
        );
      },
      shows: (message) => message.kind === "delta" && message.runId === id,
      text: (app) => liveTexts(app, [getRun(app.db, id)]),
    });
  });
  pages.get("/live/review/:id", (c) => {
    const [page, id, shown] = [request(c), c.req.param("id"), c.req.query("commit")];
    return open(c, {
      concerns: (message) => frame(message) || ofTicket(message, id),
      render: (status) =>
        reviewPartials({
          ...reviewFacts(page.app, id),
          shell: shellOf(page),
          live: null,
          files: [],
          openFile: null,
          commentAt: null,
          refused: null,
          shown,
        }, status),
    });
  });
  pages.get("/live/jobs", (c) => {
    const [page, query] = [request(c), readJobsQuery(c.req.query())];
    const lists = anything(page.app);
    return open(c, {
      concerns: (message) => message.kind === "jobs" || lists(message),
      render: (status) => jobsPartials(jobsPage(page, query), status),
    });
  });
  pages.get("/live/usage", (c) => {
    const [page, query] = [request(c), readUsageQuery(c.req.query(), today(c.var.app))];
    const render = (status?: string) => usagePartials(usagePage(page, query), status);
    const isPaid = (message: HubMessage) => isEvent(message) && isTurnEnd(message.event);
    return open(c, { concerns: (message) => frame(message) || isPaid(message), render });
  });
  pages.get("/live/agents", (c) => {
    const page = request(c);
    const render = (status?: string) => agentsPartials(agentsPage(page), status);
    return open(c, { concerns: anything(page.app), render });
  });
  pages.get("/live/agent/:id", (c) => {
    const [page, id] = [request(c), c.req.param("id")];
    const render = (status?: string) => agentPartials(agentPage(page, id), status);
    return open(c, { concerns: anything(page.app), render });
  });
  pages.get("/live/projects", (c) => {
    const page = request(c);
    const render = (status?: string) => projectsPartials(projectsPage(page), status);
    return open(c, { concerns: anything(page.app), render });
  });
  pages.get("/live/project/:id", (c) => {
    const [page, id] = [request(c), c.req.param("id")];
    const render = (status?: string) => projectPartials(projectPage(page, id), status);
    return open(c, { concerns: frame, render });
  });
  pages.get("/live/ask/:id", async (c) => {
    const { askPartials } = await import("../../views/ask.tsx");
    const { askPage, presentText } = await import("../pages/asks.ts");
    const [page, id] = [request(c), c.req.param("id")];
    const present = await presentText(page.app, id, requestSignal());
    const render = (status?: string) => askPartials(askPage(page, id, present), status);
    return open(c, { concerns: anything(page.app), render });
  });
  pages.get("/live/settings", (c) => {
    const page = request(c);
    const render = (status?: string) => settingsPartials(settingsPage(page), status);
    return open(c, { concerns: anything(page.app), render });
  });
}

// ------------------------------------------------------------------ what concerns a page

const isEvent = (message: HubMessage): message is HubMessage & { kind: "event" } =>
  message.kind === "event";

/** Lists: every change of a thing, but of the steps of a run only what changes its row. */
const anything = (app: App) => (message: HubMessage): boolean =>
  message.kind === "agents" || message.kind === "storage" || message.kind === "waits" ||
  (isEvent(message) && (message.event.runId === null || changesRow(app, message.event)));

const rowEvents = new Set([
  ...["started", "waiting", "resumed", "approval_requested", "turn_failed"],
  ...["succeeded", "failed", "cancelled"],
]);

function changesRow({ db }: App, { type, runId, number }: CommittedEvent): boolean {
  if (rowEvents.has(type)) return true;
  // A request that is sent again: what the row says of its wait is over.
  return type === "turn_started" && findFailedTurn(db, runId!, number!) !== null;
}

/** What stands around every page: counts, banners. That work waits for the machine is rare enough for all. */
export const frame = (message: HubMessage): boolean =>
  message.kind === "agents" || message.kind === "storage" || message.kind === "waits" ||
  (isEvent(message) && message.event.runId === null && message.event.type !== "ticket_changed");

const ofIdea = (message: HubMessage, id: string): boolean =>
  isEvent(message) && message.event.ideaId === id;
const ofTicket = (message: HubMessage, id: string): boolean =>
  isEvent(message) && message.event.ticketId === id;
/** A check of the ticket begins or is over. */
const turnsCheck = (message: HubMessage, id: string): boolean =>
  message.kind === "check" && message.at === "turn" && message.ticketId === id;
const ofRun = (message: HubMessage, id: string): boolean =>
  isEvent(message) && message.event.runId === id;

// ------------------------------------------------------------------ one page's stream

type Delta = HubMessage & { kind: "delta" | "check" };

/** It says what is printed right now, and changes nothing that is on record. */
const streams = (message: HubMessage): message is Delta =>
  message.kind === "delta" || message.kind === "check" && message.at === "output";

export interface LiveView {
  concerns(message: HubMessage): boolean;
  /** Everything that may have changed; `status` is a milestone for screen readers. */
  render(status?: string): VNode;
  /** Whether text that streams is of a run on this page; absent: none is. */
  shows?(delta: Delta): boolean;
  /** What streams right now; null when nothing does. */
  text?(app: App): ComponentChildren;
}

/** Sends what was missed at once, then what happens, bundled. Returns what ends it. */
export function follow(c: RequestContext, client: SseClient, view: LiveView): Cancel {
  const { app } = c.var;
  let sentSeq = lastEventId(c) ?? lastSeq(app.db);
  // That nothing can be saved is no event: who connects then may not know it yet.
  let changed = lastSeq(app.db) > sentSeq || app.db.fault !== null;
  let streamed = false;
  let timer: Cancel | null = null;
  let restMs = BUNDLE_MS;

  const flush = () => {
    timer = null;
    const begunMs = performance.now();
    try {
      if (changed) {
        const seq = lastSeq(app.db);
        const status = milestone(listEventsAfter(app.db, sentSeq, MILESTONES_MAX));
        const data = render(view.render(status));
        sentSeq = seq;
        client.send({ id: seq, data });
      }
      if (streamed) {
        const text = view.text?.(app);
        if (text) client.send({ data: render(<>{text}</>) });
      }
    } catch (error) {
      // The thing is gone or the database is; the page keeps what it shows and may be loaded again.
      app.log.warn("a live page could not be updated", {
        path: c.req.path,
        error: messageOf(error),
      });
      client.close();
    }
    changed = streamed = false;
    restMs = Math.max(BUNDLE_MS, REST_FACTOR * (performance.now() - begunMs));
  };
  const soon = () => timer ??= systemTimers.after(restMs, flush);

  if (changed) flush();
  const unsubscribe = app.hub.subscribe((message) => {
    if (streams(message)) {
      if (message.kind === "delta" && message.part !== "text" || !view.shows?.(message)) return;
      streamed = true;
      return void soon();
    }
    if (!view.concerns(message)) return;
    changed = true;
    soon();
  });
  return () => {
    unsubscribe();
    timer?.();
  };
}

const announced = new Set(["ticket_moved", "idea_moved", "check_finished"]);

function milestone(events: CommittedEvent[]): string | undefined {
  const event = events.findLast(({ type, runId }) => runId === null && announced.has(type));
  return event && describeChange(event as Parameters<typeof describeChange>[0]);
}

function liveTexts(app: App, runs: Run[]): ComponentChildren {
  return runs.flatMap((run) => {
    const live = app.agents.liveText(run.id);
    return live ? [liveTextPartial(run.id, live.text)] : [];
  });
}

/** The activity of the run that a page shows: only what is new, or all of it when another run took its place. */
class LiveActivity {
  run: Run | null = null;
  /** Number of the newest event on the page. */
  #shown = 0;
  /** Number of the event that began the newest turn on the page: later events may still belong to it. */
  #turn = 1;
  /** Number of the event that began the turn before that one: what it left in the cache, the newest may read. */
  #turnBefore = 1;

  constructor(readonly app: App, readonly renderedSeq: number) {}

  follow(run: Run | null, renderAll: () => VNode | null): VNode | null {
    if (run === null) return null;
    if (this.run?.id !== run.id || this.#shown === 0) {
      const isKnown = this.run === null || this.run.id === run.id;
      this.run = run;
      const log = readRunLog(this.app.db, run.id);
      const onPage = isKnown ? log.filter((event) => event.seq <= this.renderedSeq) : [];
      this.#shown = 0;
      this.#turn = this.#turnBefore = 1;
      const all = onPage.length === 0 ? renderAll() : null;
      // Without all of it at once, what is not on the page follows as what is new.
      this.#remember(all === null ? onPage : log);
      if (all !== null) return all;
    }
    this.run = run;
    const events = listRunEvents(this.app.db, run.id, {
      after: this.#turnBefore - 1,
      limit: 10_000,
    });
    const items: ActivityItem[] = itemsSince(foldActivity(events), this.#shown);
    if (items.length === 0) return null;
    this.#remember(events);
    const liveText = this.app.agents.liveText(run.id)?.text ?? "";
    return itemsPartial({ run, items, liveText, nowMs: this.app.clock.nowMs() });
  }

  #remember(events: RunEvent[]): void {
    this.#shown = events.at(-1)?.number ?? 0;
    const begun = events.filter((event) => event.body.type === "turn_started");
    this.#turn = begun.at(-1)?.number ?? Math.max(1, this.#turn);
    this.#turnBefore = begun.at(-2)?.number ?? this.#turnBefore;
  }
}
