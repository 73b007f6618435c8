/**
 * What the runtime says to the model of its own accord, and how it hands on what a person says. The log holds
 * the text, so the beginning of the runtime's own notes tells what they are.
 */

/** Reminders to hand in a result, in a row, before the run ends without one. */
export const MAX_NUDGES = 2;

const LIMIT_NOTE = "You are near a limit of this run";
const STUCK_NOTE = "You go in circles";

export const limitNote = (limit: string): string =>
  `${LIMIT_NOTE} (${limit}). Begin nothing new: finish what you are at, and hand in with submit_result what you have.`;
export const isLimitNote = (text: string): boolean => text.startsWith(LIMIT_NOTE);

export const stuckNote = (times: number): string =>
  `${STUCK_NOTE}: the same calls bring the same results, or the same errors, ${times} times now. That will not change. ` +
  "Try another way, or hand in with submit_result what you know and what is in your way.";
export const isStuckNote = (text: string): boolean => text.startsWith(STUCK_NOTE);

const FROM_MEMORY =
  "Go on without, and where you would have looked something up, say that it is from memory.";
const LOST_NOTE = "The endpoint that you are asked through does not have";

/** A person's no to the tools of the web, as the model gets it before its first turn. */
export const webDeniedNote = (tools: string, reason: string): string =>
  `You have no access to the web in this run: a person denied ${tools}${
    reason ? ` (${reason})` : ""
  }. ${FROM_MEMORY}`;

/** Tools that the endpoint turned out not to have. */
export const lostToolsNote = (tools: string): string => `${LOST_NOTE} ${tools}. ${FROM_MEMORY}`;
export const isLostToolsNote = (text: string): boolean => text.startsWith(LOST_NOTE);

/** What a person writes in the middle of a run, as the model gets it. */
export const personNote = (by: string, text: string): string =>
  `${by}, who oversees this run, says:\n\n${text}`;

export const nudgeText = {
  unsubmitted:
    "You stopped without handing in a result. Go on if there is work left, then submit with submit_result: only what is submitted counts.",
  empty: "Your last answer was empty. Go on, and when you are done submit with submit_result.",
} as const;

/** Asks the model itself for a summary, where the endpoint has no way of its own. */
export const summaryRequest =
  "The conversation is about to outgrow what you can be sent, so it will be replaced by what you write now. Call no " +
  "tool. Write a summary from which you can go on without having lost anything that is needed: what was asked, every " +
  "fact, name, number, path and decision that still matters, word for word where the words matter; what was done and " +
  "with what result; what failed and why; what is left to do, in order. Leave out what can be read again in a file.";

/** Follows the summary, with the task as it was given. */
export const goOnNote =
  "Your conversation up to here was replaced by its summary, since it came near the limit of what you can be sent. " +
  "All that it tells of is done; the files are as you left them, and can be read again. Go on with the task from " +
  "there, and hand in with submit_result.";
