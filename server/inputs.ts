/**
 * What the API and the forms of the pages take, as zod values: they validate, they give the types, and the
 * OpenAPI description is generated from them. JSON is snake_case; records are camelCase inside.
 * A schema is made when it is first needed, for a start to be quick.
 */
import { z } from "zod";
import { MCP_SERVER_NAME } from "../agents/mcp/names.ts";
import { LOCAL_PATTERNS, whyNoLocalPattern } from "../agents/git/local_files.ts";
import { isHostRule } from "../agents/permissions/hosts.ts";
import { mcpTransports, toolTags } from "../agents/protocol.ts";
import { once } from "./once.ts";
import {
  complexities,
  handsLimitBounds,
  type HandsLimitName,
  handsLimitNames,
  limitPeriods,
  limitScopes,
  limitUnits,
  mergeStyles,
  ticketSteps,
  ticketTypes,
} from "./states.ts";

export const TITLE_MAX_CHARS = 200;
export const TEXT_MAX_CHARS = 50_000;
export const NOTE_MAX_CHARS = 10_000;
export const COMMAND_MAX_CHARS = 2_000;
export const TAGS_MAX = 20;
export const HOST_RULES_MAX = 100;
const HOST_RULE_MAX_CHARS = 270;
const TOOLCHAINS_MAX = 20;
const PATH_MAX_CHARS = 4_096;

const title = () => z.string().trim().min(1, "Write a title").max(TITLE_MAX_CHARS);
const description = () => z.string().trim().max(TEXT_MAX_CHARS);
/**
 * As a number, or as the text that forms and queries send. `z.coerce` would take null, true and an empty text for
 * numbers, too, and so make a ticket urgent that somebody gave no priority.
 */
export const wholeNumber = (min: number, max?: number) => {
  const number = z.number().int().min(min);
  return z.preprocess(
    (value) => typeof value === "string" && /^-?\d{1,16}$/.test(value) ? Number(value) : value,
    max === undefined ? number : number.max(max),
  );
};
const priority = () => wholeNumber(0, 3).describe("0 urgent … 3 low");
const tags = () => z.array(z.string().trim().min(1).max(40)).max(TAGS_MAX);
const command = () =>
  z.string().trim().max(COMMAND_MAX_CHARS)
    .describe("Run by `sh -c` in the worktree; empty: none");

export const commandsInput = once(() =>
  z.strictObject({
    setup: command().optional(),
    build: command().optional(),
    test: command().optional(),
  })
);

const pairs = (what: string) =>
  z.record(z.string().min(1).max(100), z.string().max(2_000)).describe(
    `${what}; a value "$NAME" is that of Gaffer's own environment, so that no secret is written down here`,
  );

/** A shell in the sandbox gives them to the program. */
const VARIABLE_NAME = /^[A-Za-z_][A-Za-z0-9_]*$/;

const mcpServerFields = () => ({
  name: z.string().trim().regex(MCP_SERVER_NAME, {
    error: "Use at most 20 lower-case letters, digits and hyphens, a letter first",
  }),
  transport: z.enum(mcpTransports),
  command: z.string().trim().max(COMMAND_MAX_CHARS).default("").describe(
    "stdio: the program that is started with each run, in the sandbox of its place",
  ),
  args: z.array(z.string().max(COMMAND_MAX_CHARS)).max(50).default([]),
  env: pairs("stdio: variables for the program")
    .refine((env) => Object.keys(env).every((name) => VARIABLE_NAME.test(name)), {
      error: "Name variables with letters, digits and underscores, no digit first",
    })
    .default({}),
  url: z.union([
    z.literal(""),
    z.url({ protocol: /^https?$/, error: "Write an address that begins with http:// or https://" }),
  ])
    .default("").describe("http: where it is reached"),
  headers: pairs("http: what is sent with each request").default({}),
  timeout_ms: z.number().int().min(1_000).max(3_600_000).default(60_000).describe("For one call"),
  active: z.boolean().default(true),
  tags: z.array(z.enum(toolTags)).max(toolTags.length)
    .transform((said) => toolTags.filter((tag) => said.includes(tag)))
    .nullable().default(null).describe(
      "What its tools give (private data, untrusted input) and whether what they are given leaves this machine " +
        "(outbound); null: the careful view, by how it is reached",
    ),
});

/** A new server of tools, or all of an old one's settings. */
export const mcpServerInput = once(() =>
  z.strictObject(mcpServerFields())
    .refine(({ transport, command }) => transport !== "stdio" || command !== "", {
      path: ["command"],
      error: "Write the program to start",
    })
    .refine(({ transport, url }) => transport !== "http" || url !== "", {
      path: ["url"],
      error: "Write the address of the server",
    })
    .meta({ id: "McpServerInput" })
);

export const memoryChangesInput = once(() =>
  z.strictObject({
    notes: z.array(z.strictObject({
      path: z.string().min(1).max(500).describe("Such as `checks.md`"),
      text: z.string().max(TEXT_MAX_CHARS).nullable().describe("The whole note; null: delete it"),
    })).min(1).max(50),
  }).meta({ id: "MemoryChanges" })
);

const hostRules = () =>
  z.array(
    z.string().trim().max(HOST_RULE_MAX_CHARS).refine(isHostRule, {
      error: ({ input }) =>
        `"${input}" is no host: write it as registry.npmjs.org, *.example.com or registry.lan:4873`,
    }),
  ).max(HOST_RULES_MAX);

const folders = () => z.array(z.string().trim().min(1).max(PATH_MAX_CHARS)).max(TOOLCHAINS_MAX);

const localFiles = () =>
  z.array(
    z.string().trim().refine((text) => whyNoLocalPattern(text) === null, {
      error: ({ input }) =>
        `"${input}" names no file of the repository: ${whyNoLocalPattern(String(input))}`,
    }),
  ).max(LOCAL_PATTERNS);

const handsLimits = () =>
  z.strictObject(
    Object.fromEntries(
      handsLimitNames.map((name) => {
        const [min, max] = handsLimitBounds[name];
        const error = `Write a whole number from ${min} to ${max}, or nothing`;
        return [
          name,
          z.number({ error }).int({ error }).min(min, { error }).max(max, { error }).optional(),
        ];
      }),
    ) as Record<HandsLimitName, z.ZodOptional<z.ZodNumber>>,
  );

/** What a person allows a project's own commands. */
const allowances = () => ({
  commands_allowed: z.boolean().optional()
    .describe("The project's own commands may run where there is no sandbox"),
  setup_network: z.boolean().optional()
    .describe("The setup command, and no other, may use the network in the sandbox"),
  hosts: hostRules().optional().describe(
    "Hosts that the project's own commands may reach in the sandbox, such as `registry.npmjs.org`, " +
      "`*.example.com`, or with one port `registry.lan:4873`",
  ),
  toolchains: folders().optional().describe(
    "Absolute paths of folders with programs, shown read-only in the sandbox and put on its PATH",
  ),
  local_files: localFiles().optional().describe(
    "Ignored files of the repository's folder that each worktree gets a copy of, as globs from its root: " +
      "`.env`, `config/*.pem`",
  ),
  limits: handsLimits().optional().describe(
    "In place of the configuration's limits; a limit that is not named is the configuration's",
  ),
});

export const newProjectInput = once(() =>
  z.union([
    z.strictObject({ sample: z.literal(true) }),
    z.strictObject({
      path: z.string().trim().min(1, "Write the path of a git repository").max(4_096),
      name: z.string().trim().max(100).optional(),
      base_branch: z.string().trim().max(250).optional(),
      commands: commandsInput().optional(),
      ...allowances(),
    }),
  ], 'Send the path of a git repository, as {"path": "/home/me/project"}, or {"sample": true}')
    .meta({ id: "NewProject" })
);

export const projectChangesInput = once(() =>
  z.strictObject({
    name: z.string().trim().min(1).max(100).optional(),
    base_branch: z.string().trim().min(1).max(250).optional(),
    commands: commandsInput().optional(),
    ...allowances(),
    tags_allowed: z.boolean().optional().describe(
      "A run may have private data, untrusted input and a way out together without asking for it",
    ),
  }).meta({ id: "ProjectChanges" })
);

export const newIdeaInput = once(() =>
  z.strictObject({
    title: title(),
    description: description().optional(),
    priority: priority().optional(),
    tags: tags().optional(),
  }).meta({ id: "NewIdea" })
);

export const subtasksInput = once(() =>
  z.array(z.strictObject({
    title: title(),
    description: description().default(""),
    complexity: z.enum(complexities).default("medium"),
  })).min(1, "Keep at least one subtask").max(50)
);

export const ideaChangesInput = once(() =>
  z.strictObject({
    title: title().optional(),
    description: description().optional(),
    priority: priority().optional(),
    tags: tags().optional(),
    subtasks: subtasksInput().optional(),
  }).meta({ id: "IdeaChanges" })
);

export const approveIdeaInput = once(() =>
  z.strictObject({ subtasks: subtasksInput().optional() })
    .meta({ id: "ApproveIdea" })
);

const words = () => z.string().trim().min(1).max(NOTE_MAX_CHARS);
export const reasonInput = once(() => z.strictObject({ reason: words() }).meta({ id: "Reason" }));
export const feedbackInput = once(() =>
  z.strictObject({ feedback: words() }).meta({ id: "Feedback" })
);
export const answerInput = once(() => z.strictObject({ answer: words() }).meta({ id: "Answer" }));
export const guidanceInput = once(() =>
  z.strictObject({ guidance: words() }).meta({ id: "Guidance" })
);
export const retryInput = once(() =>
  z.strictObject({ step: z.enum(ticketSteps).optional() })
    .meta({ id: "RetryTicket" })
);
const commitId = () =>
  z.string().regex(/^[0-9a-f]{40}(?:[0-9a-f]{24})?$/, "Send the whole id of a commit");
const lookedAt = () =>
  commitId().optional()
    .describe("The ticket's commit that was looked at; refused when it is at another one now");
export const mergeInput = once(() =>
  z.strictObject({
    commit: lookedAt(),
    message: z.string().trim().max(NOTE_MAX_CHARS)
      .regex(/^[^\0]*$/, "Leave the NUL character out: git takes none").optional()
      .describe("Commit message; empty: the proposed one"),
    style: z.enum(mergeStyles).nullable().optional()
      .describe("Of this merge, in place of the project's; null: the project's holds again"),
  }).meta({ id: "MergeTicket" })
);
export const newTicketInput = once(() =>
  z.strictObject({
    title: title(),
    description: description().default(""),
    type: z.enum(ticketTypes).default("feature"),
    priority: priority().optional(),
    acceptance: z.array(z.string().trim().min(1).max(500)).max(12).default([]),
    subtasks: subtasksInput().optional(),
  }).meta({ id: "NewTicket" })
);
export const ticketChangesInput = once(() =>
  z.strictObject({
    title: title().optional(),
    description: description().optional(),
    priority: priority().optional(),
  }).meta({ id: "TicketChanges" })
);
export const remarkInput = once(() =>
  z.strictObject({
    commit: lookedAt(),
    remark: z.string().trim().max(NOTE_MAX_CHARS).default(""),
  }).meta({ id: "Remark" })
);
export const newCommentInput = once(() =>
  z.strictObject({
    path: z.string().max(4_096).nullable().default(null),
    line: wholeNumber(1).nullable().default(null),
    side: z.enum(["old", "new"]).default("new"),
    commit: commitId().optional()
      .describe(
        "The commit of the branch that the line is of, as the diff had it; absent: the newest",
      ),
    body: words(),
  }).meta({ id: "NewComment" })
);
export const commentChangesInput = once(() =>
  z.strictObject({ body: words() }).meta({ id: "CommentChanges" })
);
export const decisionInput = once(() =>
  z.strictObject({
    decision: z.enum(["grant", "deny"]),
    reason: z.string().trim().max(NOTE_MAX_CHARS).default(""),
  }).meta({ id: "Decision" })
);
export const pauseInput = once(() =>
  z.strictObject({
    kill_tools: z.boolean().default(false)
      .describe("End the tool calls at work; a request to the model is finished all the same"),
  }).meta({ id: "Pause" })
);
export const messageInput = once(() =>
  z.strictObject({ message: words() }).meta({ id: "Message" })
);
export const forkInput = once(() =>
  z.strictObject({
    turn: wholeNumber(0).describe("The last turn that is taken over; 0: none"),
    message: words().describe("What should be different"),
  }).meta({ id: "Fork" })
);

/** More than any limit or bill: whole numbers stay exact up to it. */
const AMOUNT_MAX = 1_000_000_000_000_000;
const limitKey = () => ({
  scope: z.enum(limitScopes),
  scope_id: z.string().trim().max(100).default("")
    .describe("A project's id or an agent's name; empty for all"),
  period: z.enum(limitPeriods).describe(
    "The window that it begins anew with, in the configured time zone",
  ),
  unit: z.enum(limitUnits),
});
const amount = () =>
  z.number().int().min(0).max(AMOUNT_MAX).describe("Whole micro-USD, or tokens of every kind");

export const limitsInput = once(() =>
  z.strictObject({
    items: z.array(
      z.strictObject({ ...limitKey(), amount: amount() }).refine(
        ({ scope, scope_id }) => (scope === "all") === (scope_id === ""),
        { message: "Name what the scope is of, and nothing for all", path: ["scope_id"] },
      ),
    ).max(200),
  }).meta({ id: "NewLimits" })
);

const rate = () => z.number().min(0).max(10_000).describe("US-dollars per million tokens");
const ratesInput = () =>
  z.strictObject({
    input: rate(),
    output: rate(),
    cache_write_5m: rate(),
    cache_write_1h: rate(),
    cache_read: rate(),
    web_search: rate().optional().describe(
      "US-dollars per 1,000 searches, also of long prompts; left out: the shipped rate",
    ),
  });

export const priceInput = once(() =>
  z.strictObject({
    price: ratesInput().nullable().describe("Null: the shipped rates hold again"),
    long_prompt: z.strictObject({
      above_tokens: z.number().int().min(1).max(10_000_000),
      price: ratesInput(),
    }).nullable().default(null).describe("Rates of a whole request whose prompt is longer"),
    as_of: z.string().regex(/^\d{4}-\d{2}(-\d{2})?$/, "Write it as 2026-11 or 2026-11-27")
      .optional(),
  }).meta({ id: "NewPrice" })
);

/** Longest definition of an agent. */
export const DEFINITION_MAX_CHARS = 64_000;
const definitionText = () =>
  z.string().max(DEFINITION_MAX_CHARS).describe(
    "A markdown file with front matter, as Gaffer or `.claude/agents` has them",
  );

export const newAgentInput = once(() =>
  z.strictObject({
    text: definitionText(),
    project_id: z.string().max(64).nullable().default(null).describe("Null: for every project"),
    kind: z.enum(["refinement", "development", "support", "planning"]).optional()
      .describe("Of a file that does not say"),
  }).meta({ id: "NewAgent" })
);
export const agentChangesInput = once(() =>
  z.strictObject({
    text: definitionText().optional(),
    keys: z.record(z.string().max(40), z.unknown()).optional()
      .describe("Keys of the front matter; null takes one out"),
    prompt: z.string().max(DEFINITION_MAX_CHARS).optional(),
    note: z.string().trim().max(500).optional().describe("What the change is for"),
    active: z.boolean().optional(),
  }).refine((body) => body.text === undefined || !body.keys && body.prompt === undefined, {
    message: "Send either the whole text, or keys and prompt",
    path: ["text"],
  }).meta({ id: "AgentChanges" })
);
export const restoreInput = once(() =>
  z.strictObject({ version: wholeNumber(1) }).meta({ id: "RestoreVersion" })
);
export const copyAgentInput = once(() =>
  z.strictObject({ project_id: z.string().max(64) }).meta({ id: "CopyAgent" })
);
export const trialInput = once(() =>
  z.union([
    z.strictObject({ idea_id: z.string().max(64) }),
    z.strictObject({ ticket_id: z.string().max(64) }),
  ], "Send either idea_id or ticket_id").meta({ id: "Trial" })
);
export const trustInput = once(() =>
  z.strictObject({
    path: z.string().max(4_096),
    hash: z.string().max(64).describe("Of the content that you have seen"),
  }).meta({ id: "TrustFile" })
);
export const distrustInput = once(() =>
  z.strictObject({ path: z.string().max(4_096) }).meta({ id: "DistrustFile" })
);
