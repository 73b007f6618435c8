/** Mermaid as people write it, spelled out for the library that draws: nothing of a drawing goes missing without a word. */
import { ok, strictEqual as equal } from "node:assert";
import { drawDiagrams } from "../agents/diagrams/draw.ts";
import { DIAGRAM_CHARS } from "../agents/diagrams/protocol.ts";
import { spelled } from "../agents/diagrams/spelled.ts";
import { leastMs } from "./timing.ts";
import { never } from "./git_support.ts";

const flow = (line: string): string =>
  spelled(`flowchart LR\n${line}`).replace("flowchart LR\n", "");

Deno.test("spelled() puts spaces around links, in their shortest form, with their words", () => {
  for (
    const [given, expected] of [
      ["a-->b", "a --> b"],
      ["my-node-->other-node-->c", "my-node --> other-node --> c"],
      ["a & b---->c", "a & b --> c"],
      ["a---b====c-.-d", "a --- b === c -.- d"],
      ["a-..->b<-->c==>d", "a -.-> b <--> c ==> d"],
      ["a --x b --o c", "a --> b --> c"],
      ["a--yes, go-->b", "a -- yes, go --> b"],
      ["a-.maybe.->b==sure==>c", "a -. maybe .-> b == sure ==> c"],
      ["a -- known --- b", "a -- known --- b"],
      ["a-->|x-->y|b", "a -->|x-->y| b"],
      ["a --> |x| b", "a -->|x| b"],
      ["a[x-->y]-->b((z--w))", "a[x-->y] --> b((z--w))"],
      ['a["x]-->y"]-->b{q?}', 'a["x]-->y"] --> b{q?}'],
      ["a-->b; b-->c", "a --> b\n b --> c"],
      ["  subgraph one--two", "  subgraph one--two"],
      ["style a fill:#fff;", "style a fill:#fff"],
      ['click a "https://x.example/a--b;c"', 'click a "https://x.example/a--b;c"'],
    ] as const
  ) equal(flow(given), expected, given);
});

Deno.test("spelled() knows heads without a direction or with more behind them, and leaves other kinds alone", () => {
  equal(spelled("%% hi\ngraph\na-->b"), "%% hi\ngraph TD\na --> b");
  equal(spelled("graph LR; a-->b;"), "graph LR\n a --> b\n");
  equal(spelled("classDiagram\n  A<|--B\n  C ..> D"), "classDiagram\n  A <|-- B\n  C ..> D");
  equal(spelled("erDiagram\n A||--o{B : has"), "erDiagram\n A ||--o{ B : has");
  for (
    const other of ["sequenceDiagram\n A-->>B: a-->b", "stateDiagram-v2\n [*]-->A", "a-->b", ""]
  ) {
    equal(spelled(other), other);
  }
});

Deno.test("spelled() takes no time for what is written to take it", () => {
  for (const part of ["--a", "-. a ", "==", "(", "-- ", " ", "<--", "|o--", "a;"]) {
    for (const kind of ["graph LR", "classDiagram", "erDiagram"]) {
      const source = `${kind}\n${part.repeat(DIAGRAM_CHARS / part.length)}`;
      ok(leastMs(3, () => spelled(source)) < 1_000, `${kind} ${part}`);
    }
  }
});

Deno.test("a diagram without spaces and with semicolons is drawn with all its things and lines", async () => {
  const sources = [
    "graph TD;\n  A-->B;\n  A--no-->C;\n  B-->D;\n",
    "erDiagram\n  A||--o{B : has\n",
  ];
  const [flow, er] = await drawDiagrams(sources, { signal: never });
  const svg = "svg" in flow! ? flow.svg : "";
  for (const name of ["A", "B", "C", "D", "no"]) ok(svg.includes(`>${name}<`), name);
  equal(svg.match(/marker-end/g)?.length, 3);
  ok("svg" in er! && er.svg.includes(">has<"));
});
