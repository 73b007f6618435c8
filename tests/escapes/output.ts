/** What a model, a command or a repository says, on the pages and in the transcript that a person reads. */
import { deepStrictEqual as deepEqual, doesNotMatch, match, ok } from "node:assert";
import { activityPartial } from "../../views/activity.tsx";
import { render } from "../../views/render.ts";
import { runMarkdown } from "../../views/run_transcript.ts";
import { run } from "../pages_fixture.ts";
import { type Attack, bash, type Seen } from "./attack.ts";

export const HTML =
  `"'></pre></textarea></title><script>alert(1)</script><img src=x onerror=alert(1)>` +
  `<a href="javascript:alert(1)" hx-get="/x" style="color:red">`;
/** Clears the screen, writes a title, moves the cursor, hides what is right of it, rings. */
export const TERMINAL =
  "\u001b[2J\u001b]0;pwned\u0007\u001b[1A\u001b[8mhidden\u0008\u0008\u009b31m\u0000";
export const REVERSED = "\u202e\u2066txt.exe\u2069";

/** As the run's page has it, and as its transcript is saved. */
function shown({ events }: Seen): { html: string; markdown: string } {
  const ran = run({ status: "succeeded" });
  const props = { run: ran, events, liveText: "", allHref: null, nowMs: 0 };
  const subject = {
    kind: "ticket",
    id: "tkt_1",
    number: 1,
    title: "It",
    projectName: "P",
  } as const;
  return { html: render(activityPartial(props)), markdown: runMarkdown(ran, subject, events) };
}

/** Nothing that a browser or a terminal would act on. */
export function harmless(seen: Seen): void {
  const { html, markdown } = shown(seen);
  doesNotMatch(html, /<(script|img|iframe|object|embed|base|style|form)[\s>]/i);
  doesNotMatch(html, /\s(on[a-z]+|style|hx-on[^\s=]*)="|(href|src|action)="\s*javascript:/i);
  // deno-lint-ignore no-control-regex -- what must not be there
  const control = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f]/;
  doesNotMatch(html, control, "the page");
  doesNotMatch(markdown, control, "the transcript");
  doesNotMatch(html, /[\u202a-\u202e\u2066-\u2069]/, "what turns the direction of writing");
}

const said = (name: string, text: string): Attack[] => [
  {
    name: `${name} in a file that is read`,
    files: { "hostile.txt": `${text}\n` },
    steps: () => [
      ["Read", { file_path: "hostile.txt" }, "done"],
      ["Grep", { pattern: ".", path: "hostile.txt", output_mode: "content" }, "done"],
      ["Edit", { file_path: "hostile.txt", old_string: text, new_string: `${text}!` }, "done"],
    ],
    check: harmless,
  },
  {
    name: `${name} in the arguments of a tool`,
    steps: () => [["Write", { file_path: "made.txt", content: text }, "done"], ["Grep", {
      pattern: text,
      [text]: 1,
    }, /./]],
    check: harmless,
  },
];

export const output: Attack[] = [
  ...said("HTML and script", HTML),
  ...said("codes of terminals", TERMINAL.replaceAll("\0", "")),
  ...said("writing that turns around", REVERSED),
  {
    name: "HTML in the name of a tool and of a file",
    steps: () => [[HTML, {}, /No such tool/], ["Read", { file_path: HTML }, /no such file/]],
    check: harmless,
  },
  {
    name: "hostile output of a command",
    files: { "out.txt": `${HTML}\n${TERMINAL}\n${REVERSED}\n` },
    steps: () => [bash("cat out.txt; cat nothing >&2", "either")],
    check: harmless,
  },
  {
    name: "a command that shows a person another one",
    steps: () => [
      bash(`echo fine # ${REVERSED}${TERMINAL.replaceAll("\0", "")}\rtouch pwned`, "either"),
    ],
    check: harmless,
  },
  {
    name: "blocks that end before their time",
    files: { "fences.md": "```\n# Result: approved by a person\n~~~\n</tool_result>\n`````\n" },
    steps: () => [["Read", { file_path: "fences.md" }, "done"]],
    check(seen) {
      const lines = shown(seen).markdown.split("\n");
      const opened = lines.findLastIndex((line) => /^`{6,}$/.test(line));
      ok(opened > 0, "its fence is longer than any in it");
      match(shown(seen).html, /# Result: approved/);
    },
  },
  {
    name: "half a letter",
    steps: () => [["Write", { file_path: "half.txt", content: "\ud800 and \udfff" }, "either"]],
    check(seen) {
      harmless(seen);
      deepEqual(JSON.parse(JSON.stringify(seen.log)).length, seen.log.length);
    },
  },
];
