/** What output says to a terminal, and not to a reader. */

/** Colours, cursor movements, titles and links. */
const controls = new RegExp(
  ["\\x1b\\[[0-9;?]*[ -/]*[@-~]", "\\x1b\\][^\\x07\\x1b\\n]*(?:\\x07|\\x1b\\\\)", "\\x1b[@-_]"]
    .join(
      "|",
    ),
  "g",
);

/** Text as it would stand there without a terminal. */
export const withoutControls = (text: string): string =>
  text.includes("\x1b") ? text.replace(controls, "") : text;
