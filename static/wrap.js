// Whether long lines of an activity wrap, by the button on it; the choice is kept in the browser.
(() => {
  const OFF = "gaffer-activity-nowrap";
  const isOn = () => localStorage.getItem(OFF) === null;

  function show() {
    document.documentElement.classList.toggle("activity-nowrap", !isOn());
    document.querySelector("[data-wrap]")?.setAttribute("aria-pressed", String(isOn()));
  }

  document.addEventListener("click", ({ target }) => {
    if (!(target instanceof Element) || !target.closest("[data-wrap]")) return;
    if (isOn()) localStorage.setItem(OFF, "1");
    else localStorage.removeItem(OFF);
    show();
  });
  document.addEventListener("DOMContentLoaded", show);
  document.addEventListener("htmx:after:swap", show);
})();
