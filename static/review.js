// Into the lines of a diff by key: `i` from a file, then j and k, Shift with them takes in more, Enter comments,
// Esc leads back to the file. A tick folds its file before the server has answered.
(() => {
  const LINE = ".diff-lines .ln a[href]";
  const OFF = "gaffer-keys-off";
  let anchor = null; // where the lines that are taken in begin

  const linesOf = (box) => [...box.querySelectorAll(LINE)].filter((line) => line.checkVisibility());

  // Tells the rows from the anchor to the line; "new" lines only, since a suggestion stands on those.
  function pick(box, line) {
    const lines = linesOf(box);
    const [from, to] = [lines.indexOf(anchor ?? line), lines.indexOf(line)].sort((a, b) => a - b);
    lines.forEach((each, i) =>
      each.closest("tr").classList.toggle("picked", anchor !== null && i >= from && i <= to)
    );
  }

  function go(line) {
    line?.focus({ preventScroll: true });
    line?.scrollIntoView({ block: "nearest" });
  }

  function step(box, line, by, extend) {
    const lines = linesOf(box);
    const next = lines[lines.indexOf(line) + by];
    anchor = extend ? anchor ?? line : null;
    if (next) go(next);
    pick(box, next ?? line);
  }

  // The form for several lines begins with them, for a person to change.
  function comment(line) {
    const first = anchor && Math.min(Number(anchor.textContent), Number(line.textContent));
    const last = anchor && Math.max(Number(anchor.textContent), Number(line.textContent));
    if (!anchor || first === last) return false;
    const url = new URL((Number(line.textContent) === last ? line : anchor).href);
    url.searchParams.set("suggest", "1");
    url.searchParams.set("from", first);
    line.href = url.href;
    line.click();
    return true;
  }

  function press(event, name, active) {
    const box = active?.closest?.(".file-box");
    if (!box) return false;
    if (!active.matches(LINE)) {
      if (name !== "i") return false;
      box.querySelector("details").open = true;
      go(linesOf(box)[0]);
      return true;
    }
    if (name === "j" || name === "k") step(box, active, name === "j" ? 1 : -1, event.shiftKey);
    else if (name === "Enter") return comment(active);
    else if (name === "Escape") {
      anchor = null;
      pick(box, active);
      box.querySelector("summary").focus();
    } else return false;
    return true;
  }

  document.addEventListener("keydown", (event) => {
    const { ctrlKey, metaKey, altKey, key } = event;
    if (ctrlKey || metaKey || altKey || localStorage.getItem(OFF) !== null) return;
    if (document.querySelector("dialog[open]")) return;
    const name = key.length === 1 ? key.toLowerCase() : key;
    if (!press(event, name, document.activeElement)) return;
    event.preventDefault();
    event.stopImmediatePropagation();
  }, true);

  document.addEventListener("submit", ({ target }) => {
    if (!target.matches(".tick") || target.elements.viewed.value !== "1") return;
    target.closest(".file-box").querySelector("details").open = false;
  });
})();
