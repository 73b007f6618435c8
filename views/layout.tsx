/** The page shell. `#app` is what a navigation swaps; what stands outside of it stays. */
import type { ComponentChildren, VNode } from "preact";
import { BesideNav } from "./beside.tsx";
import { render } from "./render.ts";
import { Banners, FlashMessage, Nav, TopBar } from "./frame.tsx";
import { type Live, LiveStream, replace, statusPartial } from "./live.tsx";
import type { NavName, Shell } from "./shell.ts";

export interface LayoutProps {
  shell: Shell;
  /** Of the page, without the count and the product's name. */
  title: string;
  current: NavName | null;
  /** Null: nothing on the page changes by itself. */
  live: Live | null;
  children: ComponentChildren;
}

/**
 * htmx 4.0.1: only its event stream extension, only `hx-` attributes, no style sheet of its own. `open` is
 * left alone when morphing, so that what a person unfolded stays unfolded.
 */
const htmxConfig = JSON.stringify({
  extensions: "sse",
  prefix: "",
  includeIndicatorCSS: false,
  morphIgnore: ["data-htmx-powered", "open"],
  // The server is on this machine or near: it is asked again soon, but not by all tabs at once.
  sse: { reconnectDelay: 500, reconnectMaxDelay: 3_000, reconnectJitter: 0.3 },
});

/**
 * Links and forms are boosted: they swap `#app` in place and leave scrolling and focus to focus.js. A second
 * press on the same form is dropped while the first is under way. Refused forms don't change the address;
 * a server error swaps nothing (toast.js says so).
 */
const boost = {
  "hx-boost:inherited": `swap:"outerMorph show:none" select:#app target:#app`,
  "hx-sync:inherited": "drop",
  "hx-status:409:inherited": "push:false",
  "hx-status:422:inherited": "push:false",
  "hx-status:5xx:inherited": "swap:none push:false",
};

/** A whole page. */
export function Layout({ shell, title, current, live, children }: LayoutProps): VNode {
  return (
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta name="color-scheme" content="light dark" />
        <meta name="htmx-config" content={htmxConfig} />
        <title>{pageTitle(title, shell.counts.needs)}</title>
        <link rel="icon" href={shell.asset("favicon.svg")} type="image/svg+xml" />
        <link rel="stylesheet" href={shell.asset("app.css")} />
        <script src={shell.asset("app.js")} defer />
      </head>
      <body {...boost}>
        <a class="skip" href="#main">Skip to the content</a>
        <aside id="connection" class="connection" aria-label="Connection" hidden />
        <div id="app" class="app" hx-history-elt="">
          <TopBar shell={shell} current={current} />
          <Nav shell={shell} current={current} />
          <main id="main" class="main" tabIndex={-1}>
            <Banners shell={shell} />
            <FlashMessage flash={shell.flash} />
            {shell.beside && <BesideNav beside={shell.beside} />}
            {children}
          </main>
          {live && <LiveStream {...live} />}
        </div>
        <section id="toasts" class="toasts" aria-label="Notifications" />
        <div id="status" class="visually-hidden" role="status" />
      </body>
    </html>
  );
}

/** "(3) Ideas · Gaffer": what waits for a person comes first. */
export const pageTitle = (title: string, needs: number): string =>
  `${needs > 0 ? `(${needs}) ` : ""}${title} · Gaffer`;

/** The document, ready to send. */
export const renderPage = (page: VNode): string => `<!doctype html>\n${render(page)}\n`;

/** What changes on every page when something new waits, or the agents are held or resumed. */
export function framePartials(
  { shell, current, title, status }: Pick<LayoutProps, "shell" | "current" | "title"> & {
    /** A milestone for screen readers, if one was reached. */
    status?: string;
  },
): VNode {
  return (
    <>
      <title>{pageTitle(title, shell.counts.needs)}</title>
      {replace("nav", <Nav shell={shell} current={current} />)}
      {replace("banners", <Banners shell={shell} />)}
      {status && statusPartial(status)}
    </>
  );
}

interface PageHeadProps {
  title: ComponentChildren;
  /** Above the title: where this belongs. */
  crumb?: { href: string; label: string };
  /** Beside the title: state, actions. */
  aside?: ComponentChildren;
}

/** The page's one `h1`, which takes the focus after a navigation. */
export function PageHead({ title, crumb, aside }: PageHeadProps): VNode {
  return (
    <div class="page-head">
      {crumb && (
        <p class="crumb">
          <a href={crumb.href} data-key="u" data-up="">{crumb.label}</a>
        </p>
      )}
      <div class="page-title">
        <h1 tabIndex={-1}>{title}</h1>
        {aside}
      </div>
    </div>
  );
}
