/** When tickets start: the rule of all projects, and the one of a project. */
import type { VNode } from "preact";
import { Panel } from "./components.tsx";
import { Button, ErrorSummary, Field } from "./forms.tsx";
import { Layout, PageHead } from "./layout.tsx";
import { withQuery } from "./links.ts";
import type { Shell } from "./shell.ts";
import type { TypedForm } from "./ticket_form.tsx";

export interface StartRulesPageProps {
  shell: Shell;
  /** What is saved of each, or what was refused; `scope`: a project's id, or "" for all. */
  rules: { scope: string; name: string; form: TypedForm }[];
}

export function StartRulesPage({ shell, rules }: StartRulesPageProps): VNode {
  const others = shell.projects.filter(({ id }) => rules.every(({ scope }) => scope !== id));
  return (
    <Layout shell={shell} title="When tickets start" current="development" live={null}>
      <PageHead
        crumb={{ href: "/development", label: "Development" }}
        title="When tickets start"
      />
      <p class="muted">
        A ticket starts when both rules let it, its own time has come, and all that it needs is
        done. What a person starts or sends back waits for no hours.
      </p>
      {rules.map((rule) => <RuleForm key={rule.scope} {...rule} />)}
      {others.length > 0 && (
        <nav aria-label="Rules of projects" class="panel">
          <ul class="plain-list">
            {others.map(({ id, name }) => (
              <li key={id}>
                <a href={withQuery("/development/rules", { project: id })}>Rule of {name}</a>
              </li>
            ))}
          </ul>
        </nav>
      )}
    </Layout>
  );
}

function RuleForm(
  { scope, name, form: { values, errors, message } }: StartRulesPageProps["rules"][0],
): VNode {
  const id = scope === "" ? "rule-all" : "rule-project";
  return (
    <Panel id={`${id}-panel`} title={name}>
      <form method="post" action="/development/rules" id={id}>
        <ErrorSummary form={id} message={message} errors={errors} />
        <input type="hidden" name="scope" value={scope} />
        <div class="field-row">
          <Field
            form={id}
            name="starts"
            kind="choice"
            label="Tickets start"
            value={values.starts}
            errors={errors}
            options={[
              { value: "auto", label: "By themselves" },
              { value: "hand", label: "When I start each" },
            ]}
            required
          />
          <Field
            form={id}
            name="at_once"
            label="In progress at once"
            hint="0: any number"
            value={values.at_once}
            errors={errors}
            required
          />
        </div>
        <p class="muted">
          Tickets start by themselves only within these hours; leave all three empty for any time.
        </p>
        <div class="field-row">
          <Field
            form={id}
            name="opens"
            label="Hours begin"
            hint="Cron: 0 9 * * 1-5 is nine o'clock on workdays"
            value={values.opens}
            errors={errors}
            mono
          />
          <Field
            form={id}
            name="open_minutes"
            label="Minutes that they last"
            hint="480: eight hours"
            value={values.open_minutes}
            errors={errors}
          />
          <Field
            form={id}
            name="time_zone"
            label="Time zone"
            hint="As Europe/Berlin"
            value={values.time_zone}
            errors={errors}
          />
        </div>
        <Button kind="primary">Save</Button>
      </form>
    </Panel>
  );
}
