// A ticket's card is moved by hand: dropped on another column, it uses the form or link of its menu that leads there;
// dropped between others of the queue, the form that puts it between those two. Where none leads, it can't be dropped.
(() => {
  const LEGAL = "is-legal";
  const OVER = "is-over";
  const [BEFORE, AFTER] = ["is-before", "is-after"];
  let card = null;

  const wayTo = (column) =>
    column && card?.querySelector(`[data-move-to~="${CSS.escape(column.dataset.column)}"]`);
  const placeForm = () => card?.querySelector("form[data-place]");
  const columnOf = ({ target }) =>
    target instanceof Element ? target.closest("[data-column]") : null;

  // The two cards that it would stand between in its own column; null: there it stands already.
  function spotIn(column, y) {
    if (!placeForm() || column !== card.closest("[data-column]")) return null;
    const others = [...column.querySelectorAll("[data-card]")].filter((other) => other !== card);
    const at = others.findIndex((other) => {
      const { top, height } = other.getBoundingClientRect();
      return y < top + height / 2;
    });
    const next = at < 0 ? null : others[at];
    const previous = (at < 0 ? others.at(-1) : others[at - 1]) ?? null;
    const here = card.previousElementSibling === previous && card.nextElementSibling === next;
    return here ? null : { previous, next };
  }

  function mark(selector, name, chosen) {
    for (const part of document.querySelectorAll(selector)) {
      part.classList.toggle(name, chosen(part));
    }
  }

  function markSpot(spot) {
    mark("[data-card]", BEFORE, (other) => Boolean(spot) && other === spot.next);
    mark("[data-card]", AFTER, (other) => Boolean(spot) && !spot.next && other === spot.previous);
  }

  document.addEventListener("dragstart", (event) => {
    card = event.target instanceof Element ? event.target.closest("[data-card]") : null;
    if (!card) return;
    event.dataTransfer.effectAllowed = "move";
    event.dataTransfer.setData("text/plain", card.querySelector("a").textContent);
    mark("[data-column]", LEGAL, (column) => Boolean(wayTo(column)));
  });

  document.addEventListener("dragover", (event) => {
    if (!card) return;
    const column = columnOf(event);
    const spot = column && spotIn(column, event.clientY);
    const legal = Boolean(spot ?? wayTo(column));
    mark("[data-column]", OVER, (other) => other === column && legal);
    markSpot(spot);
    if (legal) event.preventDefault();
  });

  document.addEventListener("drop", (event) => {
    const column = columnOf(event);
    const spot = column && card && spotIn(column, event.clientY);
    const way = spot ? placeForm() : wayTo(column);
    if (!way) return;
    event.preventDefault();
    if (spot) {
      way.elements.after.value = spot.previous?.dataset.card ?? "";
      way.elements.before.value = spot.next?.dataset.card ?? "";
    }
    if (way.matches("form")) way.requestSubmit();
    else way.click();
  });

  document.addEventListener("dragend", () => {
    card = null;
    mark("[data-column]", LEGAL, () => false);
    mark("[data-column]", OVER, () => false);
    markSpot(null);
  });
})();
