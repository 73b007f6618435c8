/** Pages for what went wrong: what happened, what is safe, the way on. */
import type { VNode } from "preact";
import { render } from "./render.ts";
import { buttonClass } from "./forms.tsx";
import { Layout, PageHead } from "./layout.tsx";
import type { Shell } from "./shell.ts";

export interface ErrorPageProps {
  shell: Shell;
  /** HTTP status. */
  status: number;
  /** What the server says; not shown for a fault. */
  message: string;
  /** To find it in the server's log. */
  requestId: string;
  /** Where the person came from, or what the action was about. */
  backHref: string;
  /** What was typed into the refused form, by label: it is not lost. */
  kept?: { label: string; text: string }[];
  /** Nothing was to be changed: a page or a file was asked for. */
  isLook?: boolean;
}

const titles: Record<number, string> = {
  403: "Not allowed",
  404: "Not found",
  405: "Not possible here",
  409: "Changed meanwhile",
  422: "That did not fit",
  429: "Too many requests",
  503: "Not possible right now",
};

/** Any refusal that is not shown in a form, and faults. */
export function ErrorPage(props: ErrorPageProps): VNode {
  const { shell, status, requestId, backHref, kept = [], isLook = false } = props;
  const title = titles[status === 409 && isLook ? 503 : status] ?? "Something went wrong";
  return (
    <Layout shell={shell} title={title} current={null} live={null}>
      <PageHead title={title} />
      <div class="panel error-page" role="alert">
        <p>{explain(props)}</p>
        {kept.length > 0 && <p>What you wrote is kept here:</p>}
        {kept.map(({ label, text }) => (
          <div class="field" key={label}>
            <p class="remark-label">{label}</p>
            <pre class="output">{text}</pre>
          </div>
        ))}
        <div class="actions">
          <a class={buttonClass("primary")} href={backHref}>
            {status === 409 && !isLook ? "See how it is now" : "Go back"}
          </a>
          <a class={buttonClass("plain")} href="/">Home</a>
        </div>
        {status >= 500 && (
          <p class="muted">
            Request <code>{requestId}</code>, for the server's log.
          </p>
        )}
      </div>
    </Layout>
  );
}

function explain({ status, message, isLook = false }: ErrorPageProps): string {
  if (status === 404) return `${message || "There is nothing at this address"}.`;
  if (status === 405) return `${message}.`;
  if (isLook && (status === 409 || status === 503)) return `${message}.`;
  if (status === 409 || status === 503) return `${message}. Nothing was changed by your press.`;
  if (status >= 500) return "It is a fault of Gaffer, not of yours. What was saved before is safe.";
  return message;
}

/** For a fault so deep that even the shell's data can't be read: no data, no scripts. */
export function renderPlainError(
  { asset, requestId }: { asset: (path: string) => string; requestId: string },
): string {
  return `<!doctype html>\n${
    render(
      <html lang="en">
        <head>
          <meta charset="utf-8" />
          <meta name="viewport" content="width=device-width, initial-scale=1" />
          <title>Something went wrong · Gaffer</title>
          <link rel="stylesheet" href={asset("app.css")} />
        </head>
        <body>
          <main class="plain-error">
            <h1>Something went wrong</h1>
            <p>It is a fault of Gaffer, not of yours. What was saved before is safe.</p>
            <p>
              <a class="button" href="/">Try again</a>
            </p>
            <p class="muted">
              Request <code>{requestId}</code>, for the server's log.
            </p>
          </main>
        </body>
      </html>,
    )
  }\n`;
}
