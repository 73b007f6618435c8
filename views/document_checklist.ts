/** Items of checklists in a rendered document: a box to tick before each, and a button that makes an idea of it. */
import type { StateCore } from "markdown-it";

/** What can be done with items; absent: nothing. */
export interface ChecklistOptions {
  /** Lines of the file before this text: items are told by their line in the file. */
  linesBefore?: number;
  /** Boxes are buttons that send their line; false: they are only shown. */
  tickable?: boolean;
  /** Where a form of one button sends the line of an item that is to be an idea; absent: no item has one. */
  ideaAction?: string;
  /** Whether an item's words say nothing that could be an idea; absent: all do. */
  saysNothing?: (words: string) => boolean;
}

const ITEM = /^\[([ xX])\](?=\s)/;

/** "- [ ] text": a box before the text. */
export function tickItems({ tokens, Token }: StateCore, options: ChecklistOptions): void {
  const { linesBefore = 0, tickable, ideaAction, saysNothing } = options;
  for (let index = 2; index < tokens.length; index++) {
    const token = tokens[index]!;
    const open = tokens[index - 2]!;
    if (token.type !== "inline" || open.type !== "list_item_open" || !open.map) continue;
    if (tokens[index - 1]!.type !== "paragraph_open") continue;
    const first = token.children?.[0];
    const match = first?.type === "text" ? ITEM.exec(first.content) : null;
    if (!first || !match) continue;
    first.content = first.content.slice(match[0].length).trimStart();
    const done = match[1] !== " ";
    const box = new Token("html_inline", "", 0);
    // Nothing of the document's own words is in it.
    box.content = boxHtml(open.map[0] + linesBefore, done, tickable === true);
    token.children!.unshift(box);
    const words = token.content.slice(match[0].length);
    const isOpen = !done && !REFERRED.test(words);
    if (ideaAction !== undefined && isOpen && !saysNothing?.(words)) {
      const button = new Token("html_inline", "", 0);
      button.content = ideaHtml(open.map[0] + linesBefore, ideaAction);
      token.children!.push(button);
    }
    open.attrJoin("class", "check-item");
  }
}

const REFERRED = /#(?:idea|ticket)-\d/;

/** Neither a line's number nor our own address has anything of the document in it. */
const ideaHtml = (line: number, action: string): string =>
  ` <button type="submit" class="make-idea" name="idea" value="${line}" formaction="${action}" aria-label="Make an idea of line ${
    line + 1
  }">Make an idea</button>`;

function boxHtml(line: number, done: boolean, tickable: boolean): string {
  const state = `role="checkbox" aria-checked="${done}" aria-label="${done ? "Done" : "To do"}"`;
  return tickable
    ? `<button type="submit" class="check-box" name="line" value="${line}" ${state}></button> `
    : `<span class="check-box" ${state} aria-disabled="true"></span> `;
}
