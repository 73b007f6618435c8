import type { CheckRulesPageProps } from "../../views/check_rules.tsx";
import { SECOND_MS } from "../clock.ts";
import type { FieldError } from "../errors.ts";
import { type CheckRules, commandNames } from "../records.ts";
import { whyNotReviewable } from "../services/evidence.ts";
import { defaultTimeoutMs } from "../services/projects.ts";
import { getCheckRules } from "../store/check_rules.ts";
import { listFlakyTests } from "../store/flaky_tests.ts";
import { lockedSettings } from "../store/project_config.ts";
import { getProject } from "../store/projects.ts";
import { type PageRequest, shellOf } from "./shell.ts";

/** Flaky tests that the page lists. */
const FLAKY_SHOWN = 50;

type Form = CheckRulesPageProps["form"];

/** `refused`: null shows the saved settings. */
export function checkRulesPage(
  request: PageRequest,
  projectId: string,
  refused: Form | null = null,
): CheckRulesPageProps {
  const { app } = request;
  const project = getProject(app.db, projectId);
  return {
    shell: shellOf(request),
    project,
    form: refused ?? savedForm(getCheckRules(app.db, projectId)),
    locked: lockedSettings(app.db, projectId),
    missing: whyNotReviewable(app.db, project),
    defaultSeconds: {
      setup: defaultTimeoutMs.setup / SECOND_MS,
      build: defaultTimeoutMs.build / SECOND_MS,
      test: defaultTimeoutMs.test / SECOND_MS,
    },
    flaky: listFlakyTests(app.db, projectId, FLAKY_SHOWN),
  };
}

function savedForm(rules: CheckRules): Form {
  const values: Record<string, string> = {};
  for (const name of commandNames) {
    const { timeoutMs, folder, env, reports } = rules.commands[name];
    values[`${name}.timeout_seconds`] = timeoutMs === null ? "" : String(timeoutMs / SECOND_MS);
    values[`${name}.folder`] = folder;
    values[`${name}.env`] = Object.entries(env).map(([key, value]) => `${key}=${value}`).join("\n");
    values[`${name}.reports`] = reports.join("\n");
    if (rules.required.includes(name)) values[`${name}.required`] = "1";
  }
  if (rules.rerunFailed) values.rerun_failed = "1";
  if (rules.baselineBlocks) values.baseline_blocks = "1";
  if (rules.findingsBack) values.findings_back = "1";
  if (rules.baselineFirst) values.baseline_first = "1";
  if (rules.agentReviews) values.agent_reviews = "1";
  return { values, message: null, errors: [] };
}

/** What a form says, as the API would be told. A box that is not checked is not sent. */
export function readCheckRulesForm(posted: Record<string, string>): Record<string, unknown> {
  const lines = (name: string) =>
    (posted[name] ?? "").split(/\r?\n/).map((line) => line.trim()).filter(Boolean);
  const command = (name: string) => {
    const seconds = (posted[`${name}.timeout_seconds`] ?? "").trim();
    return {
      // What is no number stays text, for the check to say what was expected.
      timeout_seconds: seconds === "" ? null : /^\d+$/.test(seconds) ? Number(seconds) : seconds,
      folder: posted[`${name}.folder`] ?? "",
      env: Object.fromEntries(
        lines(`${name}.env`).map((line) => {
          const at = line.indexOf("=");
          return at < 0 ? [line, ""] : [line.slice(0, at).trim(), line.slice(at + 1).trim()];
        }),
      ),
      reports: lines(`${name}.reports`),
    };
  };
  return {
    required: commandNames.filter((name) => posted[`${name}.required`] !== undefined),
    rerun_failed: posted.rerun_failed !== undefined,
    baseline_blocks: posted.baseline_blocks !== undefined,
    findings_back: posted.findings_back !== undefined,
    baseline_first: posted.baseline_first !== undefined,
    agent_reviews: posted.agent_reviews !== undefined,
    commands: Object.fromEntries(commandNames.map((name) => [name, command(name)])),
  };
}

/** The form as it was posted, with what was wrong with it at the fields that it has. */
export const refusedCheckRules = (
  values: Record<string, string>,
  { message, errors }: { message: string; errors: FieldError[] },
): Form => ({
  values,
  message,
  errors: errors.map((error) => ({
    ...error,
    field: error.field.replace(/^commands\.(\w+\.\w+).*$/, "$1"),
  })),
});
