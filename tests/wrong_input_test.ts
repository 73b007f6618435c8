/** Refused input is told in words that say what is expected, for each field, and never in a library's. */
import { deepStrictEqual as deepEqual, strictEqual as equal, throws } from "node:assert";
import { z } from "zod";
import { validate } from "../server/api.ts";
import type { AppError, FieldError } from "../server/errors.ts";
import { newProjectInput, newTicketInput, trialInput } from "../server/inputs.ts";

function refusal(schema: () => z.ZodType, value: unknown): AppError {
  let refused: AppError | null = null;
  throws(() => validate(schema, value, "body"), (error: AppError) => {
    refused = error;
    return true;
  });
  return refused!;
}
const fields = (schema: () => z.ZodType, value: unknown): FieldError[] =>
  refusal(schema, value).fields;

const thing = () =>
  z.strictObject({
    text: z.string().min(1).max(3),
    long: z.string().min(2).optional(),
    at: z.int().min(1).max(5).optional(),
    kind: z.enum(["a", "b"]).optional(),
    on: z.boolean().optional(),
    list: z.array(z.string()).max(1).optional(),
    inner: z.strictObject({ say: z.string("Write something") }).optional(),
  });

Deno.test("what is missing, of another kind or out of bounds is told with what is expected", () => {
  const wrong: [value: Record<string, unknown>, field: string, message: string][] = [
    [{}, "text", "it is missing: expected a text"],
    [{ text: 5 }, "text", "expected a text"],
    [{ text: "" }, "text", "expected a text that is not empty"],
    [{ text: "four" }, "text", "expected at most 3 characters, got 4"],
    [{ text: "t", long: "x" }, "long", "expected at least 2 characters, got 1"],
    [{ text: "t", at: "1" }, "at", "expected a number"],
    [{ text: "t", at: 1.5 }, "at", "expected a whole number"],
    [{ text: "t", at: 0 }, "at", "expected a number of at least 1"],
    [{ text: "t", at: 9 }, "at", "expected a number of at most 5"],
    [{ text: "t", kind: "c" }, "kind", 'expected one of "a", "b"'],
    [{ text: "t", on: "yes" }, "on", "expected true or false"],
    [{ text: "t", list: {} }, "list", "expected a list"],
    [{ text: "t", list: ["a", "b"] }, "list", "expected at most 1 entry, got 2"],
    [{ text: "t", inner: [] }, "inner", "expected an object"],
    [{ text: "t", inner: {} }, "inner.say", "Write something"],
  ];
  for (const [value, field, message] of wrong) {
    deepEqual(fields(thing, value), [{ field, message }], JSON.stringify(value));
  }
});

Deno.test("each unknown field is named where it stands", () => {
  deepEqual(fields(thing, { text: "t", prot: 1, inner: { say: "x", no: 1 } }), [
    { field: "inner.no", message: "there is no such field" },
    { field: "prot", message: "there is no such field" },
  ]);
});

Deno.test("the first is in the sentence that a person reads", () => {
  equal(
    refusal(thing, { text: "four" }).message,
    'Cannot read the body: "text": expected at most 3 characters, got 4',
  );
});

Deno.test("of several forms the one that was meant says what is wrong, else all are named", () => {
  deepEqual(fields(newProjectInput, { path: 5 }), [{ field: "path", message: "expected a text" }]);
  const [{ field, message }] = fields(newProjectInput, {}) as [FieldError];
  deepEqual([field, /Send the path of a git repository.*"sample": true/.test(message)], ["", true]);
  deepEqual(fields(newProjectInput, { foo: 1 }), [{ field, message }]);
  deepEqual(fields(trialInput, {}), [{ field: "", message: "Send either idea_id or ticket_id" }]);
});

Deno.test("nothing passes for a number that is none: no priority is not the most urgent one", () => {
  const ticket = { title: "T", description: "D", type: "docs" };
  for (const priority of [null, "", " ", true, [], "1.5", "0x1"]) {
    deepEqual(
      fields(newTicketInput, { ...ticket, priority }),
      [{ field: "priority", message: "expected a number" }],
      JSON.stringify(priority),
    );
  }
  for (const priority of [1, "1"]) {
    equal(validate(newTicketInput, { ...ticket, priority }, "body").priority, 1);
  }
});
