/** A reviewed ticket, a forge that speaks one of the APIs, and a bare repository that is pushed to; its job taken by hand. */
import type { Outcome } from "../queue/job.ts";
import type { ForgeSettings, PullRequest } from "../server/records.ts";
import { followPullRequest } from "../server/services/pull_following.ts";
import { askForPullRequest } from "../server/services/pull_requests.ts";
import type { ForgeKind } from "../server/states.ts";
import { putForge } from "../server/store/forges.ts";
import {
  findPullRequest,
  listForgeChecks,
  listForgeRemarks,
} from "../server/store/pull_requests.ts";
import { type FakeForge, startFakeForge } from "./fake_forges/mod.ts";
import { never, personGit } from "./git_support.ts";
import { MergeScene } from "./merge_scene.ts";

export class PullScene implements AsyncDisposable {
  /** What Gaffer's environment holds. */
  token: string | undefined;
  private constructor(
    readonly it: MergeScene,
    readonly fake: FakeForge,
    readonly remote: string,
  ) {
    this.token = fake.state.token;
  }

  static async make(kind: ForgeKind = "github"): Promise<PullScene> {
    const it = await MergeScene.make();
    const remote = it.repo.beside("remote.git");
    await personGit(it.repo.root, "init", "-q", "--bare", remote);
    const fake = startFakeForge({ kind });
    const made = new PullScene(it, fake, remote);
    fake.state.branches = (name) => made.tip(name);
    made.set();
    return made;
  }

  get app() {
    return this.it.app;
  }
  get ticket() {
    return this.it.ticket;
  }
  get pull(): PullRequest {
    return findPullRequest(this.app.db, this.ticket.id)!;
  }
  get checks() {
    return listForgeChecks(this.app.db, this.pull.id);
  }
  get remarks() {
    return listForgeRemarks(this.app.db, this.pull.id);
  }
  /** Types of what happened to the ticket's pull request. */
  get told(): string[] {
    return this.app.events.map(({ type }) => type).filter((type) => type.startsWith("pull_"));
  }

  /** Names the forge; what is not given is as it is at first. */
  set(changes: Partial<ForgeSettings> = {}): void {
    const settings: ForgeSettings = {
      kind: this.fake.kind,
      apiUrl: this.fake.apiUrl,
      repository: this.fake.state.repository,
      remoteUrl: `file://${encodeURI(this.remote)}`,
      token: "$FORGE_TOKEN",
      takesMerge: false,
      ...changes,
    };
    this.app.tx((tx) => putForge(tx, this.it.scene.project.id, settings));
  }

  ask(message = ""): void {
    askForPullRequest(this.app, this.ticket.id, message);
  }

  /** One attempt at the job. */
  follow(signal = never): Promise<Outcome> {
    return followPullRequest(this.app, this.ticket.id, signal, {
      variable: () => this.token,
      timeoutMs: 30_000,
    });
  }

  /** Asked for, pushed and opened. */
  async opened(): Promise<void> {
    this.ask();
    await this.follow();
  }

  /** Commit at a branch of the remote; null: it has none such. */
  tip(branch = this.it.scene.branch): Promise<string | null> {
    return personGit(this.remote, "rev-parse", "--verify", `refs/heads/${branch}`)
      .catch(() => null);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.fake[Symbol.asyncDispose]();
    await this.it[Symbol.asyncDispose]();
  }
}
