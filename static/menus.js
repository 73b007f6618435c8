// A menu closes when something else is pressed, as menus do. Panels with a form stay: what is typed is kept;
// when a person opens one, its first field takes the focus.
(() => {
  const FIELD = "textarea, input:not([type=hidden], [type=radio], [type=checkbox])";
  const MENUS = "details[open]:is(.row-menu, .switch, #nav-more)";

  document.addEventListener("click", ({ target }) => {
    for (const menu of document.querySelectorAll(MENUS)) {
      if (!menu.contains(target)) menu.open = false;
    }
  });

  document.addEventListener("toggle", ({ target }) => {
    const opened = target.open && target.matches("details.disclosure");
    if (opened && document.activeElement === target.firstElementChild) {
      target.querySelector(FIELD)?.focus({ preventScroll: true });
    }
  }, true);
})();
