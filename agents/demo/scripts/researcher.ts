/** Finds where the project already has to do with the idea. */
import type { ResultOf } from "../../results.ts";
import { type Desk, type Script, submit } from "../script.ts";
import { isTest, oneLine } from "../text.ts";
import { findMentions, type Mention, searchWords } from "./looking.ts";

export function* researcher(desk: Desk): Script<string> {
  const words = searchWords(desk.task);
  const mentions = yield* findMentions(
    desk,
    `I am Gaffer's demo model. I look for the idea's own words: ${words.join(", ")}.`,
  );
  const refused = yield* submit(
    desk,
    mentions.length > 0
      ? "This is where the idea touches the project."
      : "Nothing mentions it yet.",
    resultFor(mentions, words),
  );
  return refused ? `My result was refused: ${refused}` : "Done.";
}

function resultFor(mentions: Mention[], words: string[]): ResultOf<"researcher"> {
  const paths = [...new Set(mentions.map(({ path }) => path))];
  const sought = words.map((word) => `“${word}”`).join(", ");
  if (paths.length === 0) {
    return {
      summary:
        `No file of the project mentions ${sought || "the idea"}. The demo model searches only ` +
        "for words, so this may still touch existing code.",
      findings: [],
    };
  }
  return {
    summary:
      `${paths.join(", ")} mention${paths.length === 1 ? "s" : ""} what the idea is about. ` +
      "Found by the demo model's search for words, not by understanding the code.",
    findings: mentions.map(({ path, line, text, word }) => ({
      kind: kindOf(path, text),
      path,
      line,
      text: `\`${oneLine(text, 200)}\` mentions “${word}”`,
    })),
  };
}

/** A definition is something similar to go by; tests and prose are related. */
function kindOf(path: string, text: string): "similar" | "related" {
  const definition = /^\s*(export |async |pub |static |def |fn |func |function )|\(\)\s*\{/.test(
    text,
  );
  return definition && !isTest(path) ? "similar" : "related";
}
