// The tree beside a document is scrolled to where the document is in it, when its page comes.
(() => {
  let shown = ""; // whoever scrolls on the same page is left alone

  function show() {
    const current = document.querySelector("#document-tree [aria-current]");
    if (!current || current.href === shown) return;
    shown = current.href;
    const tree = current.closest("#document-tree");
    const [row, box] = [current.getBoundingClientRect(), tree.getBoundingClientRect()];
    if (row.top < box.top || row.bottom > box.bottom) {
      tree.scrollTop += row.top - box.top - box.height / 2;
    }
  }

  document.addEventListener("htmx:after:swap", show);
  show();
})();
