/** The fake's prompt cache: three counters that sum, lifetimes, the minimum, what invalidates what. */
import { deepStrictEqual as deepEqual, strictEqual as equal } from "node:assert";
import type { WireMessage } from "../../agents/demo/wire.ts";
import { MINUTE_MS } from "../../server/clock.ts";
import { answer, broken, type FakeClaude, startFakeClaude } from "./mod.ts";
import { assistant, body, clientFor, MODEL, post, send, user } from "./support.ts";

const marker = (ttl?: "1h") => ({ type: "ephemeral", ...(ttl && { ttl }) });
/** Each about this many tokens, with what is around it. */
const words = (tokens: number, seed = "a") => seed.repeat(tokens * 4);
const system = (ttl?: "1h") => [{ type: "text", text: words(1_000), cache_control: marker(ttl) }];

/** A server whose time the test moves. */
function server() {
  const time = { ms: 0 };
  return {
    time,
    fake: startFakeClaude({ clock: { nowMs: () => time.ms }, reply: () => answer("Yes") }),
  };
}

/** Input tokens of one request: new, written for 5 minutes and for an hour, read. They sum to the count. */
async function used(fake: FakeClaude, changes: Record<string, unknown>, key = fake.apiKey) {
  const request = body(changes);
  const { json } = await post(fake, request, { authorization: `Bearer ${key}` });
  const { max_tokens: _, ...prompt } = request;
  const { json: counted } = await send(fake, "/v1/messages/count_tokens", { json: prompt });
  const { usage } = json;
  const five = usage.cache_creation.ephemeral_5m_input_tokens;
  const hour = usage.cache_creation.ephemeral_1h_input_tokens;
  equal(usage.cache_creation_input_tokens, five + hour);
  equal(usage.input_tokens + five + hour + usage.cache_read_input_tokens, counted.input_tokens);
  return { fresh: usage.input_tokens, five, hour, read: usage.cache_read_input_tokens };
}

Deno.test("without markers nothing is cached", async () => {
  const { fake } = server();
  await using _ = fake;
  const prompt = { system: words(1_000) };
  for (let i = 0; i < 2; i++) {
    const { fresh, ...cached } = await used(fake, prompt);
    deepEqual(cached, { five: 0, hour: 0, read: 0 });
    equal(fresh > 1_000, true);
  }
});

Deno.test("a prefix is written once and then read", async () => {
  const { fake } = server();
  await using _ = fake;
  const first = await used(fake, { system: system() });
  const second = await used(fake, { system: system(), messages: [user("Something else")] });
  deepEqual([first.five, first.read], [1_003, 0]);
  deepEqual([second.five, second.read], [0, 1_003]);
});

Deno.test("a moving tail reads all of the last request and writes only what is new", async () => {
  const { fake } = server();
  await using _ = fake;
  const messages: WireMessage[] = [user(words(200))];
  let before = 0;
  for (let turn = 0; turn < 3; turn++) {
    const use = await used(fake, { system: system(), cache_control: marker(), messages });
    equal(use.fresh, 0);
    equal(use.read, before);
    before = use.read + use.five;
    messages.push(assistant("Yes"), user(words(100, String(turn))));
  }
});

Deno.test("an entry is found at most 20 segments back", async () => {
  const tail = (
    count: number,
  ) => [user(Array.from({ length: count }, (_, i) => ({ type: "text", text: `${i}` })))];
  for (const [segments, read] of [[20, true], [21, false]] as const) {
    const { fake } = server();
    await using _ = fake;
    const plain = [{ type: "text", text: words(1_000) }];
    await used(fake, { system: system() });
    const use = await used(fake, {
      system: plain,
      cache_control: marker(),
      messages: tail(segments),
    });
    equal(use.read > 0, read, `${segments} segments`);
  }
});

Deno.test("a prefix below the minimum is silently not cached", async () => {
  const { fake } = server();
  await using _ = fake;
  const short = [{ type: "text", text: words(508), cache_control: marker() }];
  const enough = [{ type: "text", text: words(509), cache_control: marker() }];
  for (let i = 0; i < 2; i++) deepEqual((await used(fake, { system: short })).five, 0);
  equal((await used(fake, { system: enough })).five, 512);
  const older = { model: "claude-haiku-4-5", system: enough };
  equal((await used(fake, older)).five, 0, "an older model needs more");
});

Deno.test("an entry lives five minutes from the start of the last request that read it", async () => {
  const { fake, time } = server();
  await using _ = fake;
  const ask = () => used(fake, { system: system() });
  await ask();
  time.ms += 5 * MINUTE_MS - 1;
  equal((await ask()).read, 1_003, "refreshed by reading");
  time.ms += 5 * MINUTE_MS - 1;
  equal((await ask()).read, 1_003);
  time.ms += 5 * MINUTE_MS;
  deepEqual(await ask().then(({ five, read }) => [five, read]), [1_003, 0], "written again");
});

Deno.test("an hour is an hour, and is counted apart from five minutes", async () => {
  const { fake, time } = server();
  await using _ = fake;
  const prompt = { system: system("1h"), cache_control: marker(), messages: [user(words(100))] };
  const first = await used(fake, prompt);
  deepEqual([first.hour, first.five], [1_003, 103]);
  time.ms += 59 * MINUTE_MS;
  const second = await used(fake, prompt);
  deepEqual([second.read, second.hour, second.five], [1_003, 0, 103]);
});

Deno.test("a changed tool drops everything, a changed effort only the messages", async () => {
  const { fake } = server();
  await using _ = fake;
  const tool = (
    description: string,
  ) => [{ name: "Read", description, input_schema: { type: "object" } }];
  const prompt = {
    tools: tool("Reads"),
    system: system(),
    cache_control: marker(),
    messages: [user(words(600))],
  };
  const all = await used(fake, prompt);
  const effort = await used(fake, { ...prompt, output_config: { effort: "low" } });
  equal(effort.read, all.five - 603);
  equal((await used(fake, { ...prompt, tools: tool("Reads!") })).read, 0);
});

Deno.test("keys and models do not share entries", async () => {
  await using fake = startFakeClaude({ apiKeys: ["one", "two"], reply: () => answer("Yes") });
  await used(fake, { system: system() });
  equal((await used(fake, { system: system() }, "two")).read, 0);
  equal((await used(fake, { system: system(), model: "claude-sonnet-5-5" })).read, 0);
  equal((await used(fake, { system: system() })).read, 1_003);
});

Deno.test("an entry is found by others once its answer has started, not before", async () => {
  await using fake = startFakeClaude({ reply: () => answer("Yes") });
  const { promise: until, resolve: release } = Promise.withResolvers<void>();
  fake.enqueue(broken(answer("Yes"), { type: "hold", after: "headers", until }));
  const params = {
    model: MODEL,
    max_tokens: 100,
    system: [{
      type: "text" as const,
      text: words(1_000),
      cache_control: { type: "ephemeral" as const },
    }],
    messages: [{ role: "user" as const, content: "hello" }],
  };
  const first = clientFor(fake).messages.stream(params).finalMessage();
  await fake.waitFor((request) => request.status === 200);
  const early = await clientFor(fake).messages.create(params);
  equal(early.usage.cache_read_input_tokens, 0);
  release();
  equal((await first).usage.cache_creation_input_tokens, 1_003);
  equal((await clientFor(fake).messages.create(params)).usage.cache_read_input_tokens, 1_003);
});

Deno.test("max_tokens 0 writes the cache and nothing else", async () => {
  const { fake } = server();
  await using _ = fake;
  const warm = await used(fake, { system: system(), max_tokens: 0 });
  equal(warm.five, 1_003);
  equal((await used(fake, { system: system() })).read, 1_003);
});
