/** A project's checks: how its commands run, what a ticket needs for its review, and the tests that are flaky. */
import type { ComponentChildren, VNode } from "preact";
import type { FieldError } from "../server/errors.ts";
import { type CommandName, commandNames, type FlakyTest, type Project } from "../server/records.ts";
import { capital, Notice, Panel, Time } from "./components.tsx";
import { plural } from "./format.ts";
import { Button, ErrorSummary, Field } from "./forms.tsx";
import { Layout, PageHead } from "./layout.tsx";
import { checkRulesHref, projectHref, ticketHref } from "./links.ts";
import { lockedWords, locking } from "./locked.ts";
import type { Shell } from "./shell.ts";

export interface CheckRulesPageProps {
  shell: Shell;
  project: Project;
  /** What is saved, or what was refused, by field name; a box that is checked has a value. */
  form: { values: Record<string, string>; message: string | null; errors: FieldError[] };
  /** Settings that the repository's file holds, with their lines: shown as they are. */
  locked: Record<string, number>;
  /** Why no ticket of the project can come to its review; null: they can. */
  missing: string | null;
  /** How long a command may take that nothing is set for. */
  defaultSeconds: Record<CommandName, number>;
  /** Those seen most often first. */
  flaky: FlakyTest[];
}

export function CheckRulesPage(props: CheckRulesPageProps): VNode {
  const { shell, project, form, locked, missing, flaky } = props;
  return (
    <Layout shell={shell} title={`Checks of ${project.name}`} current="projects" live={null}>
      <PageHead crumb={{ href: projectHref(project.id), label: project.name }} title="Checks" />
      {missing && (
        <Notice tone="failed" title="No ticket can come to its review">
          <p>{missing}.</p>
        </Notice>
      )}
      <form method="post" action={checkRulesHref(project.id)} id="checks" class="panels">
        <ErrorSummary form="checks" message={form.message} errors={form.errors} />
        {commandNames.map((name) => <CommandFields key={name} name={name} {...props} />)}
        <Panel id="checks-evidence" title="What counts">
          <Option
            {...{ form, line: locked.rerunFailed }}
            name="rerun_failed"
            label="Run a check once more that failed in tests"
          >
            On the same commit, never more than once. A test that then passes is marked as flaky,
            and the ticket goes on.
          </Option>
          <Option
            {...{ form, line: locked.baselineBlocks }}
            name="baseline_blocks"
            label="What failed before has to be mended too"
          >
            Without this a ticket goes to its review where nothing fails but what failed on its base
            branch before any change; those failures are marked.
          </Option>
          <Option
            {...{ form, line: locked.baselineFirst }}
            name="baseline_first"
            label="Look at the base branch before work begins"
          >
            Build and tests run there for each ticket. Without this they do only once something
            fails, to tell what failed before; a ticket begins sooner, and its developer is not told
            beforehand.
          </Option>
          <Option
            {...{ form, line: locked.agentReviews }}
            name="agent_reviews"
            label="The reviewer reads each ticket before you do"
          >
            With findings, and a verdict on each acceptance criterion. Without this you alone
            review: build and tests still have to pass.
          </Option>
          <Option
            {...{ form, line: locked.findingsBack }}
            name="findings_back"
            label="Blocking findings go back to the developer once"
          >
            Before you are asked. A fresh reviewer reads what became of them; what it finds then
            comes to you.
          </Option>
          <Button kind="primary">Save</Button>
        </Panel>
      </form>
      <FlakyTests flaky={flaky} nowMs={shell.nowMs} />
    </Layout>
  );
}

const envHint =
  "NAME=$TOKEN takes the value from Gaffer's own environment, and masks it in what is printed. What the command runs, agents wrote: give it test keys only.";

const reportHint =
  "JUnit files that it writes, one glob a line, from the repository's root: reports/*.xml. Read after each execution, with what it prints.";

function CommandFields(
  { name, project, form, locked, defaultSeconds }: CheckRulesPageProps & { name: CommandName },
): VNode {
  const command = project.commands.find((command) => command.name === name);
  const shared = { form: "checks", errors: form.errors, mono: true };
  const lock = (rule: string, hint: string) => locking(locked, `${name}.${rule}`, hint);
  const value = (field: string) => form.values[`${name}.${field}`] ?? "";
  return (
    <Panel id={`checks-${name}`} title={capital(name)}>
      <p>
        {command
          ? <code class="command">{command.command}</code>
          : <span class="muted">The project has no such command.</span>}
      </p>
      <Option
        {...{ form, line: locked.required }}
        name={`${name}.required`}
        label={`Tickets need ${name}`}
      >
        Without the command none starts{name === "setup"
          ? "."
          : "; without a result for exactly its commit none comes to its review."}
      </Option>
      <div class="field-row">
        <Field
          {...shared}
          name={`${name}.timeout_seconds`}
          label="Time limit in seconds"
          {...lock("timeoutMs", `Empty: ${defaultSeconds[name]}`)}
          value={value("timeout_seconds")}
          maxLength={6}
        />
        <Field
          {...shared}
          name={`${name}.folder`}
          label="Folder"
          {...lock("folder", "In the repository, as web/app. Empty: its root")}
          value={value("folder")}
          maxLength={300}
        />
      </div>
      <Field
        {...shared}
        name={`${name}.env`}
        label="Variables, NAME=value, one a line"
        {...lock("env", envHint)}
        kind="area"
        rows={2}
        value={value("env")}
      />
      {name !== "setup" && (
        <Field
          {...shared}
          name={`${name}.reports`}
          label="Report files"
          {...lock("reports", reportHint)}
          kind="area"
          rows={2}
          value={value("reports")}
        />
      )}
    </Panel>
  );
}

interface OptionProps {
  form: CheckRulesPageProps["form"];
  name: string;
  label: string;
  /** Of the repository's file, which holds it; absent: it does not. */
  line?: number;
  /** What it does. */
  children: ComponentChildren;
}

function Option({ form, name, label, line, children }: OptionProps): VNode {
  const hint = `checks-${name}-hint`;
  const checked = form.values[name] !== undefined;
  const isLocked = line !== undefined;
  return (
    <div>
      <label class="option">
        <input
          type="checkbox"
          name={name}
          value="1"
          id={`checks-${name}`}
          checked={checked}
          disabled={isLocked}
          aria-describedby={hint}
        />
        {label}
      </label>
      {/* A box that can't be used is not sent. */}
      {isLocked && checked && <input type="hidden" name={name} value="1" />}
      <p class="hint" id={hint}>{isLocked && `${lockedWords(line)} `}{children}</p>
    </div>
  );
}

function FlakyTests({ flaky, nowMs }: { flaky: FlakyTest[]; nowMs: number }): VNode {
  return (
    <Panel id="flaky-tests" title="Flaky tests">
      {flaky.length === 0
        ? <p class="muted">None was seen to fail and then pass on the same commit.</p>
        : (
          <ul class="plain-list">
            {flaky.map(({ file, test, times, lastAt, ticketId }) => (
              <li key={`${file}\n${test}`}>
                {file && <code class="path">{file}</code>} <strong>{test}</strong>{" "}
                <span class="muted">
                  {plural(times, "time")}, last in <a href={ticketHref(ticketId)}>this ticket</a>
                  {" "}
                  <Time at={lastAt} nowMs={nowMs} />
                </span>
              </li>
            ))}
          </ul>
        )}
    </Panel>
  );
}
