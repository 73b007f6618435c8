// A menu closes when something else is pressed, as menus do. Panels with a form stay: what is typed is kept.
(() => {
  const MENUS = "details[open]:is(.row-menu, .switch, #nav-more)";

  document.addEventListener("click", ({ target }) => {
    for (const menu of document.querySelectorAll(MENUS)) {
      if (!menu.contains(target)) menu.open = false;
    }
  });
})();
