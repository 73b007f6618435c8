// What is selected of a document is what "Make ideas" is about.
(() => {
  const linesAt = (node) =>
    (node.nodeType === Node.ELEMENT_NODE ? node : node.parentElement)
      ?.closest(".document [data-lines]")?.dataset.lines.split("-");

  document.addEventListener("selectionchange", () => {
    const link = document.querySelector("a[data-of-selection]");
    const selection = getSelection();
    if (!link || selection.rangeCount === 0) return;
    const range = selection.getRangeAt(0);
    const [from, to] = [linesAt(range.startContainer), linesAt(range.endContainer)];
    // Pressing the link moves the selection away from what it is about.
    if (!from || !to) return;
    const [whole] = link.href.split("?");
    link.href = range.collapsed ? whole : `${whole}?lines=${from[0]}-${to[1]}`;
    link.textContent = range.collapsed ? link.dataset.ofAll : link.dataset.ofSelection;
  });
})();
