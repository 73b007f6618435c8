/**
 * The markdown parser, with its tokens made in a way that takes half the time. As it comes, it is compiled for browsers
 * of long ago: each field of each token and of each state is set by a function that looks whether it is there. A long
 * document has tens of thousands of them. What they hold, and every rule, is the library's own.
 */
import MarkdownIt, { type MarkdownItOptions, type StateInline, type Token } from "markdown-it";

/** As `new MarkdownIt`. */
export function newMarkdown(options: MarkdownItOptions): InstanceType<typeof MarkdownIt> {
  const markdown = new MarkdownIt(options);
  markdown.block.State = LeanStateBlock;
  markdown.inline.State = LeanStateInline as unknown as typeof StateInline;
  return markdown;
}

/** All that the library's has, in its order. */
class LeanToken {
  map = null;
  level = 0;
  children = null;
  content = "";
  markup = "";
  info = "";
  block = false;
  hidden = false;
  attrs = null;
  meta = null;
  constructor(readonly type: string, readonly tag: string, readonly nesting: -1 | 0 | 1) {}
}
Object.setPrototypeOf(LeanToken.prototype, MarkdownIt.Token.prototype);

const newToken = (type: string, tag: string, nesting: -1 | 0 | 1): Token =>
  new LeanToken(type, tag, nesting) as unknown as Token;

class LeanStateBlock extends MarkdownIt.StateBlock {
  override push(type: string, tag: string, nesting: -1 | 0 | 1): Token {
    const token = newToken(type, tag, nesting);
    token.block = true;
    if (nesting < 0) this.level--;
    token.level = this.level;
    if (nesting > 0) this.level++;
    this.tokens.push(token);
    return token;
  }
}

/** One for each line of text, and each cell of a table. */
class LeanStateInline {
  pos = 0;
  level = 0;
  pending = "";
  pendingLevel = 0;
  cache = {};
  backticks = {};
  backticksScanned = false;
  skipHtmlSpecial = false;
  linkLevel = 0;
  delimiters: StateInline["delimiters"] = [];
  _prev_delimiters: StateInline["_prev_delimiters"] = [];
  Token = LeanToken;
  tokens_meta: StateInline["tokens_meta"];
  posMax: number;

  constructor(
    readonly src: string,
    readonly md: StateInline["md"],
    readonly env: StateInline["env"],
    readonly tokens: Token[],
  ) {
    this.tokens_meta = Array(tokens.length);
    this.posMax = src.length;
  }

  pushPending(): Token {
    const token = newToken("text", "", 0);
    token.content = this.pending;
    token.level = this.pendingLevel;
    this.tokens.push(token);
    this.pending = "";
    return token;
  }

  push(type: string, tag: string, nesting: -1 | 0 | 1): Token {
    if (this.pending) this.pushPending();
    const token = newToken(type, tag, nesting);
    let meta: { delimiters: StateInline["delimiters"] } | undefined;
    if (nesting < 0) {
      this.level--;
      this.delimiters = this._prev_delimiters.pop()!;
    }
    token.level = this.level;
    if (nesting > 0) {
      this.level++;
      this._prev_delimiters.push(this.delimiters);
      this.delimiters = [];
      meta = { delimiters: this.delimiters };
    }
    this.pendingLevel = this.level;
    this.tokens.push(token);
    this.tokens_meta.push(meta);
    return token;
  }
}
Object.setPrototypeOf(LeanStateInline.prototype, MarkdownIt.StateInline.prototype);
