/** The stream of everything that happens, for clients of the API. */
import type { Api } from "../api.ts";
import type { CommittedEvent } from "../db.ts";
import { type EventStreams, lastEventId } from "../sse.ts";
import { listEventsAfter } from "../store/events.ts";

/** Events read at once while a client catches up. */
const CATCH_UP = 500;

const eventJson = (event: CommittedEvent) => ({
  seq: event.seq,
  at: event.at,
  actor: event.actor,
  type: event.type,
  project_id: event.projectId,
  idea_id: event.ideaId,
  ticket_id: event.ticketId,
  run_id: event.runId,
  number: event.number,
  data: event.data,
});

export function eventsApi(api: Api, streams: EventStreams): void {
  api.describe({
    method: "get",
    path: "/events",
    tags: ["events"],
    summary: "Everything that happens, as server-sent events; resumes by Last-Event-ID",
    responses: { 200: { description: "The stream", content: { "text/event-stream": {} } } },
  });
  api.hono.get("/events", (c) => {
    const { app } = c.var;
    return streams.open(c, (client) => {
      let sent = lastEventId(c);
      const send = (event: CommittedEvent) => {
        if (sent !== null && event.seq <= sent) return true;
        sent = event.seq;
        return client.send({
          id: event.seq,
          event: event.type,
          data: JSON.stringify(eventJson(event)),
        });
      };
      for (let events: CommittedEvent[] = []; sent !== null;) {
        events = listEventsAfter(app.db, sent, CATCH_UP);
        if (!events.every(send) || events.length < CATCH_UP) break;
      }
      return app.hub.subscribe((message) => {
        if (message.kind === "event") send(message.event);
      });
    });
  });
}
