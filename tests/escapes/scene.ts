/**
 * Where attacks are carried out: runs of real brains against the scripted model, with real hands over a real place,
 * beside a folder and a server that must not notice.
 */
import { deepStrictEqual as deepEqual, match, ok, strictEqual as equal } from "node:assert";
import { checkpoint } from "../../agents/git/checkpoints.ts";
import { Executor } from "../../agents/executor.ts";
import { removeIfThereSync } from "../../server/disk.ts";
import { messageOf } from "../../server/errors.ts";
import { gitOk } from "../../agents/git/git.ts";
import { restoreWorktree } from "../../agents/git/restoring.ts";
import type { Place, RunEventBody, ToolResult } from "../../agents/protocol.ts";
import type { HandsSeams } from "../../agents/hands_client.ts";
import { MemoryFolder } from "../../agents/memory/memory_folder.ts";
import { after, changeOf, stateOf } from "../../agents/memory/notes.ts";
import { folderOf } from "../../agents/paths.ts";
import {
  type Agents,
  createAgents,
  type RunContext,
  type RunHost,
  type RunMemory,
} from "../../agents/runtime.ts";
import { toolSpec } from "../../agents/tools/registry.ts";
import type { RunEvent } from "../../server/records.ts";
import { poolFor } from "../brain_support.ts";
import {
  answer,
  type FakeClaude,
  type Reply,
  startFakeClaude,
  toolUse,
} from "../fake_claude/mod.ts";
import { personGit } from "../git_support.ts";
import { permissionsFor, runContext, runSpec } from "../loop_support.ts";
import {
  type confinements,
  everything,
  noSignal,
  processesWith,
  type TestHands,
  testHands,
  TestPlace,
} from "../place_support.ts";
import type { Attack, Seen, Step } from "./attack.ts";

/** What lies outside, and in the environment of the server. */
export const SECRETS = ["the secret", "do not tell this"];
const TOOLS = ["Read", "Glob", "Grep", "Edit", "Write", "Bash", "run_checks", "submit_result"];
/** Folder of the memory below its base. */
const MEMORY = "notes";
const BRANCH = "gaffer/1-attacked";

type Confinement = typeof confinements[number];

export class Scene implements AsyncDisposable {
  readonly dir: string;
  readonly outside: string;
  readonly repo: string;
  /** Of the agent's memory, with a folder for each attack; neither in the place nor among what must stay as it is. */
  readonly memoryDir: string;
  readonly #ground: TestPlace;
  readonly #fake: FakeClaude;
  readonly #hands: TestHands;
  readonly #agents: Agents;
  readonly #server: Deno.HttpServer;
  readonly #markers = new Set<string>();
  /** With a secret. Its own: files of tests share their environment, and one that ends takes its variable away. */
  readonly #variable = `GAFFER_TEST_SECRET_${crypto.randomUUID().slice(0, 8)}`;
  readonly port: number;
  #replies: Reply[] = [];
  #context: Omit<RunContext, "log"> | undefined;
  #log: RunEventBody[] = [];
  #runs = 0;
  /** Requests that reached this machine's own server, but for those of the test. */
  reached = 0;

  private constructor(readonly confinement: Confinement, seams: HandsSeams) {
    Deno.env.set(this.#variable, SECRETS[1]!);
    this.#ground = new TestPlace();
    this.dir = this.#ground.dir;
    this.outside = this.#ground.outside;
    this.repo = `${this.outside}/repo`;
    this.memoryDir = `${this.dir}-memory/${MEMORY}`;
    this.#fake = startFakeClaude({
      reply: () =>
        this.#replies.shift() ??
          answer(toolUse("submit_result", { status: "blocked", summary: "No way" })),
    });
    this.#hands = testHands(confinement.sandbox, {
      limits: { fileBytes: 64 * 1024 ** 2 },
      ...seams,
      launch: (launch) => {
        this.#markers.add(launch.marker);
        return launch;
      },
    });
    this.#agents = createAgents({
      brains: poolFor(this.#fake),
      hands: this.#hands,
      host: this.#host(),
      model: { kind: "endpoint", baseUrl: this.#fake.url },
      confinement: { kind: confinement.kind, hint: "" },
      proof: Promise.resolve(null),
      nowMs: () => Math.round(performance.now()),
    });
    this.#server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen: () => {} }, (request) => {
      if (new URL(request.url).pathname !== "/well") this.reached++;
      return new Response("here");
    });
    this.port = (this.#server.addr as Deno.NetAddr).port;
  }

  static async open(confinement: Confinement, seams: HandsSeams = {}): Promise<Scene> {
    const scene = new Scene(confinement, seams);
    await scene.#makeRepo();
    return scene;
  }

  /** Carries an attack out, and looks at the world. */
  async carryOut(attack: Attack): Promise<void> {
    await this.#clear();
    for (const [path, content] of Object.entries(attack.files ?? {})) this.put(path, content);
    const before = this.#world();
    const stop = await attack.prepare?.(this);
    const steps = attack.steps(this);
    try {
      const seen = await this.#run(attack, steps);
      this.#judge(attack, steps, seen);
      await attack.check?.(seen, this);
    } finally {
      await stop?.();
    }
    await restoreWorktree({ repo: this.repo, worktree: this.dir, signal: noSignal });
    deepEqual(this.#world(), before, "the world outside was touched");
    equal(this.reached, 0, "this machine's own server was reached");
    await this.#well();
  }

  put = (path: string, content: string | Uint8Array): void => this.#ground.put(path, content);
  exists = (path: string): boolean => this.#ground.exists(path);
  link = (target: string, path: string): void => Deno.symlinkSync(target, `${this.dir}/${path}`);

  /** The worktree of a repository whose folder is outside. */
  async #makeRepo(): Promise<void> {
    const { repo } = this;
    await personGit(this.outside, "init", "-q", "-b", "main", "repo");
    await personGit(repo, "config", "user.name", "Pat");
    await personGit(repo, "config", "user.email", "pat@example.org");
    await Deno.writeTextFile(`${repo}/readme.txt`, "fine\n");
    await Deno.mkdir(`${repo}/sub`);
    await personGit(`${repo}/sub`, "init", "-q");
    await personGit(
      `${repo}/sub`,
      "-c",
      "user.name=a",
      "-c",
      "user.email=b",
      "commit",
      "-q",
      "--allow-empty",
      "-m",
      "inner",
    );
    await personGit(repo, "-c", "advice.addEmbeddedRepo=false", "add", "--all");
    await personGit(repo, "commit", "-q", "-m", "Begin");
    await personGit(repo, "worktree", "add", "-q", "-b", BRANCH, this.dir);
  }

  /** Everything of the attack before is gone, but for what makes this a worktree. */
  async #clear(): Promise<void> {
    for (const { name } of Deno.readDirSync(this.dir)) {
      if (name !== ".git") Deno.removeSync(`${this.dir}/${name}`, { recursive: true });
    }
    removeIfThereSync(folderOf(this.memoryDir), { recursive: true });
    Deno.mkdirSync(this.memoryDir, { recursive: true });
    const place = { path: this.dir, gitDir: `${this.repo}/.git/worktrees/place` };
    await gitOk(place, ["reset", "--hard", "-q", "main"], { signal: noSignal, doing: "begin" });
  }

  async #run(attack: Attack, steps: Step[]): Promise<Seen> {
    const place: Place = {
      dir: this.dir,
      access: attack.access ?? "write",
      gitDir: `${this.repo}/.git`,
      ...attack.hosts && { reach: { by: "attacks", hosts: attack.hosts(this) } },
    };
    const servers = await this.#hands.serve(place, attack.servers?.(this) ?? [], noSignal);
    const own = (attack.tools ?? TOOLS).map((name) =>
      toolSpec(name, { resultName: "developer", checkNames: ["test"] })
    );
    const spec = runSpec({ runId: `run_${++this.#runs}`, tools: [...own, ...servers.tools] });
    this.#context = runContext({
      spec,
      permissions: {
        ...permissionsFor("developer"),
        paths: attack.paths ?? everything,
        ...attack.rules,
      },
      place,
      servers,
      commands: [{ name: "test", command: "true", timeoutMs: 1_000 }],
      outputDir: `${this.outside}/../outputs`,
    });
    this.#log = [{ type: "started", spec }];
    const ending = attack.direct ? this.#direct(steps) : this.#byModel(spec.runId, steps);
    const failure = await ending.then(() => "none", messageOf);
    await servers.close();
    match(failure, attack.fails ?? /^none$/);
    const log = this.#log;
    const asked = log.some(({ type }) => type === "approval_requested");
    const results = log.flatMap((event): ToolResult[] =>
      event.type === "tool_finished" ? [event.result] : []
    );
    const events = log.map((body, index): RunEvent => ({
      runId: spec.runId,
      number: index + 1,
      at: "2026-01-02T03:04:05.000Z",
      body,
    } as RunEvent));
    return { results, log, events, asked };
  }

  async #byModel(runId: string, steps: Step[]): Promise<void> {
    this.#replies = steps.map(([tool, input]) =>
      answer(toolUse(tool, input as Record<string, unknown>))
    );
    const outcome = await this.#agents.run(runId, noSignal);
    const asked = this.#log.some(({ type }) => type === "approval_requested");
    equal(outcome.type, asked ? "suspended" : "succeeded", JSON.stringify(outcome));
  }

  async #direct(steps: Step[]): Promise<void> {
    const executor = new Executor({
      context: { ...this.#context!, log: this.#log },
      host: this.#host(),
      hands: this.#hands,
      confinement: { kind: this.confinement.kind, hint: "" },
      nowMs: () => 0,
      signal: noSignal,
    });
    for (const [index, [name, input]] of steps.entries()) {
      const call = { id: `call_${index}`, name, input: input as Record<string, unknown> };
      await executor.tools(index + 1, [call]);
    }
  }

  /** Every call is on record with what became of it, and nothing of what was to be had is in it. */
  #judge({ fails, ...attack }: Attack, steps: Step[], { results, log, asked }: Seen): void {
    const text = JSON.stringify(log.slice(1));
    for (const secret of SECRETS) ok(!text.includes(secret), `it got "${secret}"`);
    const firstCommand = steps.findIndex(([tool]) => tool === "Bash");
    const unconfined = this.confinement.kind === "process" && firstCommand >= 0;
    const { asks = unconfined ? firstCommand : null } = attack;
    const waits = asks !== null;
    equal(asked, waits, waits ? "a person was to be asked" : "nobody was to be asked");
    const done = steps.slice(0, asks ?? steps.length);
    if (!fails) ok(results.length >= done.length, `${results.length} of ${done.length} were done`);
    for (const [index, [tool, input, says]] of done.entries()) {
      if (fails && index >= results.length) break;
      const { isError, content } = results[index]!;
      const what = `${tool} ${JSON.stringify(input)?.slice(0, 200)}: ${content.slice(0, 2_000)}`;
      if (says === "done") ok(!isError, what);
      else if (says !== "either") {
        if (tool !== "Bash") ok(isError, `not refused: ${what}`);
        match(content, says, what);
      }
    }
    if (asks === null || steps[asks]![0] !== "Bash") return;
    const request = log.find((event) => event.type === "approval_requested")!;
    const { command } = steps[asks]![1] as { command: string };
    equal(request.detail, command, "a person sees the exact command");
  }

  /** All that is outside of the place, byte by byte; of the repository what is not Gaffer's own. */
  #world(): Record<string, string> {
    const world: Record<string, string> = {};
    const look = (path: string) => {
      if (/\/repo\/\.git\/(objects|worktrees|logs)$/.test(path)) return;
      if (path.endsWith(`/refs/heads/${BRANCH}`)) return; // checkpoints
      const info = Deno.lstatSync(path);
      world[path] = `${info.mode} ${info.nlink} `;
      if (info.isSymlink) world[path] += Deno.readLinkSync(path);
      else if (info.isDirectory) {
        for (const { name } of Deno.readDirSync(path)) look(`${path}/${name}`);
      } else if (info.isFile) world[path] += Deno.readTextFileSync(path);
    };
    look(this.outside);
    return world;
  }

  /** The hands, or new ones, and the server do what they are asked to. */
  async #well(): Promise<void> {
    const place: Place = { dir: this.dir, access: "write", gitDir: `${this.repo}/.git` };
    this.put("well.txt", "well");
    const read = await this.#hands.use(place, "Read", { file_path: "well.txt" });
    equal(read.content, "1\twell");
    const response = await fetch(`http://127.0.0.1:${this.port}/well`);
    equal(await response.text(), "here");
  }

  #host(): RunHost {
    return {
      prepare: () => Promise.resolve(this.#context!),
      log: () => structuredClone(this.#log),
      mayGoOn: () => true,
      append: (_runId, event) => void this.#log.push(structuredClone(event)),
      worked: () => {},
      delta: () => {},
      questions: () => {},
      memory: (_runId, scope) => scope === "none" ? null : this.#memory(),
      diff: () => Promise.reject(new Error("not asked")),
      approval: (_runId, call, question) => {
        this.#log.push({
          type: "approval_requested",
          callId: call.id,
          approvalId: "approval_1",
          ...question,
        });
        return { status: "pending", reason: "" };
      },
      checkpoint: () =>
        checkpoint({
          ...{
            repo: this.repo,
            worktree: this.dir,
            branch: BRANCH,
            message: "work",
            signal: noSignal,
          },
        }),
    };
  }

  /** As the server has it, but for what is put on record. */
  #memory(): RunMemory {
    const folder = new MemoryFolder(folderOf(this.memoryDir), [MEMORY]);
    return {
      read: () => folder.read(),
      plan(command) {
        const notes = folder.read();
        const { steps, content } = changeOf(notes, command);
        const [before, hash] = [stateOf(notes, command), stateOf(after(notes, steps), command)];
        return { path: command.path ?? "", before, hash, content };
      },
      carryOut(_callId, command) {
        folder.apply(changeOf(folder.read(), command).steps);
        return Promise.resolve("");
      },
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#agents.close();
    await this.#fake.close();
    await this.#server.shutdown();
    for (const marker of this.#markers) equal(processesWith(marker), 0, "a process was left");
    Deno.env.delete(this.#variable);
    await this.#ground[Symbol.asyncDispose]();
  }
}
