// Says what a press did, and what went wrong when the server could not answer, with a way to try again.
(() => {
  const FLASH_MS = 12_000;
  const SAID_MS = 4_000;
  let flashes = 0;

  const isStream = (element) => element instanceof Element && element.matches("[data-stream]");

  function announce(text) {
    document.getElementById("status").textContent = text;
  }

  function button(label, press) {
    const element = document.createElement("button");
    element.type = "button";
    element.className = "button button-quiet";
    element.textContent = label;
    element.addEventListener("click", press);
    return element;
  }

  function fail(ctx, why) {
    const { sourceElement: source, response, request } = ctx;
    const toast = document.createElement("div");
    toast.className = "toast tone-failed";
    toast.setAttribute("role", "alert");
    const text = document.createElement("p");
    const id = response?.headers?.get("X-Request-Id");
    text.textContent = `${why} What you typed is kept.${id ? ` Request ${id}.` : ""}`;
    toast.append(
      text,
      button("Retry", () => {
        toast.remove();
        if (!source?.isConnected) return location.reload();
        if (source.matches("form")) {
          source.requestSubmit(request?.submitter?.isConnected ? request.submitter : null);
        } else source.click();
      }),
      button("Close", () => toast.remove()),
    );
    document.getElementById("toasts").replaceChildren(toast);
  }

  document.addEventListener("htmx:response:error", ({ detail: { ctx } }) => {
    if (ctx.response.status >= 500 && !isStream(ctx.sourceElement)) {
      const full = ctx.response.status === 503;
      fail(ctx, full ? "Nothing can be saved right now." : "The server failed at this.");
    }
  });

  document.addEventListener("htmx:error", ({ detail: { ctx } }) => {
    if (!ctx || ctx.response || isStream(ctx.sourceElement)) return;
    fail(ctx, "The server could not be reached.");
  });

  // What a key did that changes nothing on the server.
  document.addEventListener("gaffer:say", ({ detail: { text, failed } }) => {
    announce(text);
    const toast = Object.assign(document.createElement("p"), {
      className: `toast tone-${failed ? "failed" : "done"}`,
      textContent: text,
    });
    document.getElementById("toasts").replaceChildren(toast);
    setTimeout(() => toast.remove(), SAID_MS);
  });

  // The flash message of the page that came back: read out, and gone by itself unless it is being used. By
  // then a morph may have made another message of it, or another part of the page.
  function flash() {
    for (const message of document.querySelectorAll('[data-flash=""]')) {
      const mark = String(++flashes);
      message.dataset.flash = mark;
      announce(message.querySelector("p").textContent);
      setTimeout(() => {
        if (message.dataset.flash === mark && !message.matches(":hover, :focus-within")) {
          message.remove();
        }
      }, FLASH_MS);
    }
  }

  document.addEventListener("htmx:after:swap", ({ detail: { ctx } }) => {
    if (ctx.target?.id !== "app" || ctx.response?.status >= 500) return;
    document.getElementById("toasts").replaceChildren();
    flash();
  });
  document.addEventListener("DOMContentLoaded", flash);
})();
