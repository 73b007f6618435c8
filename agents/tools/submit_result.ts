import { type ResultName, resultSchemas } from "../results.ts";
import { defineTool } from "./tool.ts";

/** Runs on the server, which checks the claim behind the result. */
export const submitResultTool = (resultName: ResultName) =>
  defineTool({
    name: "submit_result",
    description:
      "Hands in your result and ends your work: call it last, exactly once, and alone. If it comes back " +
      "as an error, the result was not accepted: mend what the message says and call it again.",
    readOnly: false,
    whenCutOff: "again",
    input: () => resultSchemas[resultName]() as ReturnType<typeof resultSchemas["clarifier"]>,
  });
