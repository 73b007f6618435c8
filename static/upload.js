// An image that is pasted or dropped into a document's textarea, or chosen beside it, is sent and named where the caret
// is, as if that had been typed. Whatever else is pasted or dropped stays the browser's.
(() => {
  const field = (target) => target?.closest?.("[data-editor] textarea");
  const images = (transfer) =>
    [...(transfer?.files ?? [])].filter(({ type }) => type.startsWith("image/"));

  function tell(form, problem) {
    const place = form.querySelector("[data-upload-problem]");
    place.textContent = problem;
    place.hidden = problem === "";
  }

  function put(text, area) {
    area.focus();
    const before = area.value.slice(0, area.selectionStart);
    document.execCommand("insertText", false, /\S$/.test(before) ? `\n\n${text}\n` : `${text}\n`);
  }

  async function send(area, files) {
    const { form } = area;
    const { upload } = form.querySelector("[data-upload]").dataset;
    const status = document.getElementById("status");
    tell(form, "");
    for (const file of files) {
      status.textContent = `Adding ${file.name}`;
      const body = new FormData();
      body.set("image", file);
      try {
        const answer = await fetch(upload, {
          method: "POST",
          headers: { accept: "application/json" },
          body,
        });
        const { markdown, problem } = await answer.json();
        if (!answer.ok || !markdown) {
          return tell(form, problem ?? "Cannot add the image: the server failed at it");
        }
        put(markdown, area);
        status.textContent = "Image added";
      } catch (error) {
        return tell(form, `Cannot add the image: ${error.message}. What you typed is kept`);
      }
    }
  }

  document.addEventListener("paste", (event) => {
    const files = images(event.clipboardData);
    const { types } = event.clipboardData;
    // Text that comes with a picture of itself, as from a spreadsheet, is text.
    const isText = types.includes("text/plain") && types.includes("text/html");
    if (!field(event.target) || !files.length || isText) return;
    event.preventDefault();
    send(field(event.target), files);
  });
  document.addEventListener("dragover", (event) => {
    if (field(event.target) && event.dataTransfer.types.includes("Files")) event.preventDefault();
  });
  document.addEventListener("drop", (event) => {
    const files = images(event.dataTransfer);
    if (!field(event.target) || !files.length) return;
    event.preventDefault();
    send(field(event.target), files);
  });
  document.addEventListener("change", async ({ target }) => {
    if (!target.matches?.("[data-upload]") || !target.files.length) return;
    await send(target.form.querySelector("textarea"), [...target.files]);
    target.value = "";
  });
})();
