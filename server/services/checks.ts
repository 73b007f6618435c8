/** Runs a project's own command on exactly one commit, and records what really came out. */
import { join } from "node:path";
import type { Place } from "../../agents/protocol.ts";
import { parseReport } from "../../agents/reports/mod.ts";
import { restoreWorktree } from "../../agents/git/restoring.ts";
import type { App } from "../app.ts";
import { newId, transact } from "../db.ts";
import { hasRoom, removeIfThere } from "../disk.ts";
import { AppError } from "../errors.ts";
import { machineFaultOf, Unavailable } from "../machine_fault.ts";
import type { Check, CommandName, Project, ProjectCommand, Ticket } from "../records.ts";
import type { CheckStatus } from "../states.ts";
import { findCheck, insertCheck, type NewCheck } from "../store/checks.ts";
import { reaching } from "./equipment.ts";

/** Last part of the output that is kept in the row, for pages and prompts. */
const TAIL_CHARS = 4_000;
/** Most output that is kept as a file. */
const OUTPUT_FILE_MAX_BYTES = 20_000_000;

export interface CheckRequest {
  name: CommandName;
  commit: string;
  /** The files are the base branch's own: no agent had a hand in them. */
  baseline: boolean;
  place: Place;
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
  const { name, commit, baseline, place } = request;
  const known = name === "setup"
    ? null
    : findCheck(app.db, { ticketId: ticket.id, name, commit, baseline });
  if (known) return known;
  const command = project.commands.find((c) => c.name === name);
  if (!command) {
    return record(app, ticket, {
      ...skipped,
      ticketId: ticket.id,
      name,
      commit,
      baseline,
    });
  }
  const outputPath = await outputFile(app, project, ticket, name);
  const restore = () => restoreWorktree({ repo: project.path, worktree: place.dir, signal });
  const network = name === "setup" && baseline && project.setupNetwork;
  let result: Awaited<ReturnType<App["agents"]["command"]>>;
  try {
    result = await runKept(app, { project, command, place, network, outputPath, signal });
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
  return record(app, ticket, {
    ticketId: ticket.id,
    name,
    commit,
    baseline,
    command: command.command,
    status,
    exitCode: result.exitCode,
    durationMs: result.durationMs,
    report: parseReport(result.output, { root: place.dir, exitCode: result.exitCode }),
    tail: tailOf(result.output),
    outputPath,
    unconfined: result.unconfined,
  });
}

/** Runs the command with all that it prints in a file. One whose output the disk does not take is ended. */
async function runKept(
  app: App,
  { project, command, place, network, outputPath, signal }: {
    project: Project;
    command: ProjectCommand;
    place: Place;
    network: boolean;
    outputPath: string;
    signal: AbortSignal;
  },
) {
  const doing = `keep what "${command.name}" prints`;
  using output = new CheckOutput(outputPath);
  // Those of a person's own setting, whoever wrote what it runs.
  const result = await app.agents.command(
    reaching(place, "checks", project.hosts),
    { command: command.command, cwd: "", timeoutMs: command.timeoutMs, env: {} },
    {
      signal: AbortSignal.any([signal, output.failed]),
      onOutput: (text) => output.write(text),
      unconfinedAllowed: project.commandsAllowed,
      network,
    },
  ).catch((error) => {
    throw output.failed.aborted && !signal.aborted ? unkept(output.failed.reason, doing) : error;
  });
  if (output.failed.aborted) throw unkept(output.failed.reason, doing);
  // It may have failed for want of room, and nobody can tell: that is no evidence against the work.
  const failed = result.timedOut || result.exitCode !== 0;
  if (failed && !hasRoom(place.dir)) throw new Unavailable("disk_full", `run "${command.name}"`);
  return result;
}

/** What kept the output from being written, as a refusal where the machine is to blame for it. */
function unkept(error: unknown, doing: string): unknown {
  const fault = machineFaultOf(error);
  return fault === null ? error : new Unavailable(fault, doing, error);
}

/** The file with a check's output. A write that fails throws nothing at whoever reads the command's output. */
class CheckOutput {
  readonly #file: Deno.FsFile;
  readonly #failed = new AbortController();
  readonly #encoder = new TextEncoder();
  #written = 0;

  constructor(path: string) {
    this.#file = Deno.openSync(path, { write: true, create: true, truncate: true });
  }

  /** Aborts with the error of the first write that failed; nothing is written after it. */
  get failed(): AbortSignal {
    return this.#failed.signal;
  }

  write(text: string): void {
    if (this.failed.aborted) return;
    const bytes = this.#encoder.encode(text).subarray(0, OUTPUT_FILE_MAX_BYTES - this.#written);
    try {
      for (let done = 0; done < bytes.length;) done += this.#file.writeSync(bytes.subarray(done));
      this.#written += bytes.length;
    } catch (error) {
      this.#failed.abort(error);
    }
  }

  [Symbol.dispose](): void {
    this.#file.close();
  }
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

function record(app: App, ticket: Ticket, check: NewCheck): Check {
  return transact(app, (tx) => {
    const row = insertCheck(tx, check);
    tx.emit({
      type: "check_finished",
      projectId: ticket.projectId,
      ticketId: ticket.id,
      data: { checkId: row.id, name: row.name, status: row.status, baseline: row.baseline },
    });
    return row;
  });
}

async function outputFile(
  app: App,
  project: Project,
  ticket: Ticket,
  name: CommandName,
): Promise<string> {
  const dir = join(app.config.dataDir, "projects", project.slug, "checks", String(ticket.number));
  await Deno.mkdir(dir, { recursive: true });
  return join(dir, `${newId(name)}.log`);
}

/** Everything that a check printed, as far as it was kept. */
export async function checkOutput(check: Check): Promise<string> {
  if (check.outputPath === null) return check.tail;
  try {
    return await Deno.readTextFile(check.outputPath);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
    return `The full output is gone (${check.outputPath}). Its end was:\n\n${check.tail}`;
  }
}

/** Bytes of an output that one page shows, from its end: there a failure is told. */
export const OUTPUT_PAGE_BYTES = 200_000;

/** The end of what a check printed; `output` null: nothing was kept. */
export async function outputEnd(
  check: Check,
): Promise<{ output: string | null; omittedBytes: number }> {
  if (check.outputPath === null) return { output: check.tail || null, omittedBytes: 0 };
  const size = await Deno.stat(check.outputPath).then((info) => info.size, () => 0);
  if (size <= OUTPUT_PAGE_BYTES) return { output: await checkOutput(check), omittedBytes: 0 };
  const file = await Deno.open(check.outputPath); // its stream closes it
  await file.seek(size - OUTPUT_PAGE_BYTES, Deno.SeekMode.Start);
  const bytes = new Uint8Array(await new Response(file.readable).arrayBuffer());
  // From a whole line on: the cut may have gone through a character.
  const line = bytes.indexOf("\n".charCodeAt(0)) + 1;
  const omittedBytes = size - bytes.length + line;
  return { output: new TextDecoder().decode(bytes.subarray(line)), omittedBytes };
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

/** The failed check in words, for the developer and for the page. */
export function describeFailure(check: Check): string {
  const lines: string[] = [];
  if (check.status === "timed_out") lines.push(`The command ran into its time limit.`);
  for (const { file, line, test, message } of check.report?.failures ?? []) {
    const where = file ? `${file}${line ? `:${line}` : ""}: ` : "";
    lines.push(`- ${where}${test ? `${test}: ` : ""}${message}`);
  }
  lines.push("", "End of the output:", check.tail.trimEnd());
  return lines.join("\n");
}
