// A ticket's card is moved by hand: dropped on another column, it sends the form of its menu that leads
// there. Where no form leads, it can't be dropped.
(() => {
  const LEGAL = "is-legal";
  const OVER = "is-over";
  let card = null;

  const formTo = (column) =>
    column && card?.querySelector(`form[data-move-to="${CSS.escape(column.dataset.column)}"]`);
  const columnOf = ({ target }) =>
    target instanceof Element ? target.closest("[data-column]") : null;

  function mark(name, chosen) {
    for (const column of document.querySelectorAll("[data-column]")) {
      column.classList.toggle(name, chosen(column));
    }
  }

  document.addEventListener("dragstart", (event) => {
    card = event.target instanceof Element ? event.target.closest("[data-card]") : null;
    if (!card) return;
    event.dataTransfer.effectAllowed = "move";
    event.dataTransfer.setData("text/plain", card.querySelector("a").textContent);
    mark(LEGAL, (column) => Boolean(formTo(column)));
  });

  document.addEventListener("dragover", (event) => {
    const column = columnOf(event);
    mark(OVER, (other) => other === column && Boolean(formTo(column)));
    if (formTo(column)) event.preventDefault();
  });

  document.addEventListener("drop", (event) => {
    const form = formTo(columnOf(event));
    if (!form) return;
    event.preventDefault();
    form.requestSubmit();
  });

  document.addEventListener("dragend", () => {
    card = null;
    mark(LEGAL, () => false);
    mark(OVER, () => false);
  });
})();
