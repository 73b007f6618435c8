/**
 * Reads a command line as bash would, as far as that can be done for certain without running it. What is left is a
 * list of simple commands whose words are known to the letter; everything else is "not simple", with the reason, and
 * whoever decides about it must not guess. A parser of all of bash (the package unbash, say) was weighed and not
 * taken: it recovers from what it does not understand, where this has to stop, and the language that may pass is
 * smaller than the code that would have to judge its tree.
 */

/** A command with its words after quotes are removed. */
export interface SimpleCommand {
  /** Never empty; the first is the program. */
  argv: string[];
  /** Only such as leave no file behind: other outputs (`2>&1`) and /dev/null. */
  redirections: Redirection[];
}

export interface Redirection {
  /** As written: `2>&`, `>`. */
  operator: string;
  target: string;
}

export type ParsedLine =
  | { type: "simple"; commands: SimpleCommand[] }
  /** `reason` completes "it is not a simple command: it has …". */
  | { type: "not_simple"; reason: string };

/** The Bash tool takes no more. */
export const MAX_LINE_CHARS = 20_000;

/** Reads a line or several. Never throws. */
export function parseShell(line: string): ParsedLine {
  try {
    if (line.length > MAX_LINE_CHARS) throw new NotSimple("more characters than can be checked");
    const commands = new Lexer(line).commands();
    if (commands.length === 0) throw new NotSimple("no command");
    return { type: "simple", commands };
  } catch (error) {
    if (!(error instanceof NotSimple)) throw error;
    return { type: "not_simple", reason: error.message };
  }
}

class NotSimple extends Error {}

/** Ends a command; what may come before it is a command, except for a newline and the end. */
type Separator = ";" | "&&" | "||" | "|" | "\n" | "end";

/** What stands for itself outside of quotes. All else has a meaning here or is refused: unknown is not harmless. */
const PLAIN = /[A-Za-z0-9_\-.\/:,+@%=^]/;
/** Bash and dash begin a construct with these; written in quotes they are refused too. */
const reserved = new Set(
  "if then else elif fi case esac for select while until do done in function time coproc { } ! [[ ]]"
    .split(" "),
);
const ASSIGNMENT = /^[A-Za-z_][A-Za-z0-9_]*\+?=/;

class Lexer {
  readonly #text: string;
  #at = 0;

  constructor(text: string) {
    const unseen = /[^\P{Cc}\t\n]/u.exec(text);
    if (unseen) throw new NotSimple("a control character");
    this.#text = text;
  }

  commands(): SimpleCommand[] {
    const commands: SimpleCommand[] = [];
    /** The separator before: after these a command must follow, over newlines if need be. */
    let open = false;
    while (true) {
      const { command, end } = this.#command();
      if (command) commands.push(command);
      else if (end === "end" && open) throw new NotSimple("nothing after its last operator");
      else if (end !== "\n" && end !== "end") throw new NotSimple(`nothing before "${end}"`);
      if (end === "end") return commands;
      if (command) open = end === "&&" || end === "||" || end === "|";
    }
  }

  #command(): { command: SimpleCommand | null; end: Separator } {
    const argv: string[] = [];
    const redirections: Redirection[] = [];
    while (true) {
      this.#blanks();
      const end = this.#separator();
      if (end !== null) {
        if (argv.length > 0) return { command: { argv, redirections }, end };
        if (redirections.length > 0) throw new NotSimple("a redirection without a command");
        return { command: null, end };
      }
      const redirection = this.#redirection();
      if (redirection) redirections.push(redirection);
      else argv.push(checkFirst(this.#word(), argv.length));
    }
  }

  /** Skips blanks, joined lines, and a comment where one may begin. */
  #blanks(): void {
    while (true) {
      if (/[ \t]/.test(this.#here)) this.#at++;
      else if (this.#text.startsWith("\\\n", this.#at)) this.#at += 2;
      else break;
    }
    if (this.#here !== "#") return;
    const end = this.#text.indexOf("\n", this.#at);
    this.#at = end < 0 ? this.#text.length : end;
  }

  #separator(): Separator | null {
    if (this.#at >= this.#text.length) return "end";
    const two = this.#text.slice(this.#at, this.#at + 2);
    if (two === "&&" || two === "||") {
      this.#at += 2;
      return two;
    }
    if (two === ";;" || two === ";&") throw new NotSimple("parts of a case");
    if (two === "|&") throw new NotSimple("a pipe of both outputs");
    const one = this.#here;
    if (one === "&" && two !== "&>") throw new NotSimple("a job in the background");
    if (one !== ";" && one !== "|" && one !== "\n") return null;
    this.#at++;
    return one;
  }

  /** To another output or to nowhere; every other one names a file. */
  #redirection(): Redirection | null {
    const pattern = /(\d*)(&>>|&>|>>|>\||>&|<&|<>|<<<|<<|<\(|>\(|<|>)/y;
    pattern.lastIndex = this.#at;
    const match = pattern.exec(this.#text);
    if (!match) return null;
    if (match[1]!.length > 1) throw new NotSimple("a redirection to an odd output");
    const operator = match[0];
    const kind = match[2]!;
    if (kind === "<(" || kind === ">(") throw new NotSimple("a process substitution");
    if (kind === "<<") throw new NotSimple("a here-document");
    if (kind === "<<<") throw new NotSimple("a here-string");
    this.#at += operator.length;
    this.#blanks();
    const target = /[\s;|&]/.test(this.#here) || this.#here === "" ? "" : this.#word();
    const isOutput = (kind === ">&" || kind === "<&") && /^\d$/.test(target);
    const isNowhere = target === "/dev/null" && kind !== ">&" && kind !== "<&" && kind !== "<>";
    if (!isOutput && !isNowhere) throw new NotSimple("a redirection to a file");
    return { operator, target };
  }

  /** One word, as the program would get it. */
  #word(): string {
    let word = "";
    const start = this.#at;
    while (true) {
      const c = this.#here;
      if (c === "" || /[ \t\n;|&<>]/.test(c)) break;
      if (c === "'") word += this.#singleQuoted();
      else if (c === '"') word += this.#doubleQuoted();
      else if (c === "\\") word += this.#escaped();
      else if (PLAIN.test(c) || c === "#" || (c === "!" && this.#next !== "(")) {
        word += c;
        this.#at++;
      } else if (c === "~" && !/[:=]/.test(word.at(-1) ?? "=")) {
        // Only at the beginning of a word or of a value does it stand for somebody's home: HEAD~1 is itself.
        word += c;
        this.#at++;
      } else throw new NotSimple(meaningOf(c));
    }
    if (this.#at === start) throw new NotSimple(meaningOf(this.#here));
    return word;
  }

  #singleQuoted(): string {
    const end = this.#text.indexOf("'", this.#at + 1);
    if (end < 0) throw new NotSimple("a quote that is never closed");
    const text = this.#text.slice(this.#at + 1, end);
    this.#at = end + 1;
    return text;
  }

  #doubleQuoted(): string {
    let text = "";
    this.#at++;
    while (true) {
      const c = this.#here;
      if (c === "") throw new NotSimple("a quote that is never closed");
      if (c === "$" || c === "`") throw new NotSimple(meaningOf(c));
      if (c === "\\" && /[$`"\\\n]/.test(this.#next)) {
        if (this.#next !== "\n") text += this.#next;
        this.#at += 2;
        continue;
      }
      this.#at++;
      if (c === '"') return text;
      text += c;
    }
  }

  #escaped(): string {
    const c = this.#next;
    if (c === "") throw new NotSimple("a backslash at its end");
    // A character outside of the basic plane is two units; both stand for themselves.
    this.#at += 2;
    return c === "\n" ? "" : c;
  }

  get #here(): string {
    return this.#text.charAt(this.#at);
  }
  get #next(): string {
    return this.#text.charAt(this.#at + 1);
  }
}

function checkFirst(word: string, index: number): string {
  if (index > 0) return word;
  if (word === "") throw new NotSimple("a command without a name");
  if (ASSIGNMENT.test(word)) throw new NotSimple("a variable set for a command");
  if (reserved.has(word)) throw new NotSimple(`the shell's own word "${word}"`);
  if (word.startsWith("%")) throw new NotSimple("a job");
  return word;
}

function meaningOf(c: string): string {
  if (c === "$") return "a variable or a substitution";
  if (c === "`") return "a command in backticks";
  if (c === "(" || c === ")") return "a subshell, a function or a list";
  if (c === "{" || c === "}") return "braces";
  if (c === "*" || c === "?" || c === "[" || c === "]") return "a pattern for file names";
  if (c === "~") return "somebody's home folder";
  if (c === "<" || c === ">") return "a redirection";
  return `the character ${JSON.stringify(c)} outside of quotes`;
}
