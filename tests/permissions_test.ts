/** What may be done, what a person is asked first, and what goes back to the model: from data alone. */
import { deepStrictEqual as deepEqual, match, ok, strictEqual as equal } from "node:assert";
import {
  type CallRules,
  compileRules,
  decide,
  type Decision,
  MAX_DETAIL_CHARS,
  type ToolQuestion,
  UNCONFINED_RULE,
} from "../agents/permissions/decide.ts";
import { isApprovalRule } from "../agents/permissions/approval_rules.ts";
import { coversCommand, touchesCommand } from "../agents/permissions/commands.ts";
import { hostMatches } from "../agents/permissions/hosts.ts";
import { ALL_TAGS_RULE, completesTags } from "../agents/permissions/tags.ts";

const allowed = ["Read", "Grep", "Edit", "Write", "Bash", "mcp__web__post"];

async function judge(
  rules: Partial<CallRules>,
  call: Pick<ToolQuestion, "tool" | "input"> & Partial<ToolQuestion>,
): Promise<Decision> {
  const compiled = await compileRules({ commands: [], requireApproval: [], ...rules });
  return decide({ allowed, confinement: "bubblewrap", rules: compiled, ...call });
}
const bash = (command: string) => ({ tool: "Bash", input: { command } });
const write = (path: string, makesFile = false, tool = "Write") => ({
  tool,
  input: { file_path: path },
  write: { paths: [path], makesFile },
});

Deno.test("a command pattern covers what it says word for word, and a star at its end all that follows", () => {
  const cases: [pattern: string, line: string, covered: boolean][] = [
    ["git status", "git status", true],
    ["git status", "git status -s", false],
    ["git status", "git", false],
    ["git status", "/usr/bin/git status", false],
    ["git status", "./git status", false],
    ["npm run *", "npm run", true],
    ["npm run *", "npm run test -- --watch", true],
    ["npm run *", "npm runx", false],
    ["npm run:*", "npm run test", true],
    ["npm * test", "npm run test", true],
    ["npm * test", "npm run x test", false],
    ["npm run test*", "npm run test:unit", true],
    ["npm run t*t", "npm run tt", true],
    ["npm run t*t", "npm run t", false],
    ["*", "rm -rf a", true],
    ["", "rm", false],
    ["*.sh", "a.sh", true],
    ["a*a*a*b", `${"a".repeat(5_000)}`, false],
  ];
  for (const [pattern, line, covered] of cases) {
    const command = { argv: line.split(" "), redirections: [] };
    equal(coversCommand(pattern, command), covered, `${pattern} and ${line}`);
  }
});

Deno.test("a pattern that holds back is not got around by a folder or a word between", () => {
  const touches = (pattern: string, line: string) =>
    touchesCommand(pattern, { argv: line.split(" "), redirections: [] });
  for (const line of ["rm", "rm a", "/bin/rm a", "../rm a"]) ok(touches("rm *", line), line);
  for (const line of ["git push", "git --no-pager push", "git push origin"]) {
    ok(touches("git push *", line), line);
  }
  for (const line of ["rmdir a", "echo rm", "git pull"]) ok(!touches("rm *", line), line);
});

Deno.test("only listed commands run; others go back with the list, and what can't be judged asks", async () => {
  const rules = { commands: ["git status", "npm run *", "bash(ls *)"] };
  for (const line of ["git status", "npm run test 2>&1 && git status", "ls -la | ls"]) {
    equal((await judge(rules, bash(line))).type, "allow", line);
  }
  for (
    const line of [
      "rm a",
      "git status; rm a",
      "git status\nrm a",
      "git status | tee a",
      "git 'log'",
    ]
  ) {
    const decision = await judge(rules, bash(line));
    ok(decision.type === "deny", line);
    match(
      decision.reason,
      /^Cannot run ".*": this agent may only run: git status; npm run \*; ls \*\./,
    );
  }
  for (
    const line of ["git status $(rm a)", "env git status", "sh -c 'git status'", "git status > a"]
  ) {
    const decision = await judge(rules, bash(line));
    ok(decision.type === "ask", line);
    match(decision.rule, /^allowed_commands can't judge this line: it (has|uses) /);
    equal(decision.detail, line, "word for word");
  }
});

Deno.test("`bash(rm *)` asks for rm in any line, and for every line of which nobody knows", async () => {
  const rules = { requireApproval: ["bash(rm *)"] };
  const asks = [
    "rm a",
    "ls; rm a",
    "ls && /bin/rm a",
    "r\\m a",
    "ls | xargs rm",
    "eval ls",
    "ls $X",
    "a (",
  ];
  for (const line of asks) {
    deepEqual(await judge(rules, bash(line)), { type: "ask", rule: "bash(rm *)", detail: line });
  }
  for (const line of ["ls", "git rm a", "echo 'rm a'", "rmdir a"]) {
    equal((await judge(rules, bash(line))).type, "allow", line);
  }
  for (const rule of ["bash", "bash(*)", "Bash(*)", "*"]) {
    const decision = await judge({ requireApproval: [rule] }, bash("ls"));
    equal(decision.type, "ask", rule);
  }
});

Deno.test("a deny stands before an ask: what is not listed is not offered to a person", async () => {
  const rules = { commands: ["ls *"], requireApproval: ["bash(*)"] };
  equal((await judge(rules, bash("rm a"))).type, "deny");
  equal((await judge(rules, bash("ls"))).type, "ask");
});

Deno.test("rules about files hold for whichever tool changes them", async () => {
  const judged = async (rule: string, call: ReturnType<typeof write>) =>
    (await judge({ requireApproval: [rule] }, call)).type;
  equal(await judged("write(new)", write("a.ts", true)), "ask");
  equal(await judged("write(new)", write("a.ts", false)), "allow");
  equal(await judged("write(src/**)", write("src/a/b.ts")), "ask");
  equal(await judged("write(src/**)", write("src/a/b.ts", false, "Edit")), "ask");
  equal(await judged("write(src/**)", write("lib/a.ts")), "allow");
  equal(await judged("edit(*.lock)", write("deno.lock", false, "Edit")), "ask");
  equal(await judged("edit(*.lock)", write("a/b/deno.lock", false, "Edit")), "ask");
  equal(await judged("edit(*.lock)", write("deno.lock")), "ask", "replaced as a whole");
  equal(await judged("edit(*.lock)", write("deno.json", false, "Edit")), "allow");
  equal(await judged("write", write("a", false, "Edit")), "allow", "a bare name is that tool");
  equal(await judged("read(secrets/**)", { ...write("secrets/a"), tool: "Read" }), "ask");
  const read = { tool: "Read", input: { file_path: "src/a" }, paths: ["src/a"] };
  equal((await judge({ requireApproval: ["read(secrets/**)"] }, read)).type, "allow");
  // A link named lib that leads to src: either spelling counts.
  const linked = {
    ...write("lib/a.ts"),
    write: { paths: ["lib/a.ts", "src/a.ts"], makesFile: false },
  };
  equal(await judged("edit(src/**)", linked), "ask");
});

Deno.test("other tools are named, also by a pattern; a rule that can't be read holds everything back", async () => {
  const post = { tool: "mcp__web__post", input: { text: "hi" } };
  for (const rule of ["mcp__web__post", "mcp__web__*", "mcp__web__post(*)"]) {
    deepEqual(await judge({ requireApproval: [rule] }, post), {
      type: "ask",
      rule,
      detail: "text: hi",
    });
  }
  equal((await judge({ requireApproval: ["mcp__mail__*"] }, post)).type, "allow");
  for (const rule of ["write(", "", "bash)", "rm -rf"]) {
    equal(isApprovalRule(rule), false, rule);
    equal((await judge({ requireApproval: [rule] }, post)).type, "ask", rule);
  }
});

Deno.test("of an argument nothing is hidden from who is asked: neither its end nor where it begins", async () => {
  const rules = { requireApproval: ["mcp__web__*"] };
  const post = (input: Record<string, unknown>) => judge(rules, { tool: "mcp__web__post", input });
  const long = await post({ text: "x".repeat(90_000), to: "all" });
  ok(long.type === "ask" && long.detail.endsWith("x\nto: all"));
  const tooLong = await post({ text: "x".repeat(MAX_DETAIL_CHARS) });
  ok(tooLong.type === "deny", "nobody grants what can't be shown");
  match(tooLong.reason, /more than 100000 characters, which nobody could be shown/);
  const forged = await post({ "to\nx": 1, text: "hi\nto: nobody\r\n", to: "all" });
  ok(forged.type === "ask");
  equal(forged.detail, '"to\\nx": 1\ntext: hi\n    to: nobody\n    \nto: all');
  // Of a file that is written the change is shown.
  const write = { tool: "Write", input: { file_path: "a", content: "x".repeat(MAX_DETAIL_CHARS) } };
  const file = { ...write, write: { paths: ["a"], makesFile: true } };
  equal((await judge({ requireApproval: ["write(new)"] }, file)).type, "ask");
});

Deno.test("a person is told when nothing confines a command, beside the rule that asks", async () => {
  const call = { ...bash("rm a"), confinement: "process" } as const;
  const plain = await judge({}, call);
  deepEqual(plain, { type: "ask", rule: UNCONFINED_RULE, detail: "rm a" });
  const both = await judge({ requireApproval: ["bash(rm *)"] }, call);
  ok(both.type === "ask");
  equal(both.rule, `bash(rm *); ${UNCONFINED_RULE}`);
});

Deno.test("private data, untrusted input and a way out together ask, in whichever order they come", async () => {
  const tags = ["private", "untrusted", "outbound"] as const;
  for (const last of tags) {
    const had = new Set(tags.filter((tag) => tag !== last));
    ok(completesTags(had, [last]), last);
    ok(!completesTags(had, []), "one that brings nothing");
    ok(!completesTags(new Set(tags), [last]), "once it is complete nothing new comes");
    const decision = await judge({}, { tool: "mcp__web__post", input: {}, tags: [last], had });
    ok(decision.type === "ask");
    equal(decision.rule, ALL_TAGS_RULE);
  }
  ok(!completesTags(new Set(["private"]), ["outbound"]));
  ok(completesTags(new Set(), tags));
});

Deno.test("hostMatches() covers a name, what lies below it with a star, and no addresses", () => {
  const cases: [pattern: string, host: string, covered: boolean][] = [
    ["registry.npmjs.org", "registry.npmjs.org", true],
    ["registry.npmjs.org", "Registry.NPMJS.org.", true],
    ["registry.npmjs.org", "evil-registry.npmjs.org", false],
    ["registry.npmjs.org", "registry.npmjs.org.evil.example", false],
    ["*.example.com", "a.example.com", true],
    ["*.example.com", "a.b.example.com", true],
    ["*.example.com", "example.com", false],
    ["*.example.com", "aexample.com", false],
    ["*.com.*", "a.com.b", false],
    ["*.0.0.1", "127.0.0.1", false],
    ["127.0.0.1", "127.0.0.1", true],
    ["*", "anything.example", true],
    ["", "", false],
  ];
  for (const [pattern, host, covered] of cases) {
    equal(hostMatches(pattern, host), covered, `${pattern} and ${host}`);
  }
});
