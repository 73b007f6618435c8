// Keys that no single control has: from row to row, column to column, step to step.
(() => {
  const ROW = "[data-row]";
  const COLUMN = "[data-column]:has([data-row])";
  const STEP = "[data-step]";
  const FOCUSABLE = "a[href], summary, button:not(:disabled)";
  const ACTIONS = ".action-bar:not(.is-empty)";

  const focused = () => document.activeElement;
  const isVisible = (element) => element.checkVisibility?.() !== false;
  const visible = (selector, within = document) =>
    [...within.querySelectorAll(selector)].filter(isVisible);

  // The nearest after what has the focus, or before it.
  function beside(items, here, step) {
    if (!here || here === document.body) return null;
    const way = step > 0 ? Node.DOCUMENT_POSITION_FOLLOWING : Node.DOCUMENT_POSITION_PRECEDING;
    const there = items.filter((item) => here.compareDocumentPosition(item) & way);
    return there.at(step > 0 ? 0 : -1);
  }

  function go(item) {
    if (!item) return false;
    (item.matches("summary, [tabindex]") ? item : item.querySelector(FOCUSABLE) ?? item).focus();
    item.scrollIntoView({ block: "nearest" });
    return true;
  }

  function move(step, selector) {
    const items = visible(selector);
    const at = items.findIndex((item) => item.contains(focused()));
    return go(
      at < 0
        ? beside(items, focused(), step) ?? items.at(step > 0 ? 0 : -1)
        : items[Math.min(Math.max(at + step, 0), items.length - 1)],
    );
  }

  // Of the column or list that has the focus, else of the page.
  function toEnd(at) {
    const here = focused()?.closest("[data-column]") ?? document;
    return go(visible(ROW, here).at(at));
  }

  // An open menu's own entries come first; elsewhere arrows scroll, unless a row has the focus.
  function arrow(step) {
    if (focused()?.matches("input")) return false;
    const menu = focused()?.closest("details[open] > .menu, details[open]:has(> .menu)");
    if (!menu) return focused()?.closest(ROW) ? move(step, ROW) : false;
    const entries = visible(".menu :is(a[href], button)", menu.closest("details"));
    return go(entries[entries.indexOf(focused()) + step]) || true;
  }

  const say = (text, failed = false) =>
    document.dispatchEvent(new CustomEvent("gaffer:say", { detail: { text, failed } }));

  function copyAddress() {
    const copied = navigator.clipboard?.writeText(location.href) ??
      Promise.reject(new Error("The browser allows it over HTTPS only"));
    copied.then(
      () => say("Address copied"),
      ({ message }) => say(`Cannot copy the address: ${message}`, true),
    );
    return true;
  }

  function unfold() {
    if (!focused()?.matches(STEP)) return false;
    const folds = [...focused().querySelectorAll("details")];
    const open = !folds.some((fold) => fold.open);
    for (const fold of folds) fold.open = open;
    return folds.length > 0;
  }

  function actions() {
    const menu = focused()?.closest(ROW)?.querySelector(".row-menu > summary");
    if (menu) menu.click();
    return go(menu ?? visible(`${ACTIONS} :is(${FOCUSABLE})`)[0]);
  }

  const moves = {
    "?": () => document.dispatchEvent(new Event("gaffer:keys")),
    j: () => move(1, ROW),
    k: () => move(-1, ROW),
    ArrowDown: () => arrow(1),
    ArrowUp: () => arrow(-1),
    "g g": () => toEnd(0),
    "Shift+g": () => toEnd(-1),
    h: () => move(-1, COLUMN),
    l: () => move(1, COLUMN),
    n: () => move(1, STEP),
    "Shift+n": () => move(-1, STEP),
    Enter: unfold,
    ".": actions,
    y: copyAddress,
  };

  document.addEventListener("gaffer:key", (event) => {
    const { name, both } = event.detail;
    if ((moves[both] ?? moves[name])?.()) event.preventDefault();
  });
})();
