/** What a run's first message says of its task, read back from it: it is what the agent was told. */

export interface TaskFacts {
  /** Of the idea or ticket; "" when the task has neither. */
  title: string;
  /** The acceptance criteria that it lists. */
  criteria: string[];
}

const TITLE = /^<(?:idea|ticket) [^>]*?title="([^"]*)"/m;
const ACCEPTANCE = /^<acceptance>\n([\s\S]*?)\n<\/acceptance>$/m;
const entities: Record<string, string> = { amp: "&", lt: "<", gt: ">", quot: '"' };

const plain = (text: string): string =>
  text.replace(/&(amp|lt|gt|quot);/g, (_, name) => entities[name]!);

/** No text of a task can forge its sections: `harmless` has seen to that. */
export function factsOf(prompt: string): TaskFacts {
  const title = TITLE.exec(prompt)?.[1] ?? "";
  const acceptance = ACCEPTANCE.exec(prompt)?.[1] ?? "";
  const lines = acceptance.split("\n").filter((line) => line.startsWith("- "));
  return { title: plain(title), criteria: lines.map((line) => plain(line.slice(2))) };
}
