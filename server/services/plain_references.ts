/** References of one project in words, for a text that goes to another one: there the same number is something else. */
import { splitDocument } from "./document_facts.ts";

const FENCE = /^ {0,3}(`{3,}|~{3,})/;
/** Code between backticks, a link's address that is a reference, a reference. */
const PARTS =
  /(?<!`)(`{1,8})(?!`)[^`\n]+\1(?!`)|(?<=\])\([^\S\n]{0,10}#(idea|ticket)-(\d{1,9})[^\S\n]{0,10}\)|(?<![\w#])#(idea|ticket)-(\d{1,9})(?![\w-])/g;

/**
 * `#idea-7` and `#ticket-3` of a document as "idea 7 of Game" and "ticket 3 of Game". Code and front matter stay, and so
 * does a text that names neither, byte for byte.
 */
export function withPlainReferences(text: string, projectName: string): string {
  if (!/#(?:idea|ticket)-\d/.test(text)) return text;
  const { body } = splitDocument(text);
  const name = projectName.replace(/[\\`*_{}[\]<>#|~&!]/g, "\\$&");
  let fence = "";
  const lines = body.split("\n").map((line) => {
    const mark = FENCE.exec(line)?.[1] ?? "";
    if (fence !== "") {
      if (mark.startsWith(fence) && line.trim() === mark) fence = "";
      return line;
    }
    if (mark !== "") {
      fence = mark;
      return line;
    }
    return line.replace(PARTS, (whole, _ticks, addressed, itsNumber, kind, number) => {
      if (addressed !== undefined) return ` (${addressed} ${Number(itsNumber)} of ${name})`;
      return kind === undefined ? whole : `${kind} ${Number(number)} of ${name}`;
    });
  });
  return text.slice(0, text.length - body.length) + lines.join("\n");
}
