/**
 * What endpoints that only resemble the real one send, brought into the form that the vendor's library reads: a
 * whole message where a stream was asked for, events without a name, usage that is null or left out.
 */
import { encodeEvent, messageEvents } from "../demo/events.ts";
import type { Message } from "../demo/wire.ts";

/** Longest line that is looked at; what is longer holds no event that needs mending. */
const MAX_LINE_CHARS = 4_000_000;

/** The response itself, or one that says the same in the right form. Only answers are touched, no refusals. */
export async function lenient(response: Response): Promise<Response> {
  if (!response.ok || !response.body) return response;
  const { status, statusText } = response;
  const headers = new Headers(response.headers);
  const type = headers.get("content-type") ?? "";
  if (/^application\/json\b/i.test(type)) {
    const message = messageFrom(await response.text());
    if (message === null) {
      return Response.json({ error: "not a message" }, { status: 502, headers });
    }
    headers.set("content-type", "text/event-stream; charset=utf-8");
    headers.delete("content-length");
    const text = messageEvents({ message }).map(encodeEvent).join("");
    return new Response(text, { status, statusText, headers });
  }
  return new Response(
    response.body.pipeThrough(new TextDecoderStream())
      .pipeThrough(new TransformStream(new EventMender()))
      .pipeThrough(new TextEncoderStream()),
    { status, statusText, headers },
  );
}

/** Null: the text is no message. */
function messageFrom(text: string): Message | null {
  try {
    const message = JSON.parse(text);
    if (!Array.isArray(message?.content)) return null;
    return { ...message, usage: message.usage ?? {} };
  } catch {
    return null;
  }
}

/** Goes through a stream line by line. Lines that are as they should be pass as they are. */
class EventMender implements Transformer<string, string> {
  #rest = "";
  /** The event at hand has a name. */
  #named = false;

  transform(chunk: string, controller: TransformStreamDefaultController<string>): void {
    const text = this.#rest + chunk;
    const end = text.lastIndexOf("\n") + 1;
    this.#rest = text.slice(end);
    if (end > 0) controller.enqueue(this.#mend(text.slice(0, end)));
    if (this.#rest.length > MAX_LINE_CHARS) {
      controller.enqueue(this.#rest);
      this.#rest = "";
    }
  }

  flush(controller: TransformStreamDefaultController<string>): void {
    if (this.#rest !== "") controller.enqueue(this.#rest);
  }

  #mend(lines: string): string {
    return lines.split("\n").map((line) => this.#line(line)).join("\n");
  }

  #line(line: string): string {
    if (line === "" || line === "\r") {
      this.#named = false;
      return line;
    }
    if (line.startsWith("event:")) {
      this.#named = true;
      return line;
    }
    if (!line.startsWith("data:")) return line;
    // The two that hold usage are short and rare; all others only need a name.
    const hasUsage = /"message_(start|delta)"/.test(line.slice(0, 200));
    if (this.#named && !hasUsage) return line;
    const event = eventFrom(line.slice("data:".length));
    if (event === null) return line;
    const name = this.#named ? "" : `event: ${event.type}\n`;
    const mended = withUsage(event);
    return name + (mended === event ? line : `data: ${JSON.stringify(mended)}`);
  }
}

interface AnyEvent {
  type: string;
  message?: { usage?: unknown };
  usage?: unknown;
}

function eventFrom(json: string): AnyEvent | null {
  try {
    const event = JSON.parse(json);
    return typeof event?.type === "string" ? event : null;
  } catch {
    return null;
  }
}

/** The same event when there is nothing to mend. What is not counted stays uncounted. */
function withUsage(event: AnyEvent): AnyEvent {
  if (event.type === "message_start" && event.message && !event.message.usage) {
    return { ...event, message: { ...event.message, usage: {} } };
  }
  return event.type === "message_delta" && !event.usage ? { ...event, usage: {} } : event;
}
