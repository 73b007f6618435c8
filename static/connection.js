// The page's event stream: says when it is cut, connects again when the first try fails, keeps list items
// from doubling when something is sent again, and leaves alone what a person has typed.
(() => {
  const QUIET_MS = 1500; // shorter interruptions are not worth a word
  const RETRY_MS = 2000;
  const JITTER_MS = 1000; // not all tabs at once
  let timer = 0;
  let current = new Date(); // the last moment at which the page was known to be true

  const bar = () => document.getElementById("connection");
  const isStream = (element) => element instanceof Element && element.matches("[data-stream]");

  function connected() {
    clearTimeout(timer);
    timer = 0;
    current = new Date();
    bar().hidden = true;
  }

  function interrupted() {
    if (timer || document.hidden) return;
    timer = setTimeout(() => {
      const time = current.toLocaleTimeString([], {
        hour: "2-digit",
        minute: "2-digit",
        second: "2-digit",
      });
      bar().textContent = `Reconnecting… shown: ${time}`;
      bar().hidden = false;
    }, QUIET_MS);
  }

  document.addEventListener("htmx:sse:after:connection", connected);
  document.addEventListener("htmx:sse:after:message", () => current = new Date());
  document.addEventListener("htmx:sse:error", interrupted);
  document.addEventListener("htmx:sse:before:connection", ({ detail: { connection } }) => {
    if (connection.attempt > 0) interrupted();
  });

  // The page left its stream behind: whatever went wrong with it no longer matters.
  document.addEventListener("htmx:sse:close", ({ detail: { reason } }) => {
    if (reason === "removed" || reason === "cleanup") connected();
  });

  // The extension retries a stream that was open once, not one whose first request failed.
  function retryFirst({ target, detail }) {
    const element = isStream(target) ? target : detail.ctx?.sourceElement;
    if (!isStream(element) || element._htmx?.sse) return;
    interrupted();
    setTimeout(() => {
      if (element.isConnected && !element._htmx?.sse) htmx.process(element, true);
    }, RETRY_MS + Math.random() * JITTER_MS);
  }
  document.addEventListener("htmx:error", retryFirst);
  document.addEventListener("htmx:response:error", retryFirst);

  // To the morph, the saved text of a field that a person has changed stays as it was: so does what is typed.
  function keepTyped({ target, fragment }) {
    for (const field of target.querySelectorAll(":is(input, textarea)[id]")) {
      const next = field.value !== field.defaultValue && fragment.getElementById(field.id);
      if (next) next.defaultValue = field.defaultValue;
    }
  }

  // An item sent for the end of a list that has it already takes the place of its older self.
  document.addEventListener("htmx:before:swap", ({ detail: { tasks } }) => {
    for (const task of [...tasks]) {
      if (task.type !== "partial" || !task.target) continue;
      keepTyped(task);
      if (task.swapSpec.style !== "beforeend") continue;
      for (const item of [...task.fragment.children]) {
        const known = item.id && document.getElementById(item.id);
        if (!known) continue;
        const fragment = document.createDocumentFragment();
        fragment.append(item);
        tasks.push({ ...task, fragment, target: known, swapSpec: { style: "outerMorph" } });
      }
    }
  });
})();
