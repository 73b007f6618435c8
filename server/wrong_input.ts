/** What is wrong with a value that a schema refused, in words for the person or program that sent it. */
import type { FieldError } from "./errors.ts";

/** What is read of a zod issue, as its error map and its result have it. */
interface Issue {
  code?: string;
  path?: readonly PropertyKey[];
  message?: string;
  input?: unknown;
  /** Of `invalid_type` and of the bounds. */
  expected?: string;
  origin?: string;
  minimum?: number | bigint;
  maximum?: number | bigint;
  /** Of `invalid_value`. */
  values?: readonly unknown[];
  /** Of `unrecognized_keys`. */
  keys?: readonly string[];
  /** Of `invalid_union`: what is wrong by each of its forms. */
  errors?: readonly (readonly Issue[])[];
  divisor?: number | bigint;
}

/** Longest list of allowed values, or of unknown fields, that is told. */
const NAMED_MAX = 20;

/**
 * To be given to `safeParse` as its `error`: what a schema says itself comes first. Undefined, where zod's own words
 * have to do.
 */
export function wrongInput(issue: Issue): string | undefined {
  const expected = expectedOf(issue);
  if (expected === undefined) return undefined;
  return issue.input === undefined ? `it is missing: expected ${expected}` : `expected ${expected}`;
}

/** One error for each field, and for each that is not known, which zod tells at their parent. */
export function fieldErrors(issues: readonly Issue[]): FieldError[] {
  return issues.flatMap((issue) => {
    const { code, path = [], message = "", keys = [] } = issue;
    if (code !== "unrecognized_keys") {
      return meantForm(issue) ?? [{ field: path.join("."), message }];
    }
    return keys.slice(0, NAMED_MAX).map((key) => ({
      field: [...path, key].join("."),
      message: "there is no such field",
    }));
  });
}

/** Of several forms the one that was meant: the only one that has all fields that were sent. Null: nobody knows. */
function meantForm({ code, path = [], errors = [] }: Issue): FieldError[] | null {
  if (code !== "invalid_union") return null;
  const [meant, ...others] = errors.filter((issues) =>
    !issues.some((issue) => issue.code === "unrecognized_keys")
  );
  if (!meant || others.length > 0) return null;
  return fieldErrors(
    meant.map((issue) => ({ ...issue, path: [...path, ...(issue.path ?? [])] })),
  );
}

function expectedOf(issue: Issue): string | undefined {
  switch (issue.code) {
    case "invalid_type":
      return kinds[issue.expected ?? ""];
    case "invalid_value":
      return oneOf(issue.values ?? []);
    case "not_multiple_of":
      return `a multiple of ${issue.divisor}`;
    case "too_small":
      return bound("at least", issue.minimum, issue);
    case "too_big":
      return bound("at most", issue.maximum, issue);
  }
}

const kinds: Readonly<Record<string, string | undefined>> = {
  string: "a text",
  number: "a number",
  int: "a whole number",
  boolean: "true or false",
  array: "a list",
  object: "an object",
  record: "an object",
};

function oneOf(values: readonly unknown[]): string | undefined {
  if (values.length === 0 || values.length > NAMED_MAX) return undefined;
  const shown = values.map((value) => JSON.stringify(value));
  return shown.length === 1 ? shown[0] : `one of ${shown.join(", ")}`;
}

function bound(
  how: string,
  limit: number | bigint | undefined,
  { origin, input }: Issue,
): string | undefined {
  if (limit === undefined) return undefined;
  switch (origin) {
    case "string":
      if (how === "at least" && Number(limit) === 1) return "a text that is not empty";
      return `${how} ${counted(limit, "character")}${has(input, "length")}`;
    case "array":
      return `${how} ${counted(limit, "entry", "entries")}${has(input, "length")}`;
    case "number":
    case "int":
    case "bigint":
      return `a number of ${how} ${limit}`;
  }
}

const counted = (limit: number | bigint, one: string, many = `${one}s`): string =>
  `${limit} ${Number(limit) === 1 ? one : many}`;

/** The value itself is not repeated: it may be long, or a secret. */
const has = (input: unknown, key: "length"): string => {
  const length = (input as { length?: unknown } | null | undefined)?.[key];
  return typeof length === "number" ? `, got ${length}` : "";
};
