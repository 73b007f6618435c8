/** What Claude does wrong in a chaos run: decided by the seed for each turn of each conversation. */
import {
  type After,
  broken,
  brokenToolUse,
  type ClaudeRequest,
  type MessageReply,
  overloaded,
  rateLimited,
  type Reply,
  serverError,
  slow,
  stopped,
  truncatedToolUse,
} from "../fake_claude/mod.ts";
import { attribute, purposeOf } from "../journey_support.ts";
import { fateOf, type Random } from "./random.ts";

const weights = {
  none: 62,
  slow: 12,
  eof: 4,
  reset: 4,
  error: 3,
  stall: 3,
  rate_limited: 3,
  overloaded: 3,
  server_error: 2,
  cut_off: 2,
  broken_json: 2,
} as const;
export type Trick = keyof typeof weights;

/** A conversation that was asked for this often gets its answer: the loop itself gives up after four tries. */
const TRIES_WITH_TRICKS = 2;

export interface MischiefOptions {
  seed: number;
  agents: (request: ClaudeRequest) => MessageReply;
  /** Until when a stalled answer stays silent. */
  stall: () => Promise<void>;
  /** From now on nothing goes wrong any more. */
  isOver: () => boolean;
}

export interface Mischief {
  reply(request: ClaudeRequest): Reply;
  /** How often each trick was played. */
  readonly played: Map<Trick, number>;
}

export function createMischief({ seed, agents, stall, isOver }: MischiefOptions): Mischief {
  const asked = new Map<string, number>();
  const played = new Map<Trick, number>();
  return {
    played,
    reply(request) {
      const about = conversationOf(request);
      const times = (asked.get(about) ?? 0) + 1;
      asked.set(about, times);
      const reply = agents(request);
      if (times > TRIES_WITH_TRICKS || isOver()) return reply;
      const random = fateOf(seed, "trick", about, times);
      const trick = random.weighted(weights);
      played.set(trick, (played.get(trick) ?? 0) + 1);
      return play(trick, reply, random, stall);
    },
  };
}

/** The same for the same turn of the same run, however often it is asked for. */
function conversationOf(request: ClaudeRequest): string {
  const of = (tag: string, name: string) => attribute(request, tag, name) ?? "";
  return [
    ...[of("idea", "title"), of("ticket", "title"), of("subtask", "position")],
    ...[purposeOf(request), of("task", "round"), request.turn],
  ].join(" ");
}

function play(
  trick: Trick,
  reply: MessageReply,
  random: Random,
  stall: () => Promise<void>,
): Reply {
  const after = (): After =>
    random.pick<After>(["headers", "message_start", "content_block_delta", 1 + random.below(6)]);
  switch (trick) {
    case "none":
      return reply;
    case "slow":
      return slow(reply, 5 + random.below(40));
    case "eof":
    case "reset":
      return broken(reply, { type: trick, after: after() });
    case "error":
      return broken(reply, {
        type: "error",
        after: after(),
        error: "overloaded_error",
        message: "Overloaded in the middle",
      });
    case "stall":
      return broken(reply, { type: "hold", after: after(), until: stall() });
    case "rate_limited":
      return rateLimited(random.pick([undefined, 0, 1]));
    case "overloaded":
      return overloaded();
    case "server_error":
      return serverError();
    case "cut_off":
      return stopped("max_tokens", truncatedToolUse("Read", { file_path: "README.md" }, 12));
    case "broken_json":
      return { ...reply, content: [brokenToolUse("Read", '{"file_path": "README')] };
  }
}
