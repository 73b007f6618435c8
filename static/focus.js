// Where the focus goes after a swap: to the new page's h1, to a refused form's summary, to the row after
// one that disappeared. Never to <body>.
(() => {
  const FIELD = "textarea, input:not([type=hidden], [type=radio], [type=checkbox])";
  const FOCUSABLE =
    "a[href], button:not(:disabled), input:not([type=hidden]), select, textarea, summary";
  const NEIGHBOURS = 5;

  let path = location.pathname;
  let restoring = false; // a step back or forward: the browser restores the scroll position
  let leaving = null; // what had the focus before the swap
  let neighbours = []; // ids of its row and those around it, the next ones first

  const find = (selector) => document.querySelector(selector);
  const isLost = () => !document.activeElement || document.activeElement === document.body;

  function focus(element) {
    if (!element) return false;
    if (!element.matches(FOCUSABLE) && !element.hasAttribute("tabindex")) element.tabIndex = -1;
    element.focus({ preventScroll: true });
    return document.activeElement === element;
  }

  // What to focus of a part of the page: a question itself, for its keys; a row's link; else its first field.
  function entryOf(id) {
    const part = id && document.getElementById(id);
    if (!part) return null;
    if (part.matches("article")) return part;
    return part.querySelector(FIELD) ?? (part.matches("tr") ? part.querySelector("a") : part);
  }

  function remember({ type, detail }) {
    if (isLost()) {
      // A live update must not take up what an earlier request left behind. That the stream of a new page
      // opens is part of the swap that brings the page.
      const isStream = detail.ctx.sourceElement?.matches("[data-stream]");
      if (type === (isStream ? "htmx:before:swap" : "htmx:before:request")) leaving = null;
      return;
    }
    leaving = document.activeElement;
    const row = leaving.closest("[data-row]");
    const rows = row ? [...row.parentElement.children].filter((r) => r.matches("[data-row]")) : [];
    const at = rows.indexOf(row);
    // The row itself first: it may only have lost what was pressed.
    const after = rows.slice(Math.max(at, 0), at + 1 + NEIGHBOURS);
    neighbours = [...after, ...rows.slice(0, Math.max(at, 0)).reverse()].map((r) => r.id);
  }

  // Brings back a focus that a swap took away.
  function recover() {
    if (!leaving || !isLost()) return;
    const rows = neighbours.map((id) => document.getElementById(id)?.querySelector(FOCUSABLE));
    for (const next of [leaving.isConnected && leaving, ...rows, find("#app h1")]) {
      if (next && focus(next)) break;
    }
  }

  // Shows a part that was asked for, also one in a fold.
  function show(entry) {
    const fold = entry.closest("details");
    if (fold) fold.open = true;
    focus(entry);
    entry.scrollIntoView({ block: "nearest" });
  }

  // On another page: the part the address names, a field that asks for it, else the heading.
  function arrive(anchor) {
    const entry = entryOf(anchor);
    if (!restoring) scrollTo(0, 0);
    if (entry && !restoring) show(entry);
    else focus(entry ?? find("#app [autofocus]") ?? find("#app h1"));
  }

  function stay(ctx, anchor) {
    const wholePage = ctx.target?.id === "app";
    const entry = entryOf(anchor);
    if (entry && (isLost() || (wholePage && !find("#app [autofocus]")))) show(entry);
    else recover();
    if (anchor && !wholePage) ctx.request.anchor = ""; // the line is in sight: htmx need not scroll to it
  }

  // What a form's answer is about: its redirect names it, once, beside the message of what was done.
  function anchorOf({ request }) {
    const message = find("#flash[data-at]");
    const told = message?.dataset.at;
    message?.removeAttribute("data-at");
    return told ?? request?.anchor;
  }

  // Opens what hides a refused field; folds the form that did its work.
  function unfold({ sourceElement, response }) {
    document.querySelectorAll("details:has([aria-invalid])").forEach((part) => part.open = true);
    // Not what is only fetched into it.
    const isForm = sourceElement?.matches?.("form, button");
    const sent = isForm && response?.status < 400 &&
      sourceElement.closest("details.disclosure[open]");
    if (sent) sent.open = false, focus(sent.firstElementChild);
  }

  document.addEventListener("htmx:before:request", remember);
  document.addEventListener("htmx:before:swap", remember);

  document.addEventListener("htmx:after:swap", ({ detail: { ctx } }) => {
    const moved = restoring || location.pathname !== path;
    path = location.pathname;
    unfold(ctx);
    const anchor = anchorOf(ctx);
    const summary = ctx.response?.status === 422 && find("#app [data-error-summary]");
    if (summary) {
      focus(summary);
      summary.scrollIntoView({ block: "center" });
    } else if (moved) arrive(anchor);
    else stay(ctx, anchor);
    if (moved) restoring = false;
  });

  // A control that was disabled or replaced loses the focus a moment after the swap.
  document.addEventListener("htmx:finally:request", () => setTimeout(recover));

  document.addEventListener("htmx:before:history:restore", () => {
    [restoring, leaving] = [true, null];
  });
})();
