/** A folder to work in, and the tools and hands over it, for the tests of tools, hands and escapes. */
import { findSandbox } from "../agents/find_sandbox.ts";
import {
  createHands,
  type Hands,
  type HandsOptions,
  type HandsSeams,
} from "../agents/hands_client.ts";
import { handsLimits } from "../agents/hands_limits.ts";
import { pathRules } from "../agents/policy.ts";
import type { PathPolicy, Place } from "../agents/protocol.ts";
import { Shell } from "../agents/shell.ts";
import { PlaceFiles, type PlaceFilesOptions } from "../agents/tools/files.ts";
import { handsTools } from "../agents/tools/hands_tools.ts";
import { ToolError, type ToolOutput } from "../agents/tools/tool.ts";
import { type HowToUse, useTool } from "../agents/tools/use.ts";
import { silentLog } from "../server/log.ts";

export const root = new URL("../", import.meta.url);
export const everything: PathPolicy = { allow: [], block: [] };
export const noSignal = new AbortController().signal;

/** A folder with these files, and another one beside it that nothing may reach. Removed at the end. */
export class TestPlace implements AsyncDisposable {
  readonly dir: string;
  readonly outside: string;
  readonly #base: string;

  constructor(files: Record<string, string | Uint8Array> = {}) {
    this.#base = Deno.realPathSync(Deno.makeTempDirSync({ prefix: "gaffer-test-" }));
    this.dir = `${this.#base}/place`;
    this.outside = `${this.#base}/outside`;
    Deno.mkdirSync(this.dir);
    Deno.mkdirSync(this.outside);
    Deno.writeTextFileSync(`${this.outside}/secret.txt`, "the secret");
    for (const [path, content] of Object.entries(files)) this.put(path, content);
  }

  get place(): Place {
    return { dir: this.dir, access: "write", gitDir: null };
  }

  put(path: string, content: string | Uint8Array): void {
    const full = `${this.dir}/${path}`;
    Deno.mkdirSync(full.slice(0, full.lastIndexOf("/")), { recursive: true });
    if (typeof content === "string") Deno.writeTextFileSync(full, content);
    else Deno.writeFileSync(full, content);
  }

  text = (path: string): string => Deno.readTextFileSync(`${this.dir}/${path}`);

  exists(path: string): boolean {
    try {
      Deno.lstatSync(path.startsWith("/") ? path : `${this.dir}/${path}`);
      return true;
    } catch {
      return false;
    }
  }

  [Symbol.asyncDispose](): Promise<void> {
    return Deno.remove(this.#base, { recursive: true });
  }
}

export interface ToolBox {
  /** Runs a tool in this process; what it read counts as known afterwards. Throws what the tool throws. */
  use(name: string, input: Record<string, unknown>, how?: HowToUse): Promise<ToolOutput>;
  /** The message with which the tool refuses. */
  refusal(name: string, input: Record<string, unknown>, how?: HowToUse): Promise<string>;
  cwd: string;
}

/**
 * As `workIn` in the hands, but by whole paths: that one moves the process, and a test's has other tests in it. What it
 * is for is tried in processes of their own.
 */
export const workByPath: NonNullable<PlaceFilesOptions["workIn"]> = (
  { folder, replaced },
  work,
) => {
  const stillThere = () => {
    if (Deno.realPathSync(folder) !== folder) throw replaced();
  };
  Deno.mkdirSync(folder, { recursive: true });
  stillThere();
  return work((name) => `${folder}/${name}`, stillThere);
};

/** The tools of hands without the hands. */
export async function toolBox(
  { dir }: TestPlace,
  { access = "write", policy = everything, hidden = [], afterCheck, workIn = workByPath }: {
    access?: "read" | "write";
    policy?: PathPolicy;
    hidden?: string[];
    afterCheck?: () => void;
    workIn?: PlaceFilesOptions["workIn"];
  } = {},
): Promise<ToolBox> {
  const rules = await pathRules(policy);
  const files = new PlaceFiles({ dir, access, hidden, rules, afterCheck, workIn });
  const known: Record<string, string> = {};
  const shell = new Shell({
    dir,
    sh: "/bin/sh",
    bash: null,
    env: { PATH: Deno.env.get("PATH")! },
    limits: handsLimits(Deno.systemMemoryInfo().total),
    marker: crypto.randomUUID(),
    ownNamespace: false,
  });
  const box: ToolBox = {
    cwd: "",
    async use(name, input, how) {
      const context = { files, known, cwd: box.cwd, shell, signal: noSignal };
      const output = await useTool(handsTools.get(name)!, input, context, how);
      Object.assign(known, output.files);
      box.cwd = output.cwd ?? box.cwd;
      return output;
    },
    async refusal(name, input, how) {
      try {
        await box.use(name, input, how);
      } catch (error) {
        if (error instanceof ToolError) return error.message;
        throw error;
      }
      throw new Error(`${name} was not refused`);
    },
  };
  return box;
}

/** Hands with everything they started ended when the test is. */
export interface TestHands extends Hands, AsyncDisposable {
  /** A tool call's result, with `known` and `cwd` kept between calls. A person has granted it by default. */
  use(
    place: Place,
    name: string,
    input: Record<string, unknown>,
    options?: { signal?: AbortSignal; policy?: PathPolicy; unconfinedAllowed?: boolean },
  ): Promise<import("../agents/protocol.ts").ToolResult>;
}

export function testHands(
  sandbox: "auto" | "off",
  seams: HandsSeams = {},
  options:
    & { idleMs?: number; protectedPaths?: string[] }
    & Pick<HandsOptions, "limits" | "toolchains"> = {},
): TestHands {
  const hands = createHands(
    { root, compiled: false, sandbox, log: silentLog, protectedPaths: [], ...options },
    seams,
  );
  const known: Record<string, string> = {};
  let cwd = "";
  let calls = 0;
  const use: TestHands["use"] = async (place, name, input, how = {}) => {
    const call = { id: `call_${++calls}`, name, input };
    const { policy = everything, unconfinedAllowed = true } = how;
    const request = { call, policy, known, cwd, unconfinedAllowed };
    const answer = await hands.tool(place, request, how.signal ?? noSignal);
    Object.assign(known, answer.result.files);
    cwd = answer.cwd;
    return answer.result;
  };
  return {
    confinement: () => hands.confinement(),
    warm: (...args) => hands.warm(...args),
    tool: (...args) => hands.tool(...args),
    command: (...args) => hands.command(...args),
    canary: (...args) => hands.canary(...args),
    serve: (...args) => hands.serve(...args),
    release: (dir) => hands.release(dir),
    close: () => hands.close(),
    use,
    [Symbol.asyncDispose]: () => hands.close(),
  };
}

const { kind: here } = await findSandbox("auto");

/** Both ways in which hands may be confined. */
export const confinements = [
  {
    sandbox: "auto",
    kind: "bubblewrap",
    name: here === "bubblewrap" ? "in bubblewrap" : "in bubblewrap (which does not work here)",
    ignore: here !== "bubblewrap",
  },
  { sandbox: "off", kind: "process", name: "without bubblewrap", ignore: false },
] as const;

/** One test for each way in which hands may be confined. */
export function testConfined(
  name: string,
  run: (confinement: typeof confinements[number]) => Promise<void>,
): void {
  for (const confinement of confinements) {
    const { ignore } = confinement;
    Deno.test({ name: `${name}, ${confinement.name}`, ignore, fn: () => run(confinement) });
  }
}

/** How many processes hold `text` in their environment or arguments. Without /proc none is ever found. */
export function processesWith(text: string): number {
  let found = 0;
  if (Deno.build.os !== "linux") return found;
  for (const { name } of Deno.readDirSync("/proc")) {
    if (!/^\d+$/.test(name)) continue;
    try {
      const about = ["environ", "cmdline"].map((file) =>
        Deno.readTextFileSync(`/proc/${name}/${file}`)
      );
      if (about.some((content) => content.includes(text))) found++;
    } catch {
      continue; // it ended
    }
  }
  return found;
}
