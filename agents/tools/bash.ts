import { defineTool, type ToolOutput } from "./tool.ts";

export const BASH_DEFAULT_TIMEOUT_MS = 120_000;
export const BASH_MAX_TIMEOUT_MS = 600_000;
/** Cut once, where it comes in: so the note on what was left out is true. */
export const BASH_MAX_BYTES = 30_000;

export const bashTool = defineTool({
  name: "Bash",
  description:
    "Runs a command in a fresh shell in the project: variables and functions do not carry over to the " +
    "next call, the working folder does, inside the project. There is no input and no terminal; do not " +
    "count on a network. What is left running in the background is ended with the command. Output and " +
    `errors come together; beyond ${BASH_MAX_BYTES} bytes only head and tail, with the name of a file in ` +
    "which Read finds the whole; better pipe long output through head, tail or grep. To read, search, change or list files use Read, Grep, Edit, Write and " +
    "Glob; for the project's checks use run_checks.",
  readOnly: false,
  tags: ["private"],
  whenCutOff: "report",
  input: (z) =>
    z.strictObject({
      command: z.string().min(1).max(20_000).describe("Command line, given to the shell as it is"),
      timeout: z.int().min(1).max(BASH_MAX_TIMEOUT_MS).optional().describe(
        `Milliseconds until it is ended; default ${BASH_DEFAULT_TIMEOUT_MS}, at most ${BASH_MAX_TIMEOUT_MS}`,
      ),
      description: z.string().max(500).optional().describe(
        "What it does, in a few words, for people",
      ),
    }),
  async run({ command, timeout = BASH_DEFAULT_TIMEOUT_MS }, { shell, cwd, signal, onOutput }) {
    const result = await shell.run({
      command,
      interpreter: "bash",
      cwd,
      timeoutMs: timeout,
      signal,
      maxOutputBytes: BASH_MAX_BYTES,
      onOutput,
    });
    const lines = [];
    if (result.timedOut) {
      lines.push(
        `Ended after ${timeout} ms, its time limit, with all it had started. ` +
          "Set a longer timeout, or do less at once.",
      );
    } else if (result.exitCode !== 0) lines.push(`Exit code ${result.exitCode}`);
    const output = result.output.trimEnd();
    if (output !== "") lines.push(output);
    if (result.note) lines.push(`[${result.note}]`);
    const answer: ToolOutput = {
      content: lines.join("\n") || "(no output)",
      isError: result.timedOut || result.exitCode !== 0,
      cwd: result.cwd,
    };
    return result.exitCode === null ? answer : { ...answer, exitCode: result.exitCode };
  },
});
