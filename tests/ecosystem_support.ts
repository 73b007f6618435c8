/** A repository of some ecosystem with real tests, the real server, and a scripted developer: from a ticket to the merge. */
import { deepStrictEqual as deepEqual, ok, strictEqual as equal } from "node:assert";
import { type ClaudeRequest, type FakeClaude, startFakeClaude } from "./fake_claude/mod.ts";
import { Client, type Gaffer, type Json, startGaffer, tempDir } from "./gaffer.ts";
import { TestRepo } from "./git_support.ts";
import {
  addProject,
  attribute,
  play,
  purposeOf,
  type Scripts,
  settled,
} from "./journey_support.ts";

/** What a project runs, in the sandbox of the server as in the folder of the person. */
export interface Commands {
  build?: string;
  test: string;
}

/** Whether all of these programs run here; one that does not is named, and the test is skipped. */
export function installed(...programs: string[]): boolean {
  const missing = programs.filter((program) => {
    try {
      return !new Deno.Command(program, { args: ["--version"] }).outputSync().success;
    } catch (error) {
      if (error instanceof Deno.errors.NotFound) return true;
      throw error;
    }
  });
  if (missing.length > 0) console.log(`Skipped: ${missing.join(" and ")} can't be run here`);
  return missing.length === 0;
}

/** One ticket of one project. */
export class Story implements AsyncDisposable {
  private constructor(
    readonly fake: FakeClaude,
    readonly gaffer: Gaffer,
    readonly client: Client,
    readonly repo: TestRepo,
    readonly project: Json,
    readonly ticket: Json,
    private readonly commands: Commands,
    private readonly held: AsyncDisposableStack,
  ) {}

  static async begin({ files, commands, ticket, scripts }: {
    files: Record<string, string>;
    commands: Commands;
    ticket: Json;
    scripts: Scripts;
  }): Promise<Story> {
    await using stack = new AsyncDisposableStack();
    const fake = stack.use(startFakeClaude({ reply: play(scripts) }));
    const data = stack.use(await tempDir());
    const repo = stack.use(await TestRepo.make(files));
    const gaffer = stack.use(
      await startGaffer({
        dataDir: data.path,
        env: { ANTHROPIC_API_KEY: fake.apiKey, ANTHROPIC_BASE_URL: fake.url },
      }),
    );
    const client = new Client(gaffer.url);
    const project = await addProject(client, repo, commands);
    const made = await client.post(`/projects/${project.id}/tickets`, ticket);
    return new Story(fake, gaffer, client, repo, project, made, commands, stack.move());
  }

  get path(): string {
    return `/tickets/${this.ticket.id}`;
  }

  /** The ticket, when nothing more happens to it until a person acts. */
  settled(): Promise<Json> {
    return this.client.until(this.path, settled);
  }

  async reviewed(): Promise<Json> {
    const ticket = await this.settled();
    equal(ticket.status, "review", ticket.reason);
    return ticket;
  }

  /** Approves it, and gives the ticket when it has left the merge queue. */
  async approved(): Promise<Json> {
    await this.client.post(`${this.path}/approve`);
    return await this.client.until(this.path, ({ status }) => status !== "review");
  }

  /** Rows of its checks, oldest first. */
  async checks(): Promise<Json[]> {
    return (await this.client.get(`${this.path}/checks`)).items;
  }

  /** Name and status of the checks of one commit. */
  async checksOf(commit: string): Promise<string[][]> {
    return (await this.checks()).filter((check) => check.commit === commit && !check.baseline)
      .map(({ name, status }) => [name, status]);
  }

  /** What the developer was told at the beginning of a run, the newest of that purpose. */
  told(purpose: string): string {
    const begun = this.fake.requests.map(({ request }) => request)
      .filter((request): request is ClaudeRequest => request?.turn === 1);
    return begun.findLast((request) => purposeOf(request) === purpose)!.prompt;
  }

  /** A command of the project, run by the person in their own folder. */
  async byHand(name: keyof Commands): Promise<{ passed: boolean; output: string }> {
    const { success, stdout, stderr } = await new Deno.Command("sh", {
      args: ["-c", this.commands[name]!],
      cwd: this.repo.dir,
      env: { NO_COLOR: "1", PYTHONDONTWRITEBYTECODE: "1" },
    }).output();
    const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
    return { passed: success, output: text(stdout) + text(stderr) };
  }

  /**
   * Approves it, and makes sure of what that promises: one commit on the base branch whose checks have rows, the
   * person's folder moved along, and nothing of the ticket left over. Gives the merge's commit.
   */
  async merged(): Promise<string> {
    const done = await this.approved();
    equal(done.status, "done", done.reason);
    const commit = done.merge_commit;
    const heads = await this.repo.git("rev-parse", "main", "HEAD");
    equal(heads, `${commit}\n${commit}`);
    // Where the base had not moved, the evidence is that of the same files on the branch.
    const trees = await this.repo.git(
      "rev-parse",
      `${commit}^{tree}`,
      `${done.head_commit}^{tree}`,
    );
    const same = new Set(trees.split("\n")).size === 1;
    const evidence = await this.checksOf(same ? done.head_commit : commit);
    ok(evidence.some(([name]) => name === "test"), "no evidence for the merge");
    equal(await this.repo.git("status", "--porcelain"), "");
    return commit;
  }

  /** The fake refused nothing, and the server complained of nothing. */
  clean(): void {
    // 0: whoever asked was stopped before it had an answer.
    const refused = this.fake.requests.filter(({ status }) => status !== 200 && status !== 0);
    deepEqual(refused.map(({ status }) => status), []);
    deepEqual(this.gaffer.output().match(/^.*\b(error|Error)\b.*$/gm) ?? [], []);
  }

  async [Symbol.asyncDispose]() {
    await this.held[Symbol.asyncDispose]();
  }
}

/** The round of checks that a run of the developer is for. */
export const roundOf = (request: ClaudeRequest): number =>
  Number(attribute(request, "task", "round"));
