/** Mail over SMTP: the only file that knows the library, which is loaded with the first mail. */
import type { SMTPTransportOptions } from "nodemailer";
import type { Outcome } from "../../queue/job.ts";
import { SECOND_MS } from "../clock.ts";
import type { MailConfig } from "../config.ts";

/** For a connection, for its greeting, and for each answer. */
export const SMTP_TIMEOUT_MS = 15 * SECOND_MS;

export interface Mail {
  /** Becomes the Message-ID: a mail that was sent twice, because its answer got lost, is shown once. */
  id: string;
  subject: string;
  /** Plain, in lines. */
  text: string;
}

/**
 * Hands one mail to the configured server; `retry` says why it was not taken, without a word of what the server or the
 * address say, since both may repeat a password. A password goes over an encrypted connection only, but to this machine.
 */
export async function sendMail(
  config: MailConfig,
  { id, subject, text }: Mail,
  signal: AbortSignal,
): Promise<Outcome> {
  const { createTransport } = await import("nodemailer");
  signal.throwIfAborted();
  const transport = createTransport(transportOf(config));
  try {
    await transport.sendMail({
      from: { name: "Gaffer", address: config.from },
      to: config.to,
      subject,
      text,
      messageId: `<${id}@${config.from.split("@")[1]}>`,
      // No list, no holiday: RFC 3834.
      headers: { "auto-submitted": "auto-generated" },
      disableFileAccess: true,
      disableUrlAccess: true,
      // To close the transport hangs up on nobody: what is under way would go on to its time limit.
      signal,
    });
    return { type: "done" };
  } catch (error) {
    signal.throwIfAborted();
    return {
      type: "retry",
      reason: `${new URL(config.smtpUrl).host} did not take the mail: ${codeOf(error)}`,
    };
  } finally {
    transport.close();
  }
}

function transportOf({ smtpUrl }: MailConfig): SMTPTransportOptions {
  const url = new URL(smtpUrl);
  const secure = url.protocol === "smtps:";
  const user = decodeURIComponent(url.username);
  const host = url.hostname.replace(/^\[|\]$/g, "");
  return {
    host,
    port: Number(url.port) || (secure ? 465 : 587),
    secure,
    requireTLS: !secure && user !== "" && !isThisMachine(host),
    ...user !== "" && { auth: { user, pass: decodeURIComponent(url.password) } },
    connectionTimeout: SMTP_TIMEOUT_MS,
    greetingTimeout: SMTP_TIMEOUT_MS,
    socketTimeout: SMTP_TIMEOUT_MS,
  };
}

const isThisMachine = (host: string): boolean =>
  host === "localhost" || host === "::1" || /^127\.\d+\.\d+\.\d+$/.test(host);

/** "EAUTH 535". */
function codeOf(error: unknown): string {
  const { code, responseCode } = error as { code?: unknown; responseCode?: unknown };
  const codes = [
    ...typeof code === "string" && /^[A-Z_]{1,30}$/.test(code) ? [code] : [],
    ...typeof responseCode === "number" ? [responseCode] : [],
  ];
  return codes.length > 0 ? codes.join(" ") : "it broke off";
}
