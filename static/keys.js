// Keys come from `data-key` on the control itself: "c", "g i", "Shift+x". Off while typing, and where the
// person switched them off. Keys without a control of their own are in moves.js, the sheet behind `?` in sheet.js.
(() => {
  const SEQUENCE_MS = 1200;
  const OFF = "gaffer-keys-off";
  const TYPING = "input:not([type=radio], [type=checkbox]), textarea, select, [contenteditable]";
  let first = "";
  let firstAt = 0;

  document.documentElement.classList.add("js");

  const isOn = () => localStorage.getItem(OFF) === null;
  const isVisible = (element) => element.checkVisibility?.() !== false;
  // A row's keys work without its menu being opened.
  const isInMenuHere = (element) =>
    element.closest(".row-menu") && element.closest("[data-row]")?.contains(document.activeElement);

  function nameOf({ key, shiftKey }) {
    return shiftKey && /^[a-z]$/i.test(key) ? `Shift+${key.toLowerCase()}` : key;
  }

  // Of several controls with the same key: the one in the form or part that has the focus, else the first.
  function controlOf(keys) {
    const found = [...document.querySelectorAll(`[data-key="${CSS.escape(keys)}"]`)].filter(
      (element) => isVisible(element) || isInMenuHere(element),
    );
    const PART = "article, form, [data-row], details";
    for (let here = document.activeElement; here; here = here.parentElement?.closest(PART)) {
      const control = here.matches(PART) && found.find((element) => here.contains(element));
      if (control) return control;
    }
    return found[0];
  }

  function use(control) {
    control.focus();
    // A letter that was meant for a field must not decide anything: Enter does, on what has the focus now.
    if (control.hasAttribute("data-decides")) return;
    if (!control.matches(TYPING)) control.click();
    else control.select?.();
  }

  document.addEventListener("gaffer:use", ({ detail }) => use(detail));

  // Out of a field: its form's Cancel is pressed, or only focused where that would lose what was typed.
  function leave(field) {
    const cancel = field.closest("form")?.querySelector('[data-key="Escape"]');
    if (!cancel) field.blur();
    else if (field.value === field.defaultValue) cancel.click();
    else cancel.focus();
  }

  function escape() {
    const open = [
      ...document.querySelectorAll("details[open]:is(.disclosure, .switch, .row-menu, #nav-more)"),
    ].at(-1);
    if (open) {
      open.open = false;
      open.firstElementChild.focus();
    } else if (document.activeElement?.matches(TYPING)) leave(document.activeElement);
    else (controlOf("Escape") ?? document.querySelector("[data-up]"))?.click();
  }

  document.addEventListener("keydown", (event) => {
    if (event.isComposing || document.querySelector("dialog[open]")) return;
    const typing = event.target instanceof Element && event.target.matches(TYPING);
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
      const form = event.target.closest?.("form");
      // Enter alone would press the form's first button too.
      if (form) event.preventDefault();
      return form?.requestSubmit(form.querySelector('[data-key="Control+Enter"]'));
    }
    if (event.key === "Escape") return escape();
    if (typing || event.ctrlKey || event.metaKey || event.altKey || !isOn()) return;
    const name = nameOf(event);
    const both = event.timeStamp - firstAt < SEQUENCE_MS ? `${first} ${name}` : "";
    const control = (both && controlOf(both)) || controlOf(name);
    if (control) use(control);
    const used = control || !document.dispatchEvent(
      new CustomEvent("gaffer:key", { cancelable: true, detail: { name, both } }),
    );
    [first, firstAt] = [used ? "" : name, event.timeStamp];
    if (used) event.preventDefault();
  });

  function showSwitch() {
    const box = document.querySelector("[data-keys-switch]");
    if (box) box.checked = isOn();
  }
  document.addEventListener("change", ({ target }) => {
    if (!target.matches?.("[data-keys-switch]")) return;
    if (target.checked) localStorage.removeItem(OFF);
    else localStorage.setItem(OFF, "1");
  });
  document.addEventListener("DOMContentLoaded", showSwitch);
  document.addEventListener("htmx:after:swap", showSwitch);
})();
