/**
 * Entry of the process that draws Mermaid diagrams. They are anybody's text, and laying one out can take for ever or
 * all memory, neither of which could be stopped in a worker: so it is a process with a small heap and no right to
 * anything, ended after its batch, or when it takes too long.
 */
import { setPriority } from "node:os";
import { NICENESS } from "../hands_config.ts";
import { readLines } from "../lines.ts";
import { spelled } from "./spelled.ts";
import { DIAGRAM_CHARS, DIAGRAMS_ARGUMENT, type FromDiagrams } from "./protocol.ts";

/** Escapes can make six bytes of one character. */
const MAX_LINE_BYTES = 6 * DIAGRAM_CHARS + 100;
const PROBLEM_CHARS = 300;
const given = ["run", "read", "write", "net", "env", "sys", "ffi", "import"] as const;

/** Draws one diagram for each line of standard input, until that ends. */
export async function diagramsMain(): Promise<void> {
  setPriority(NICENESS);
  const { renderMermaidSVG } = await import("beautiful-mermaid");
  giveUp();
  for await (const line of readLines(Deno.stdin.readable, MAX_LINE_BYTES)) {
    tell(draw(renderMermaidSVG, String(JSON.parse(line))));
  }
  Deno.exit(0);
}

function draw(render: (source: string) => string, source: string): FromDiagrams {
  try {
    return { svg: render(spelled(source)) };
  } catch (error) {
    const said = error instanceof Error ? error.message : String(error);
    return { problem: said.slice(0, PROBLEM_CHARS) };
  }
}

function giveUp(): void {
  for (const name of given) {
    // The types do not know "import" yet.
    const { state } = Deno.permissions.revokeSync({ name } as Deno.PermissionDescriptor);
    if (state === "granted") throw new Error(`could not give up the right to "${name}"`);
  }
}

function tell(answer: FromDiagrams): void {
  const bytes = new TextEncoder().encode(`${JSON.stringify(answer)}\n`);
  for (let done = 0; done < bytes.length;) done += Deno.stdout.writeSync(bytes.subarray(done));
}

// As a part of the executable it is main.ts that starts it.
if (import.meta.main && Deno.args[0] === DIAGRAMS_ARGUMENT) {
  await diagramsMain();
}
