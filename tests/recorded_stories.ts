/** The runs that are recorded and taken apart: between them they have all that can stand in a log. */
import {
  answer,
  broken,
  overloaded,
  rateLimited,
  redactedThinking,
  refusal,
  type Reply,
  type ReplyBlock,
  stopped,
  thinking,
  toolUse,
  truncatedToolUse,
} from "./fake_claude/mod.ts";
import type { Story } from "./recorded_runs.ts";

const read = (file_path: string, id: string) => toolUse("Read", { file_path }, id);
const edit = (file_path: string, old_string: string, new_string: string, id: string) =>
  toolUse("Edit", { file_path, old_string, new_string }, id);
const bash = (command: string, id: string) => toolUse("Bash", { command }, id);
const check = (id: string) => toolUse("run_checks", { name: "test" }, id);
const submit = (id: string, status: "done" | "blocked" = "done"): ReplyBlock =>
  toolUse("submit_result", { status, summary: "Greets" }, id);

const files = {
  "greet.sh": "# Greets.\necho hello\n",
  "notes.txt": "one\ntwo\nthree\n",
  "other.txt": "other\n",
  "test.sh": "sh greet.sh\n",
};

/** Every tool, side by side and in order, good and refused, with the work committed turn by turn. */
const working: Story = {
  name: "a developer at work",
  files,
  replies: [
    answer(
      thinking("I look at everything."),
      "Looking.",
      read("greet.sh", "r1"),
      read("notes.txt", "r2"),
      toolUse("Grep", { pattern: "two" }, "g1"),
      edit("other.txt", "other", "changed", "refused"),
    ),
    answer(
      thinking("I change it."),
      redactedThinking(),
      edit("greet.sh", "hello", "hello, world", "e1"),
      edit("greet.sh", "# Greets.", "# Greets the world.", "e2"),
      toolUse("Write", { file_path: "new/made.txt", content: "made\n" }, "w1"),
      edit("notes.txt", "three", "", "e3"),
    ),
    answer(
      toolUse("Fly", {}, "unknown"),
      toolUse("Read", { path: "greet.sh" }, "invalid"),
      bash("echo ran | tee -a count.txt; cd new", "b1"),
    ),
    answer(submit("early")),
    answer(check("c1"), submit("s1")),
  ],
  spare: [answer(check("c2"), submit("s2"))],
};

/** All that can go wrong with a request, down to a run that has to be taken up again by its job. */
const failing: Story = {
  name: "requests that fail",
  files,
  limits: { maxTurns: 7 },
  replies: [
    overloaded(),
    rateLimited(1),
    broken(answer("Half a sentence", read("greet.sh", "never")), {
      type: "reset",
      after: "content_block_delta",
    }),
    answer(thinking("At last."), read("greet.sh", "r1")),
    stopped("max_tokens", truncatedToolUse("Edit", { file_path: "greet.sh", old_string: "x" }, 20)),
    answer("I think I am done."),
    stopped("end_turn"),
    stopped("pause_turn", thinking("Hm."), "Let me think."),
    answer("Now.", edit("greet.sh", "hello", "hi", "e1")),
    ...Array<Reply>(4).fill(overloaded()),
    answer(check("c1")),
    answer(submit("s1", "blocked")),
  ],
};

/** Commands that wait for a person, beside calls that don't; and a person who has something to say. */
const asking: Story = {
  name: "a person decides",
  files,
  decisions: { "echo granted >> count.txt": "grant", "echo denied >> count.txt": "deny" },
  notes: [
    { after: "r1", text: "Mind the notes." },
    { after: "e2", text: "Be quick now." },
  ],
  replies: [
    answer(
      read("greet.sh", "r1"),
      bash("echo granted >> count.txt", "b1"),
      edit("greet.sh", "hello", "hi", "e1"),
      bash("echo denied >> count.txt", "b2"),
      read("notes.txt", "r2"),
    ),
    answer(thinking("Denied, then."), edit("notes.txt", "one", "1", "e2"), check("c1")),
    answer(submit("s1", "blocked")),
  ],
};

/** Warned, then stopped. */
const circling: Story = {
  name: "going in circles",
  files,
  replies: Array.from({ length: 5 }, (_, i) => answer(read("notes.txt", `r${i}`))),
};

/** Told that the limit is near, and stopped there. */
const long: Story = {
  name: "too many turns",
  files,
  limits: { maxTurns: 4 },
  replies: ["greet.sh", "notes.txt", "other.txt", "test.sh"].map((name) =>
    answer(read(name, name))
  ),
};

const refused: Story = {
  name: "a refusal",
  files,
  replies: [answer(read("greet.sh", "r1")), refusal("cyber")],
};

const blocked: Story = {
  name: "blocked at once",
  files,
  replies: [answer(thinking("No way."), submit("s1", "blocked"))],
};

export const stories = [working, failing, asking, circling, long, refused, blocked];
