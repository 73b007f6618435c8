/** Runs a project's own command on exactly one commit, and records what really came out. */
import { createHash } from "node:crypto";
import type { Place } from "../../agents/protocol.ts";
import { maskedOutput } from "../../agents/permissions/masked_output.ts";
import { flakyTests, markKnown } from "../../agents/reports/known_failures.ts";
import { parseReport } from "../../agents/reports/mod.ts";
import {
  findReportFiles,
  readReportFiles,
  type SeenFiles,
  withReportFiles,
} from "../../agents/reports/report_files.ts";
import { restoreWorktree } from "../../agents/git/restoring.ts";
import type { App } from "../app.ts";
import { timeText } from "../clock.ts";
import { transact } from "../db.ts";
import { hasRoom, removeIfThere } from "../disk.ts";
import { AppError } from "../errors.ts";
import { machineFaultOf, Unavailable } from "../machine_fault.ts";
import type { Check, CommandName, Project, Ticket } from "../records.ts";
import type { CheckStatus } from "../states.ts";
import { getCheckRules } from "../store/check_rules.ts";
import { findCheck, insertCheck, type NewCheck } from "../store/checks.ts";
import { countFlaky } from "../store/flaky_tests.ts";
import { getProject } from "../store/projects.ts";
import { CheckOutput, outputFile } from "./check_outputs.ts";
import { commandIn, type ReadyCommand } from "./command_rules.ts";
import { beginCheck } from "./running_checks.ts";
import { reaching } from "./equipment.ts";

/** Last part of the output that is kept in the row, for pages and prompts. */
const TAIL_CHARS = 4_000;

export interface CheckRequest {
  name: CommandName;
  commit: string;
  /** The files are the base branch's own: no agent had a hand in them. */
  baseline: boolean;
  place: Place;
  /** A check of the same that failed: the command is run once more, whatever is known. */
  rerunOf?: Check;
  /** Commit of the base branch that it is held against; by default the one that the ticket began with. */
  base?: string;
}

/** Whether the project's commands may run at all on this machine. */
export function commandsMayRun(app: App, project: Project): boolean {
  return project.commands.length === 0 || project.commandsAllowed ||
    app.agents.status().confinement.kind === "bubblewrap";
}

/**
 * Runs one command and records the result; a result for the same commit is not made twice, but for setup's,
 * which is of a folder. The network is for setup on the base branch's own files alone: what an agent wrote into
 * a package's install script must not reach it. What the
 * command left behind is put back to the commit, so that it can't slip into the developer's next one.
 * Throws what the hands throw when they could not run it at all, and `unavailable` when the disk is full: then
 * nothing is recorded, and the check can be run again when there is room.
 */
export async function runCheck(
  app: App,
  { project, ticket, request, signal }: {
    project: Project;
    ticket: Ticket;
    request: CheckRequest;
    signal: AbortSignal;
  },
): Promise<Check> {
  const { name, commit, baseline, place, rerunOf } = request;
  const known = name === "setup" ? null : knownCheck(app, project, ticket, request);
  const command = project.commands.find((c) => c.name === name);
  // A command may have been named since.
  const stays = known !== null && known.id !== rerunOf?.id &&
    !(known.status === "skipped" && command);
  if (stays) return known;
  if (!command) {
    return record(app, ticket, {
      ...skipped,
      ticketId: ticket.id,
      name,
      commit,
      baseline,
    });
  }
  const rules = getCheckRules(app.db, project.id).commands[name];
  const ready = await commandIn(place.dir, command, rules);
  const reportsBefore = await findReportFiles(place.dir, rules.reports);
  const outputPath = await outputFile(app, project, ticket, name);
  const restore = () => restoreWorktree({ repo: project.path, worktree: place.dir, signal });
  const network = name === "setup" && baseline && project.setupNetwork;
  let result: Awaited<ReturnType<App["agents"]["command"]>>;
  let report: Check["report"];
  try {
    using running = beginCheck(app, {
      ticketId: ticket.id,
      name,
      commit,
      baseline,
      command: command.command,
      startedAt: timeText(app.clock.nowMs()),
      outputPath,
    });
    const onOutput = (text: string) => running.print(text);
    result = await runKept(app, { project, ready, place, network, outputPath, onOutput, signal });
    report = await reportOf(result, {
      dir: place.dir,
      reports: rules.reports,
      reportsBefore,
      clean: maskedOutput(ready.secrets).clean,
    });
  } catch (error) {
    await removeIfThere(outputPath);
    const lost = error instanceof AppError && error.failure === "worker_lost";
    if (lost) await app.agents.release(place.dir); // what the lost hands had started may still write
    if (lost || error instanceof Unavailable) await restore();
    throw error;
  }
  await restore();
  const status: CheckStatus = result.timedOut
    ? "timed_out"
    : result.exitCode === 0
    ? "passed"
    : "failed";
  const base = baseline || name === "setup" ? null : baselineOf(app, ticket, name, request.base);
  return record(app, ticket, {
    ticketId: ticket.id,
    name,
    commit,
    baseline,
    command: command.command,
    status,
    exitCode: result.exitCode,
    durationMs: result.durationMs,
    report: markKnown(report, base?.report ?? null),
    tail: tailOf(result.output),
    outputPath,
    unconfined: result.unconfined,
    settings: settingsOf(app, project, name),
    ...rerunOf && {
      rerunOf: rerunOf.id,
      flaky: flakyTests(rerunOf.report, { passed: status === "passed", report }),
    },
  });
}

/** A digest of what decides besides the commit how a command ends: its words, setup's and build's, and all that was set for them. */
export function settingsOf(app: App, project: Project, name: CommandName): string {
  const { commands: rules } = getCheckRules(app.db, project.id);
  const all = (["setup", "build", name] as const).map((one) => [
    project.commands.find((command) => command.name === one) ?? null,
    rules[one],
  ]);
  const { toolchains, localFiles, hosts, setupNetwork, handsLimits } = project;
  const decides = [all, toolchains, localFiles, hosts, setupNetwork, handsLimits];
  return createHash("sha256").update(JSON.stringify(decides)).digest("hex").slice(0, 16);
}

/**
 * What the command, as it is set now, said of the untouched base, by default the ticket's; null: it was not run there.
 */
export function baselineOf(
  app: App,
  { id: ticketId, projectId, baseCommit }: Ticket,
  name: CommandName,
  commit: string | null = baseCommit,
): Check | null {
  if (commit === null) return null;
  const settings = settingsOf(app, getProject(app.db, projectId), name);
  return findCheck(app.db, { ticketId, name, commit, baseline: true, settings });
}

/** What the command said last of the commit; null: nothing, or it was another one, which a person has changed since. */
function knownCheck(
  app: App,
  project: Project,
  { id: ticketId }: Ticket,
  { name, commit, baseline }: CheckRequest,
): Check | null {
  const key = { ticketId, name, commit, baseline };
  const last = findCheck(app.db, key);
  const own = findCheck(app.db, { ...key, settings: settingsOf(app, project, name) });
  // Changed and changed back: what proves the commit is its last result, so an older one is none.
  return last?.id === own?.id ? last : null;
}

async function reportOf(
  { output, exitCode }: Pick<Awaited<ReturnType<App["agents"]["command"]>>, "output" | "exitCode">,
  { dir, reports, reportsBefore, clean }: {
    dir: string;
    reports: string[];
    reportsBefore: SeenFiles;
    clean: (text: string) => string;
  },
): Promise<Check["report"]> {
  const printed = parseReport(output, { root: dir, exitCode });
  const files = await readReportFiles(dir, reports, reportsBefore, clean);
  return withReportFiles(printed, files, { exitCode });
}

/** Runs the command with all that it prints in a file. One whose output the disk does not take is ended. */
async function runKept(
  app: App,
  { project, ready, place, network, outputPath, onOutput, signal }: {
    project: Project;
    ready: ReadyCommand;
    place: Place;
    network: boolean;
    outputPath: string;
    onOutput: (text: string) => void;
    signal: AbortSignal;
  },
) {
  const { name, spec, secrets } = ready;
  const doing = `keep what "${name}" prints`;
  using output = new CheckOutput(outputPath);
  const masked = maskedOutput(secrets);
  const live = masked.live((text) => {
    output.write(text);
    onOutput(text);
  });
  // Those of a person's own setting, whoever wrote what it runs.
  const result = await app.agents.command(
    reaching(place, "checks", project.hosts),
    spec,
    {
      signal: AbortSignal.any([signal, output.failed]),
      onOutput: (text) => live.push(text),
      unconfinedAllowed: project.commandsAllowed,
      network,
    },
  ).catch((error) => {
    throw output.failed.aborted && !signal.aborted ? unkept(output.failed.reason, doing) : error;
  });
  live.end();
  output.end();
  if (output.failed.aborted) throw unkept(output.failed.reason, doing);
  // It may have failed for want of room, and nobody can tell: that is no evidence against the work.
  const failed = result.timedOut || result.exitCode !== 0;
  if (failed && !hasRoom(place.dir)) throw new Unavailable("disk_full", `run "${name}"`);
  return { ...result, output: masked.clean(result.output) };
}

/** What kept the output from being written, as a refusal where the machine is to blame for it. */
function unkept(error: unknown, doing: string): unknown {
  const fault = machineFaultOf(error);
  return fault === null ? error : new Unavailable(fault, doing, error);
}

const skipped = {
  command: "",
  status: "skipped",
  exitCode: null,
  durationMs: 0,
  report: null,
  tail: "The project has no such command.",
  outputPath: null,
  unconfined: false,
} as const;

/** Adds a row, and tells of it. */
export function record(app: App, ticket: Ticket, check: NewCheck): Check {
  return transact(app, (tx) => {
    const row = insertCheck(tx, check);
    const { projectId, id: ticketId } = ticket;
    countFlaky(tx, { projectId, ticketId }, row.flaky);
    tx.emit({
      type: "check_finished",
      projectId: ticket.projectId,
      ticketId: ticket.id,
      data: {
        checkId: row.id,
        name: row.name,
        status: row.status,
        baseline: row.baseline,
        ...row.rerunOf && { rerunOf: row.rerunOf, flaky: row.flaky.length },
      },
    });
    return row;
  });
}

const tailOf = (output: string): string =>
  output.length <= TAIL_CHARS ? output : `…${output.slice(-TAIL_CHARS)}`;

/** As the usual installers say it, each in its own words. */
const offline = new RegExp(
  [
    "EAI_AGAIN|ENOTFOUND|ENETUNREACH|nxdomain|NameResolutionError|[Nn]etwork is unreachable",
    "[Cc]ould not resolve host|[Cc]ould not reach host|[Nn]o such host",
    "[Tt]emporary failure in name resolution|[Nn]ame or service not known",
    "failed to lookup address|dial tcp: lookup|trouble with your network connection",
  ].join("|"),
);

/** The setup command failed for want of the network, which the project's settings could give it. */
export const lacksNetwork = (app: App, project: Project, { tail }: Pick<Check, "tail">): boolean =>
  !project.setupNetwork && app.agents.status().confinement.kind === "bubblewrap" &&
  offline.test(tail);
