/** A ticket over a real repository and real commands, taken from step to step by the test. */
import { join } from "node:path";
import type { CommandResult, CommandSpec, Place } from "../agents/protocol.ts";
import type { Check, CheckRules, ProjectCommand, Run, Ticket } from "../server/records.ts";
import { advanceTicket } from "../server/services/development.ts";
import { setCheckRules } from "../server/services/check_rules.ts";
import { createTicket } from "../server/services/tickets.ts";
import { getCheckRules } from "../server/store/check_rules.ts";
import { listChecks } from "../server/store/checks.ts";
import { findActiveRun } from "../server/store/runs.ts";
import { getTicket } from "../server/store/tickets.ts";
import { findWorktree } from "../server/store/worktrees.ts";
import { tempDir } from "./gaffer.ts";
import { never, TestRepo } from "./git_support.ts";
import { type TestApp, testApp } from "./support.ts";

/** A test command whose results stand in `results.txt`: TAP, which fails where one of them does. */
export const tapTest = "cat results.txt; ! grep -q '^not ok' results.txt";

/** TAP of tests by their names; one that begins with "!" fails. */
export const tap = (...tests: string[]): string =>
  [
    "TAP version 13",
    ...tests.map((name, at) =>
      name.startsWith("!") ? `not ok ${at + 1} - ${name.slice(1)}` : `ok ${at + 1} - ${name}`
    ),
    `1..${tests.length}`,
    "",
  ].join("\n");

export class EvidenceBench implements AsyncDisposable {
  /** Specs of the commands that ran, with where. */
  readonly ran: { place: Place; spec: CommandSpec }[] = [];

  private constructor(
    readonly app: TestApp,
    readonly repo: TestRepo,
    readonly id: string,
    private readonly data: AsyncDisposable,
  ) {
    app.agents.command = (place, spec, { onOutput }) => this.#run(place, spec, onOutput);
  }

  static async make(
    files: Record<string, string>,
    { test = tapTest, others = [] }: { test?: string | null; others?: ProjectCommand[] } = {},
  ): Promise<EvidenceBench> {
    const data = await tempDir();
    const repo = await TestRepo.make(files);
    const app = testApp({ config: { dataDir: data.path } });
    const commands: ProjectCommand[] = [...others];
    if (test !== null) commands.push({ name: "test", command: test, timeoutMs: 60_000 });
    const project = app.project({ path: repo.dir, commands });
    const ticket = createTicket(app, {
      projectId: project.id,
      title: "Greet the world",
      description: "",
      type: "feature",
      acceptance: [],
    });
    return new EvidenceBench(app, repo, ticket.id, data);
  }

  /** Another ticket of the same project, taken from now on. */
  beside(): EvidenceBench {
    const { projectId, title, description, type, acceptance } = this.ticket;
    const { id } = createTicket(this.app, { projectId, title, description, type, acceptance });
    return new EvidenceBench(this.app, this.repo, id, this.data);
  }

  get ticket(): Ticket {
    return getTicket(this.app.db, this.id);
  }

  get checks(): Check[] {
    return listChecks(this.app.db, this.id);
  }

  get worktree(): string {
    return findWorktree(this.app.db, this.id)!.path;
  }

  get run(): Run {
    return findActiveRun(this.app.db, this.id)!;
  }

  rules(changes: Partial<CheckRules>): void {
    const { projectId } = this.ticket;
    setCheckRules(this.app, projectId, { ...getCheckRules(this.app.db, projectId), ...changes });
  }

  testRules(changes: Partial<CheckRules["commands"]["test"]>): void {
    const { commands } = getCheckRules(this.app.db, this.ticket.projectId);
    this.rules({ commands: { ...commands, test: { ...commands.test, ...changes } } });
  }

  /** One step whose command leaves the file "cut off", and then the process ends. */
  async cutOff(): Promise<void> {
    const { agents } = this.app;
    const { command } = agents;
    agents.command = async () => {
      await this.repo.write("cut off", "", this.worktree);
      throw new Error("the process ends");
    };
    await this.step().catch(() => null);
    agents.command = command;
  }

  /** One step of the ticket. */
  async step(): Promise<void> {
    await advanceTicket(this.app, this.id, { attempt: 1, maxAttempts: 5 }, never);
  }

  /** Steps until an agent is at work or a person is needed. */
  async goOn(): Promise<void> {
    for (let steps = 0; steps < 12; steps++) {
      await this.step();
      if (this.ticket.status !== "in_progress" || findActiveRun(this.app.db, this.id)) return;
    }
    throw new Error("The ticket does not come to rest");
  }

  /** The agent at work writes these files and hands in that it is done; then the ticket goes on. */
  async work(files: Record<string, string>, summary = "Did it"): Promise<void> {
    for (const [path, text] of Object.entries(files)) {
      await this.repo.write(path, text, this.worktree);
    }
    await this.app.end(this.run, { type: "succeeded", result: { status: "done", summary } });
    await this.goOn();
  }

  /** From the beginning to the first developer's end. */
  async develop(files: Record<string, string>): Promise<void> {
    await this.goOn();
    await this.work(files);
  }

  async #run(
    place: Place,
    spec: CommandSpec,
    onOutput?: (text: string) => void,
  ): Promise<CommandResult & { unconfined: boolean }> {
    this.ran.push({ place, spec });
    const { code, stdout, stderr } = await new Deno.Command("sh", {
      args: ["-c", spec.command],
      cwd: join(place.dir, spec.cwd),
      clearEnv: true,
      env: { PATH: Deno.env.get("PATH")!, ...spec.env },
    }).output();
    const output = new TextDecoder().decode(stdout) + new TextDecoder().decode(stderr);
    // In two pieces, as it may come.
    onOutput?.(output.slice(0, output.length / 2));
    onOutput?.(output.slice(output.length / 2));
    return {
      exitCode: code,
      timedOut: false,
      durationMs: 5,
      output,
      outputBytes: output.length,
      cwd: spec.cwd,
      unconfined: false,
    };
  }

  async [Symbol.asyncDispose]() {
    this.app[Symbol.dispose]();
    await this.repo[Symbol.asyncDispose]();
    await this.data[Symbol.asyncDispose]();
  }
}
