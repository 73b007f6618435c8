// Shift with j and k ticks rows on the way; back towards where it began it leaves them out again.
(() => {
  const ROW = "[data-row]";
  const TICK = 'input[type=checkbox][data-key="x"]';
  const STEPS = { "Shift+j": "j", "Shift+k": "k" };
  let anchor = null; // the row where it began
  let reached = null; // and where it is now

  const rowHere = () => document.activeElement?.closest(ROW);

  function tick(row, checked) {
    const box = row.querySelector(TICK);
    if (!box || box.checked === checked) return;
    box.checked = checked;
    box.dispatchEvent(new Event("change", { bubbles: true }));
  }

  function step(name) {
    document.dispatchEvent(
      new CustomEvent("gaffer:key", { cancelable: true, detail: { name, both: "" } }),
    );
    return rowHere();
  }

  function extend(name) {
    const here = rowHere();
    if (here !== reached) anchor = here;
    const next = step(name);
    const way = name === "j" ? Node.DOCUMENT_POSITION_FOLLOWING : Node.DOCUMENT_POSITION_PRECEDING;
    tick(here, next === here || !(here.compareDocumentPosition(anchor) & way));
    tick(next, true);
    reached = next;
    const text = `${document.querySelectorAll(`${TICK}:checked`).length} selected`;
    document.dispatchEvent(new CustomEvent("gaffer:say", { detail: { text } }));
  }

  document.addEventListener("gaffer:key", (event) => {
    const name = STEPS[event.detail.name];
    if (!name || !rowHere() || !document.querySelector(TICK)) return;
    event.preventDefault();
    extend(name);
  });
})();
