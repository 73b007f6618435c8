/** The first start: no project yet, one short form. */
import type { VNode } from "preact";
import type { FieldError } from "../server/errors.ts";
import { Panel } from "./components.tsx";
import { Layout, PageHead } from "./layout.tsx";
import { FromTemplate, PathForm, SampleForm } from "./projects.tsx";
import type { Shell } from "./shell.ts";

export interface StartPageProps {
  shell: Shell;
  /** A path that was refused, and why. */
  path: string;
  message: string | null;
  errors: FieldError[];
}

/** Shown at `/` while there is no project. */
export function StartPage({ shell, path, message, errors }: StartPageProps): VNode {
  return (
    <Layout shell={shell} title="Start" current="home" live={null}>
      <PageHead title="Which project should the agents work on?" />
      <Panel id="your-project" title="A project of yours">
        <PathForm form="start" path={path} message={message} errors={errors} />
        <FromTemplate />
        <p class="muted">
          {shell.demo
            ? (
              <>
                The demo model asks and plans for any project, but implements only the sample's
                ideas. <a href="/settings#model">A key</a> can come later.
              </>
            )
            : "Agents work in a worktree of their own; your checkout is not touched."}
        </p>
      </Panel>
      <Panel id="sample-project" title="Or look first">
        <SampleForm demo={shell.demo} />
      </Panel>
      <Panel id="what-follows" title="What follows">
        <ol class="steps">
          <li>You write an idea in a sentence. Agents read the code and ask what is unclear.</li>
          <li>You approve the subtasks they propose.</li>
          <li>Agents build, test and review it on its own branch, while you watch.</li>
          <li>You read the diff and merge.</li>
        </ol>
      </Panel>
    </Layout>
  );
}
