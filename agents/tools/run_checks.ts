import { defineTool } from "./tool.ts";

/** Runs on the server, which knows the project's commands. */
export const runChecksTool = (checkNames: readonly string[]) =>
  defineTool({
    name: "run_checks",
    description:
      "Runs one of the project's own checks in its folder, as it is set up for the project, and returns " +
      "what passed and failed with the end of the output. Work counts as done only when each check " +
      "passed after the last change. " +
      (checkNames.length > 0
        ? `The checks are: ${checkNames.join(", ")}.`
        : "This project has no checks set up."),
    // A build writes files.
    readOnly: false,
    whenCutOff: "report",
    input: (z) =>
      z.strictObject({
        name: (checkNames.length > 0 ? z.enum(checkNames as [string, ...string[]]) : z.string())
          .describe("Name of the check"),
      }),
  });
