/** Rules 10 and 11 of section 3 of CLAUDE-API.md: tools, strict tools, the choice of tools. */
import { isObject, type ModelRules, refuse, refuseExtraKeys } from "./refuse.ts";
import { checkServerTool } from "./server_tools.ts";
import type { WireTool } from "../wire.ts";

type Schema = Record<string, unknown>;

const NAME = /^[a-zA-Z0-9_-]{1,64}$/;
const MAX_STRICT_TOOLS = 20;
const MAX_STRICT_OPTIONAL_PARAMETERS = 24;
const MAX_STRICT_UNION_PARAMETERS = 16;
const KEYS = [
  "type",
  "name",
  "description",
  "input_schema",
  "input_examples",
  "strict",
  "cache_control",
  "defer_loading",
  "allowed_callers",
  "eager_input_streaming",
];
/** Limits that strict schemas can't express. */
const LIMIT_KEYWORDS = [
  "minimum",
  "maximum",
  "exclusiveMinimum",
  "exclusiveMaximum",
  "multipleOf",
  "minLength",
  "maxLength",
];

/** Throws `WireError` for a bad tool or a choice that this model does not know. */
export function checkTools(tools: unknown, choice: unknown, rules: ModelRules): void {
  if (tools !== undefined) {
    if (!Array.isArray(tools)) refuse("tools", "Input should be a valid list");
    tools.forEach((tool, i) => checkTool(tool, `tools.${i}`));
    checkUnique(tools as WireTool[]);
    checkStrictTotals(tools as WireTool[]);
  }
  if (choice !== undefined) checkChoice(choice, (tools ?? []) as WireTool[], rules);
}

function checkTool(tool: unknown, position: string): void {
  if (!isObject(tool)) refuse(position, "Input should be a valid dictionary");
  if (typeof tool.name !== "string" || !NAME.test(tool.name)) {
    refuse(`${position}.name`, `String should match pattern '${NAME.source}'`);
  }
  if (tool.type !== undefined && tool.type !== null && tool.type !== "custom") {
    return checkServerTool(tool, position);
  }
  refuseExtraKeys(tool, KEYS, position);
  if (tool.description !== undefined && typeof tool.description !== "string") {
    refuse(`${position}.description`, "Input should be a valid string");
  }
  const schema = tool.input_schema;
  if (!isObject(schema)) refuse(`${position}.input_schema`, "Field required");
  if (schema.type !== "object") {
    refuse(`${position}.input_schema.type`, "Input should be 'object'");
  }
  if (tool.strict === true) checkStrict(schema, schema, `${position}.input_schema`, []);
  checkExamples(tool.input_examples, schema, position);
}

function checkUnique(tools: WireTool[]): void {
  const names = tools.map((tool) => tool.name);
  const again = names.findIndex((name, i) => names.indexOf(name) !== i);
  if (again >= 0) refuse(`tools.${again}.name`, `Tool names must be unique: ${names[again]}`);
}

/** Strict schemas close every object, do not recurse and have no numeric or length limits. */
function checkStrict(schema: Schema, root: Schema, position: string, refs: string[]): void {
  const keyword = LIMIT_KEYWORDS.find((name) => name in schema);
  if (keyword) refuse(`${position}.${keyword}`, "not supported in strict tools");
  if (schema.type === "object" && schema.additionalProperties !== false) {
    refuse(
      `${position}.additionalProperties`,
      "strict tools must set 'additionalProperties' to false on every object",
    );
  }
  if (typeof schema.$ref === "string") {
    if (refs.includes(schema.$ref)) refuse(`${position}.$ref`, "strict tools must not recurse");
    const target = resolve(schema.$ref, root);
    if (target) checkStrict(target, root, position, [...refs, schema.$ref]);
  }
  for (const [key, child] of children(schema)) {
    checkStrict(child, root, `${position}.${key}`, refs);
  }
}

function checkStrictTotals(tools: WireTool[]): void {
  const strict = tools.filter((tool) => tool.strict === true);
  if (strict.length > MAX_STRICT_TOOLS) {
    refuse("tools", `at most ${MAX_STRICT_TOOLS} strict tools are allowed, found ${strict.length}`);
  }
  const totals = { optional: 0, union: 0 };
  for (const tool of strict) countParameters(tool.input_schema ?? {}, totals);
  if (totals.optional > MAX_STRICT_OPTIONAL_PARAMETERS) {
    refuse(
      "tools",
      `strict tools have ${totals.optional} optional parameters; ` +
        `at most ${MAX_STRICT_OPTIONAL_PARAMETERS} are allowed`,
    );
  }
  if (totals.union > MAX_STRICT_UNION_PARAMETERS) {
    refuse(
      "tools",
      `strict tools have ${totals.union} parameters with union types; ` +
        `at most ${MAX_STRICT_UNION_PARAMETERS} are allowed`,
    );
  }
}

function countParameters(schema: Schema, totals: { optional: number; union: number }): void {
  if (isObject(schema.properties)) {
    const required = Array.isArray(schema.required) ? schema.required : [];
    for (const [name, property] of Object.entries(schema.properties)) {
      if (!required.includes(name)) totals.optional++;
      if (isObject(property) && (property.anyOf || Array.isArray(property.type))) totals.union++;
    }
  }
  for (const [, child] of children(schema)) countParameters(child, totals);
}

/** Schemas directly inside a schema, with their place in it. */
function children(schema: Schema): [string, Schema][] {
  const found: [string, unknown][] = [
    ...entries("properties", schema.properties),
    ...entries("$defs", schema.$defs),
    ["items", schema.items],
    ...(["anyOf", "oneOf", "allOf"].flatMap((key) => entries(key, schema[key]))),
  ];
  return found.filter((pair): pair is [string, Schema] => isObject(pair[1]));
}

const entries = (key: string, value: unknown): [string, unknown][] =>
  typeof value === "object" && value !== null
    ? Object.entries(value).map(([name, child]) => [`${key}.${name}`, child])
    : [];

function resolve(ref: string, root: Schema): Schema | null {
  let value: unknown = root;
  for (const part of ref.replace(/^#\/?/, "").split("/").filter(Boolean)) {
    value = isObject(value) ? value[part] : undefined;
  }
  return isObject(value) ? value : null;
}

/** Examples must have the required keys, no unknown ones where the schema is closed, and the right types. */
function checkExamples(examples: unknown, schema: Schema, position: string): void {
  if (examples === undefined) return;
  if (!Array.isArray(examples)) {
    refuse(`${position}.input_examples`, "Input should be a valid list");
  }
  examples.forEach((example, i) => {
    const at = `${position}.input_examples.${i}`;
    if (!isObject(example)) refuse(at, "Input should be a valid dictionary");
    const properties = isObject(schema.properties) ? schema.properties : {};
    const required = Array.isArray(schema.required) ? schema.required as string[] : [];
    const missing = required.find((name) => !(name in example));
    if (missing) refuse(at, `does not match input_schema: '${missing}' is a required property`);
    for (const [name, value] of Object.entries(example)) {
      const property = properties[name];
      if (property === undefined && schema.additionalProperties === false) {
        refuse(at, `does not match input_schema: '${name}' was unexpected`);
      }
      if (isObject(property) && !hasType(value, property.type)) {
        refuse(`${at}.${name}`, `does not match input_schema: is not of type '${property.type}'`);
      }
    }
  });
}

function hasType(value: unknown, type: unknown): boolean {
  if (Array.isArray(type)) return type.some((one) => hasType(value, one));
  switch (type) {
    case "string":
      return typeof value === "string";
    case "boolean":
      return typeof value === "boolean";
    case "number":
      return typeof value === "number";
    case "integer":
      return Number.isInteger(value);
    case "array":
      return Array.isArray(value);
    case "object":
      return isObject(value);
    case "null":
      return value === null;
    default:
      return true;
  }
}

function checkChoice(choice: unknown, tools: WireTool[], rules: ModelRules): void {
  if (!isObject(choice)) refuse("tool_choice", "Input should be a valid dictionary");
  const { type, name, disable_parallel_tool_use: single } = choice;
  if (!["auto", "any", "tool", "none"].includes(String(type))) {
    refuse("tool_choice.type", 'Input should be "auto", "any", "tool" or "none"');
  }
  if (tools.length === 0) {
    refuse("tool_choice", "may only be specified while providing tools");
  }
  if ((type === "any" || type === "tool") && !rules.forcedTools) {
    refuse("tool_choice", 'type "tool" and "any" are not supported for this model.');
  }
  if (type === "tool" && !tools.some((tool) => tool.name === name)) {
    refuse("tool_choice.name", `Tool '${name}' not found in provided tools`);
  }
  if (single !== undefined && (typeof single !== "boolean" || type === "none")) {
    refuse("tool_choice.disable_parallel_tool_use", "only a boolean beside auto, any or tool");
  }
}
