/** Stands before each tool call of one run: looks at it, has it planned where that is what the rules are about, asks. */
import type { Ledger } from "../ledger.ts";
import { absolutePath, isInside, relativePath } from "../paths.ts";
import {
  type ApprovalQuestion,
  type ToolCall,
  type ToolSpec,
  type ToolTag,
  toolTags,
} from "../protocol.ts";
import type { Confinement, RunContext, RunHost } from "../runtime.ts";
import { intentOf, type ToolCalls } from "../tool_calls.ts";
import { isPlanned } from "../tools/registry.ts";
import { WEB_CALL_ID, webTags } from "../web/web_tools.ts";
import {
  type CompiledRules,
  compileRules,
  decide,
  type ToolQuestion,
  UNCONFINED_RULE,
} from "./decide.ts";
import { ALL_TAGS_RULE, completesTags } from "./tags.ts";

/** What is to become of a call; a question that a person was asked before stays a question. */
export type Judgement =
  /** `together`: as of `Decision`. */
  | { type: "allow"; together?: true }
  | { type: "ask"; question: ApprovalQuestion }
  | { type: "deny"; reason: string };

export type Permission =
  /** `granted`: a person said so. `unconfined`: and knew that nothing would confine it. */
  | { type: "go"; granted: boolean; unconfined: boolean }
  | { type: "wait" }
  | { type: "refuse"; why: string };

/** What such a question is about, for a person. */
const WEB_NAME = "web tools";

/** A person can still say no. */
const UNSHOWN = "the change is too large to be shown, or not of text";

export interface GateOptions {
  context: RunContext;
  host: RunHost;
  confinement: Confinement;
  ledger: Ledger;
  calls: Pick<ToolCalls, "check" | "plan">;
}

export class Gate {
  readonly #options: GateOptions;
  /** What the run has brought along, and the tools that it has used, in all its lives. */
  readonly #had = new Set<ToolTag>();
  #rules: CompiledRules | null = null;

  constructor(options: GateOptions) {
    this.#options = options;
    for (const event of options.context.log) {
      if (event.type === "started") { for (const tag of event.tags ?? []) this.#had.add(tag); }
    }
    for (const { tags = [] } of options.ledger.finished.values()) {
      for (const tag of tags) this.#had.add(tag);
    }
    const { webGranted } = options.ledger;
    if (this.#webTools.length === 0 || webGranted === false) return;
    // Which request makes use of them, nobody knows beforehand. A yes to them was one to all that the run may do beside.
    const isGranted = webGranted || options.context.permissions.web === "allowed";
    for (const tag of isGranted ? this.#tagsOfAll() : webTags) this.#had.add(tag);
  }

  /**
   * Whether the run's requests may go out: no call of its web tools passes here, so they are judged as a whole and
   * before the first of them. "wait": a person is asked, or has decided a moment ago, and the log shall tell it first.
   */
  async mayBegin(): Promise<"go" | "wait"> {
    const { context: { spec, permissions, tagsAllowed }, host, ledger } = this.#options;
    if (this.#webTools.length === 0 || ledger.webGranted !== null) return "go";
    this.#rules ??= await compileRules(permissions);
    const { approvals } = this.#rules;
    const rules = this.#webTools.flatMap(({ name }) => {
      const call = { tool: name, line: null, paths: [], makesFile: null };
      return approvals.find((rule) => rule.covers(call))?.text ?? [];
    });
    // Every tool of the run: once it has begun, its set of tools stays as it is.
    const together = completesTags(new Set(), this.#tagsOfAll());
    const isAllowed = permissions.web === "allowed" || tagsAllowed?.() === true;
    if (together && !isAllowed) rules.push(ALL_TAGS_RULE);
    if (rules.length === 0) return "go";
    const question = { rule: [...new Set(rules)].join("; "), detail: this.#webDetail() };
    host.approval(spec.runId, { id: WEB_CALL_ID, name: WEB_NAME, input: {} }, question);
    return "wait";
  }

  get #webTools(): ToolSpec[] {
    return this.#options.context.spec.tools.filter((tool) => tool.web);
  }

  #tagsOfAll(): ToolTag[] {
    const { spec } = this.#options.context;
    return [...new Set([...this.#had, ...spec.tools.flatMap(({ name }) => this.tagsOf(name))])];
  }

  /** What a person reads before a run's first request. */
  #webDetail(): string {
    const { spec } = this.#options.context;
    const reading = spec.tools.filter(({ name }) => this.tagsOf(name).includes("private"));
    const web = this.#webTools;
    const names = (tools: ToolSpec[]) => tools.map(({ name }) => name).join(", ");
    const domains = web[0]!.web!.allowedDomains;
    const lines = [
      `Run with ${web.map(({ name, web }) => `${name} (${web!.maxUses} a request)`).join(", ")}.`,
      "What the agent asks for and which pages it opens leaves this machine, and what it reads there may instruct it.",
      ...reading.length > 0 ? [`It can also read what is private, with ${names(reading)}.`] : [],
      `Domains: ${domains ? domains.join(", ") : "any"}.`,
      "Denied, the run goes on without them. The settings of the project, or of the agent, can say yes to all runs.",
    ];
    return lines.join("\n");
  }

  /** Throws when the machine failed at planning it. */
  async judge(call: ToolCall): Promise<Judgement> {
    const { context: { spec, permissions, place, tagsAllowed }, confinement, ledger, calls } =
      this.#options;
    const asked = ledger.asked.get(call.id);
    if (asked) return { type: "ask", question: asked };
    this.#rules ??= await compileRules(permissions);
    const question: ToolQuestion = {
      tool: call.name,
      input: call.input,
      // The service's own are none that it could call here.
      allowed: spec.tools.filter((tool) => !tool.web).map((tool) => tool.name),
      confinement: confinement.kind,
      rules: this.#rules,
      tags: this.tagsOf(call.name),
      had: this.#had,
      tagsAllowed,
    };
    if (!question.allowed.includes(call.name)) return this.#decided(call, question);
    // Nobody is asked about what the tool itself refuses, or what was allowed and has begun.
    const checked = calls.check(call);
    if (!checked.ok || ledger.executed.has(call.id)) return this.#allowed(call);
    question.input = checked.input;
    const named = [checked.input.file_path, checked.input.path].find((path) =>
      typeof path === "string"
    );
    if (this.#rules.approvals.length > 0 && typeof named === "string") {
      question.paths = spellings(place.dir, named);
    }
    if (!isPlanned(call.name) || this.#rules.approvals.length === 0) {
      return this.#decided(call, question);
    }
    return await this.#planned({ ...call, input: checked.input }, question);
  }

  /** For a call that was judged and is on record. */
  permit(call: ToolCall, judgement: Judgement): Permission {
    const { context: { spec }, host } = this.#options;
    if (judgement.type === "deny") return { type: "refuse", why: judgement.reason };
    if (judgement.type === "allow") return { type: "go", granted: false, unconfined: false };
    const { status, reason } = host.approval(spec.runId, call, judgement.question);
    if (status === "pending") return { type: "wait" };
    if (status === "granted") {
      this.#use(call.name);
      const { rule } = judgement.question;
      const unconfined = rule === undefined || rule.includes(UNCONFINED_RULE);
      return { type: "go", granted: true, unconfined };
    }
    const why = reason ? `: ${reason}` : "";
    return {
      type: "refuse",
      why: `A person denied this call${why}. Trying it again will not help.`,
    };
  }

  /**
   * Of a tool of the run. A server of the person's own may be reached another way by now, or be said to be of another
   * kind: what it was when the run began, it is still taken for, too.
   */
  tagsOf(name: string): readonly ToolTag[] {
    const { spec, servers } = this.#options.context;
    const began = spec.tools.find((tool) => tool.name === name)?.tags ?? [];
    const now = servers.tools.find((tool) => tool.name === name)?.tags ?? [];
    if (now.every((tag) => began.includes(tag))) return began;
    return toolTags.filter((tag) => began.includes(tag) || now.includes(tag));
  }

  /** A call that writes a file: which file, and how, is known before anybody is asked. */
  async #planned(call: ToolCall, question: ToolQuestion): Promise<Judgement> {
    const { context: { place }, calls } = this.#options;
    const plan = await calls.plan(call);
    const intent = plan.isError ? null : intentOf(plan);
    if (!intent) return this.#allowed(call);
    const paths = [...spellings(place.dir, String(call.input.file_path)), intent.path];
    const write = { paths, makesFile: plan.makesFile === true };
    const judgement = this.#decided(call, { ...question, write });
    if (judgement.type !== "ask") return judgement;
    const about = [write.makesFile ? "a new file" : "", plan.diff ? "" : UNSHOWN]
      .filter((one) => one !== "");
    const detail = `${call.name} ${intent.path}${about.length > 0 ? ` (${about.join("; ")})` : ""}`;
    const { rule } = judgement.question;
    return { type: "ask", question: { rule, detail, ...plan.diff && { diff: plan.diff }, intent } };
  }

  #decided(call: ToolCall, question: ToolQuestion): Judgement {
    const decision = decide(question);
    if (decision.type === "allow") return { ...decision, ...this.#allowed(call) };
    if (decision.type === "deny") return decision;
    return { type: "ask", question: { rule: decision.rule, detail: decision.detail } };
  }

  /** Counted at once: calls that only read run side by side. */
  #allowed({ name }: ToolCall): Judgement {
    this.#use(name);
    return { type: "allow" };
  }

  #use(name: string): void {
    for (const tag of this.tagsOf(name)) this.#had.add(tag);
  }
}

/** A path as it stands in rules, relative to the place: as it was named, and with links worked out. */
function spellings(dir: string, path: string): string[] {
  const named = absolutePath(dir, path);
  const paths = [named, realOf(named)].filter((one) => one !== null && isInside(dir, one));
  return [...new Set(paths.map((one) => relativePath(dir, one!)))];
}

function realOf(path: string): string | null {
  try {
    return Deno.realPathSync(path);
  } catch {
    return null; // nothing there, or not to be reached: then the tool refuses it
  }
}
