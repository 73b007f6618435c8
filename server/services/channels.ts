/** The ways on which a person is told of something who looks at no page: a webhook (ntfy too), and mail. */
import type { NotifyChannel, Outcome } from "../../queue/job.ts";
import type { App } from "../app.ts";
import { SECOND_MS } from "../clock.ts";
import { AppError, messageOf } from "../errors.ts";
import { type Mail, sendMail } from "./mail.ts";

/** For a webhook's whole answer. */
const WEBHOOK_TIMEOUT_MS = 10 * SECOND_MS;

/** What is told on any channel; the webhook's body may have more fields. */
export interface Message {
  /** Stays the same however often it is tried, so that whoever got it twice can tell. */
  id: string;
  title: string;
  /** Of the mail, in lines; `click` follows it. */
  text: string;
  /** Where it leads. */
  click: string;
  /** What is posted as JSON. */
  body: Record<string, unknown>;
}

/** Those that are configured. */
export const channelsOf = ({ config }: Pick<App, "config">): NotifyChannel[] => [
  ...config.notifyUrl === null ? [] : ["webhook"] as const,
  ...config.mail === null ? [] : ["mail"] as const,
];

/** Throws nothing but what the signal asks for: a failure is `retry`, a channel that is no more `cancel`. */
export async function send(
  { config }: Pick<App, "config">,
  by: NotifyChannel,
  message: Message,
  signal: AbortSignal,
): Promise<Outcome> {
  switch (by) {
    case "webhook":
      return config.notifyUrl === null
        ? notSet("notify_url")
        : await post(config.notifyUrl, message.body, signal);
    case "mail":
      return config.mail === null
        ? notSet("smtp_url")
        : await sendMail(config.mail, mailOf(message), signal);
    default:
      throw new AppError("internal", `Cannot notify: there is no channel "${by satisfies never}"`);
  }
}

export const notSet = (setting: string): Outcome => ({
  type: "cancel",
  reason: `No ${setting} is set`,
});

const mailOf = ({ id, title, text, click }: Message): Mail => ({
  id,
  subject: title,
  text: `${text}\n\n${click}\n`,
});

async function post(
  url: string,
  body: Record<string, unknown>,
  signal: AbortSignal,
): Promise<Outcome> {
  const target = new URL(url);
  // ntfy wants the topic in the body.
  const topic = target.searchParams.get("topic");
  target.searchParams.delete("topic");
  try {
    const response = await fetch(target, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ ...body, ...topic && { topic } }),
      // A service that moved is for a person to set anew: the link goes nowhere else.
      redirect: "manual",
      signal: AbortSignal.any([signal, AbortSignal.timeout(WEBHOOK_TIMEOUT_MS)]),
    });
    await response.body?.cancel();
    if (response.ok) return { type: "done" };
    return { type: "retry", reason: `${target.host} answered ${response.status}` };
  } catch (error) {
    signal.throwIfAborted();
    // The address may hold a password, and so may what fetch says of it.
    return { type: "retry", reason: `${target.host} can't be reached: ${nameOf(error)}` };
  }
}

const nameOf = (error: unknown): string =>
  error instanceof Error ? error.name : messageOf(error).slice(0, 100);
