// Colours for the text of a document while it is written: on top of the plain field, which stays what counts. The
// code for it is loaded with the first such form, and the button beside Save switches it off, for this browser.
(() => {
  const OFF = "gaffer-colours-off";
  let code = null; // the import, once it was asked for

  const isOn = () => localStorage.getItem(OFF) === null;

  async function show() {
    const form = document.querySelector("[data-colours]");
    if (!form || !globalThis.CSS?.highlights) return;
    const control = form.querySelector("[data-colours-switch]");
    control.hidden = false;
    control.setAttribute("aria-pressed", String(isOn()));
    if (!isOn() && !code) return;
    try {
      const { paint, clear } = await (code ??= import(form.dataset.colours));
      const field = form.querySelector("textarea");
      if (!field?.isConnected) return; // the page went on meanwhile
      if (isOn()) paint(field);
      else clear(field);
    } catch {
      code = null; // no connection: the text is plain until the next form
    }
  }

  document.addEventListener("click", ({ target }) => {
    if (!target.closest?.("[data-colours-switch]")) return;
    if (isOn()) localStorage.setItem(OFF, "1");
    else localStorage.removeItem(OFF);
    show();
  });
  document.addEventListener("htmx:after:swap", show);
  show();
})();
