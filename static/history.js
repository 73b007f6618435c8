// The same address twice is one step back, not two.
document.addEventListener("htmx:before:history:update", ({ detail: { history } }) => {
  if (history.type === "push" && history.path === location.pathname + location.search) {
    history.type = "replace";
  }
});
