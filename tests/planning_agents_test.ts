/** Planning agents write only in planning/: tried through the hands that they get. */
import { match, ok, strictEqual as equal } from "node:assert";
import { expandTools } from "../agents/prompts/definition.ts";
import { testConfined, testHands, TestPlace } from "./place_support.ts";
import { catalog } from "./support.ts";

const writers = catalog.agents.filter(({ kind, ...agent }) =>
  kind === "planning" && expandTools(agent).includes("Write")
);

Deno.test("of the planning agents the architect and the writer write", () => {
  equal(writers.map(({ name }) => name).join(), "architect,writer");
});

for (const { name, paths } of writers) {
  testConfined(
    `the ${name} writes in planning/, and nowhere else whatever leads there`,
    async ({ sandbox }) => {
      await using hands = testHands(sandbox);
      await using place = new TestPlace({ "planning/spec.md": "# Spec\n", "src/a.ts": "a\n" });
      Deno.symlinkSync("../src", `${place.dir}/planning/code`);
      Deno.symlinkSync("../src/a.ts", `${place.dir}/planning/a.md`);
      const write = (file_path: string) =>
        hands.use(place.place, "Write", { file_path, content: "changed\n" }, { policy: paths });
      const made = await write("planning/specs/new.md");
      ok(!made.isError, made.content);
      equal(place.text("planning/specs/new.md"), "changed\n");
      for (
        const path of [
          "src/a.ts",
          "README.md",
          "planning.md",
          "planning/../src/a.ts",
          "planning/code/b.ts",
          "planning/a.md",
          "docs/planning/x.md",
          `${place.dir}/src/a.ts`,
        ]
      ) {
        const refused = await write(path);
        ok(refused.isError, `${path} was written`);
        match(refused.content, /may write only in planning\/\*\*/);
      }
      equal(place.text("src/a.ts"), "a\n");
      const read = await hands.use(place.place, "Read", { file_path: "src/a.ts" }, {
        policy: paths,
      });
      ok(!read.isError, "it may read all of the project");
    },
  );
}
