/** Where a project's documents are saved, and the choice of it. */
import type { VNode } from "preact";
import { documentSaves } from "../server/states.ts";
import { Button, Disclosure } from "./forms.tsx";
import { planningHref } from "./links.ts";
import type { PlanningProject } from "./planning.tsx";
import { documentSavesWords } from "./planning_words.ts";

export function SavesForm({ project }: { project: PlanningProject }): VNode {
  const { id, saves, baseBranch } = project;
  return (
    <Disclosure id="document-saves" summary="Where documents are saved" kind="quiet">
      <form method="post" action={planningHref(id).replace("?", "/saves?")}>
        <fieldset>
          <legend>{documentSavesWords(saves, baseBranch)}</legend>
          {documentSaves.map((choice) => (
            <label key={choice} class="choice">
              <input type="radio" name="saves" value={choice} checked={choice === saves} />{" "}
              {documentSavesWords(choice, baseBranch)}
            </label>
          ))}
        </fieldset>
        <p class="hint">
          A commit never goes on top of an edit of the same file that is not committed: such a save
          is refused.
        </p>
        <Button>Save</Button>
      </form>
    </Disclosure>
  );
}
