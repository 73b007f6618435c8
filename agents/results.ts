/** What each agent hands in through submit_result: one zod value gives the type, the check and the schema. */
import { z } from "zod";
import { complexities, priorityNames, ticketTypes } from "../server/states.ts";
import { once } from "../server/once.ts";

const text = (max: number) => z.string().trim().min(1).max(max);

export const clarifierResult = once(() =>
  z.strictObject({
    summary: text(2_000).describe("The wish in your own words, in one to three sentences"),
    type: z.enum(ticketTypes).describe("What kind of ticket it would become"),
    acceptance: z.array(text(500)).min(1).max(12)
      .describe("What must be true when it is done, each checkable by looking or by a test"),
  })
);

export const researcherResult = once(() =>
  z.strictObject({
    summary: text(2_000).describe("What matters for whoever implements this"),
    findings: z.array(z.strictObject({
      kind: z.enum(["related", "similar", "conflict", "prior_art", "note"]),
      path: text(500).optional().describe("File in the project that it is about"),
      line: z.number().int().min(1).optional(),
      text: text(1_000),
    })).max(30),
  })
);

export const estimatorResult = once(() =>
  z.strictObject({
    complexity: z.enum(complexities),
    reason: text(1_000).describe("Why this complexity"),
    acceptance: z.array(text(500)).min(1).max(12).describe(
      "The acceptance criteria, with what the answers changed",
    ),
    subtasks: z.array(z.strictObject({
      title: text(120),
      description: text(4_000).describe("What to do, in which files, and how to tell it is done"),
      complexity: z.enum(complexities),
    })).min(1).max(12).describe("In the order in which they are to be done"),
  })
);

export const prioritizerResult = once(() =>
  z.strictObject({
    priority: z.enum(priorityNames),
    reason: text(1_000),
  })
);

export const developerResult = once(() =>
  z.strictObject({
    status: z.enum(["done", "blocked"]),
    summary: text(4_000).describe(
      "What you changed and how you know that it works; or why you can't go on",
    ),
  })
);

export const reviewerResult = once(() =>
  z.strictObject({
    summary: text(4_000).describe("Your judgement in a few sentences"),
    findings: z.array(z.strictObject({
      severity: z.enum(["blocking", "major", "minor", "note"]),
      path: text(500).optional(),
      line: z.number().int().min(1).optional().describe("Line in the new version of the file"),
      message: text(2_000),
      suggestion: z.string().max(4_000).optional().describe(
        "What to do instead. The exact new text of that line, in a block fenced by ```suggestion and ```, can be " +
          "applied as it is",
      ),
    })).max(50),
    criteria: z.array(z.strictObject({
      criterion: text(500),
      met: z.boolean(),
      evidence: text(1_000).describe(
        "Where in the diff (as path:line), or which check, shows it",
      ),
    })).max(20),
  })
);

/** What failed in a check whose output no parser understands: the builder's and the tester's. */
export const failuresResult = once(() =>
  z.strictObject({
    failures: z.array(z.strictObject({
      file: text(500).optional().describe("Path in the project"),
      line: z.number().int().min(1).optional(),
      test: text(300).optional().describe("Full name of the test"),
      message: text(2_000).describe("The tool's own words"),
      cause: text(1_000).optional().describe("Why, where you have seen it; else left out"),
    })).min(1).max(20),
  })
);

export const deployerResult = once(() =>
  z.strictObject({
    status: z.enum(["done", "prepared", "blocked"]),
    summary: text(4_000).describe("What runs where now, or what stands in the way"),
    steps: z.array(z.strictObject({
      action: text(1_000).describe("The exact command, or what a person does"),
      state: z.enum(["done", "open", "failed", "denied"]),
      evidence: text(1_000).describe("What shows its state: output, or why it is open"),
    })).max(30).describe("In their order"),
    rollback: text(2_000).describe("How all of it is taken back"),
  })
);

/** A change of the document that a planning agent was given: as pieces, or as the whole text. */
const proposal = () => ({
  text: z.string().max(600_000).optional().describe(
    "The whole document as it is to be, with what stays: for a draft, or where nearly all of it changes",
  ),
  edits: z.array(z.strictObject({
    old: z.string().min(1).max(50_000).describe(
      "Text of <document>, letter by letter, that occurs there once",
    ),
    new: z.string().max(50_000).describe('What stands in its place; "" takes it out'),
    reason: text(1_000).describe("Why, for the person who decides on this piece alone"),
  })).max(60).optional().describe(
    "The places to change, each a piece of its own. Not together with text",
  ),
});

const planningFindings = () =>
  z.array(z.strictObject({
    kind: z.enum(["gap", "contradiction", "risk", "question", "note"]),
    severity: z.enum(["blocking", "major", "minor", "note"]).describe(
      "blocking: one can't build from it; major: one would build the wrong thing; minor: it costs time",
    ),
    section: text(300).optional().describe("Heading in the document that it is about"),
    path: text(500).optional().describe("Document or file that it is about"),
    line: z.number().int().min(1).optional(),
    text: text(2_000),
  })).max(30).describe("What matters most first");

export const analystResult = once(() =>
  z.strictObject({
    summary: text(4_000).describe("Whether one can build from it, and what decides that"),
    findings: planningFindings(),
    questions: z.array(text(1_000)).max(20).optional().describe("What only a person can decide"),
    ...proposal(),
  })
);

/** A planning agent suggests a change of a document: the architect's and the writer's. */
export const documentResult = once(() =>
  z.strictObject({
    summary: text(4_000).describe("What changes and why, for whoever decides on it"),
    ...proposal(),
    findings: planningFindings().optional(),
    questions: z.array(text(1_000)).max(20).describe("What only a person can decide"),
  })
);
/** What both have. */
export type PlanningResult =
  & Pick<z.infer<ReturnType<typeof documentResult>>, "summary" | "text" | "edits" | "findings">
  & { questions?: string[] };

/** By the name that an agent's definition gives as `result`. */
export const resultSchemas = {
  clarifier: clarifierResult,
  researcher: researcherResult,
  estimator: estimatorResult,
  prioritizer: prioritizerResult,
  developer: developerResult,
  reviewer: reviewerResult,
  failures: failuresResult,
  deployer: deployerResult,
  analyst: analystResult,
  document: documentResult,
} as const;
export type ResultName = keyof typeof resultSchemas;
export type ResultOf<N extends ResultName> = z.infer<ReturnType<typeof resultSchemas[N]>>;

/** Input of ask_questions. */
export const questionsInput = once(() =>
  z.strictObject({
    questions: z.array(z.strictObject({
      question: text(1_000),
      why: text(500).describe("Why the answer matters"),
      options: z.array(text(200)).max(6).optional().describe("Likely answers to choose from"),
    })).min(1).max(5),
  })
);
export type AskedQuestions = z.infer<ReturnType<typeof questionsInput>>;
