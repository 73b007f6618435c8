/** Project templates: the form of each, how answers are filled in, and what is refused with which words. */
import { deepStrictEqual as deepEqual, match, ok, strictEqual as equal, throws } from "node:assert";
import { parse as parseYaml } from "yaml";
import { parseDefinition } from "../agents/prompts/definition.ts";
import { documentAgents } from "../agents/project_templates/documents.ts";
import { roadmapIdeas } from "../server/services/roadmap_ideas.ts";
import { whyNoProjectPath } from "../agents/project_templates/paths.ts";
import {
  type ProjectTemplate,
  readTemplate,
  type TemplateInput,
  writeTemplate,
} from "../agents/project_templates/template.ts";
import { documentFacts } from "../server/services/document_facts.ts";
import {
  catalog,
  everyChoice,
  filled,
  hostile,
  named,
  templates,
} from "./project_templates_support.ts";

/** The smallest template that there can be. */
const small = (changes: Partial<TemplateInput> = {}): TemplateInput => ({
  gaffer_template: 1,
  id: "small",
  name: "Small",
  about: "The smallest one.",
  files: [{ path: "CLAUDE.md", text: "# {{name}}\n" }, { path: ".gitignore", text: "out/\n" }],
  ...changes,
});
const read = (changes: Record<string, unknown>): ProjectTemplate =>
  readTemplate(JSON.stringify({ ...small(), ...changes }), "small.yaml");
const files = (...more: Record<string, unknown>[]) => ({ files: [...small().files, ...more] });

Deno.test("the nine project templates of the specification are there", () => {
  deepEqual(templates.map(({ id }) => id), [
    ...["web-full-stack", "js-package", "python-package", "rust", "go"],
    ...["unreal", "unity", "react-native", "custom"],
  ]);
});

for (const template of templates) {
  Deno.test(`the template "${template.id}" is whole with every choice of answers`, () => {
    for (const answers of everyChoice(template)) {
      const plan = filled(template, { ...hostile, ...answers });
      const text = (path: string) => plan.files.find((file) => file.path === path)?.content ?? "";
      ok(plan.commands.test && plan.commands.build, "it builds and tests");
      match(text("CLAUDE.md"), /^# My "odd" Thing's <b>\n/);
      for (
        const part of ["## Commands\n\n- ", "## Where things are\n\n- `", "## Conventions\n\n- "]
      ) {
        ok(text("CLAUDE.md").includes(part), part);
      }
      match(text(".gitignore"), /^\.env$/m);
      ok(plan.planning.some(({ path }) => path.startsWith("roadmaps/")));
      ok(roadmapIdeas(plan.planning).ideas.length >= 2, "the roadmap has rows to begin with");
      for (const { path, text } of plan.planning) {
        equal(documentFacts(path, text).problem, "", path);
      }
      ok(plan.agents.length >= 2);
      for (const agent of plan.agents) {
        const { prompt, name } = parseDefinition(agent.text, agent.path);
        const built = catalog.get(name).prompt;
        ok(prompt.startsWith(built), "the rules of its work stay");
        ok(prompt.length > built.length + 400, "it has craft of its own");
      }
      for (const { path, content } of plan.files) {
        const left = /\{\{[a-z_|]+\}\}/.exec(content.replaceAll("{{name}} # %s", ""))?.[0];
        equal(left, undefined, `${path} has a place that was not filled in`);
        if (/\.(json|uproject|asmdef)$/.test(path)) JSON.parse(content);
        if (/\.ya?ml$/.test(path)) parseYaml(content);
      }
    }
  });
}

Deno.test("prompts of templates are about their own technology: no two are alike", () => {
  const prompts = templates.flatMap(({ agents }) => agents.map(({ prompt }) => prompt!));
  equal(new Set(prompts).size, prompts.length);
});

Deno.test("a written template is read as the same one", () => {
  for (const template of templates) {
    deepEqual(readTemplate(writeTemplate(template), "again.yaml"), template);
  }
});

Deno.test("answers are escaped as the file has it: strings of data, markup, a word of a command", () => {
  const template = read({
    questions: [{ key: "folder", label: "Folder", type: "text", default: "/opt/it's here" }],
    commands: [{ name: "test", run: "run {{folder}}/bin/test {{name|snake}}" }],
    ...files(
      { path: "a.json", text: '{ "name": "{{name}}" }' },
      { path: "b.html", text: '<p title="{{name}}">{{name}}</p>' },
      { path: "c.sh", text: "echo {{name}}\n" },
      { path: "d.md", text: "{{name}}: {{unknown }} {{ name }}" },
      { path: "{{name|kebab}}/e.txt", text: "{{name}}", fill: false },
    ),
  });
  const plan = filled(template, { name: `Ann's "<Thing>" \\` });
  const text = (path: string) => plan.files.find((file) => file.path === path)?.content;
  deepEqual(JSON.parse(text("a.json")!), { name: `Ann's "<Thing>" \\` });
  equal(
    text("b.html"),
    `<p title="Ann&apos;s &quot;&lt;Thing&gt;&quot; \\">Ann&apos;s &quot;&lt;Thing&gt;&quot; \\</p>`,
  );
  equal(text("c.sh"), `echo 'Ann'\\''s "<Thing>" \\'\n`);
  equal(text("d.md"), `Ann's "<Thing>" \\: {{unknown }} {{ name }}`);
  equal(text("ann-s-thing/e.txt"), "{{name}}");
  equal(plan.commands.test, `run '/opt/it'\\''s here'/bin/test ann_s_thing`);
});

Deno.test("answers that are missing or of another form are refused, each at its question", () => {
  const template = read({
    questions: [
      { key: "module", label: "Module", type: "text", form: "module" },
      {
        key: "kind",
        label: "Kind",
        type: "choice",
        default: "a",
        choices: [{ value: "a", label: "A" }, { value: "b", label: "B" }],
      },
      { key: "more", label: "More", type: "text", form: "version", when: { kind: "b" } },
    ],
  });
  const fieldsOf = (answers: Record<string, string>) => {
    let fields: string[] = [];
    throws(() => filled(template, answers), (error: { fields: { field: string }[] }) => {
      fields = error.fields.map(({ field }) => field);
      return true;
    });
    return fields;
  };
  deepEqual(fieldsOf({ name: " " }), ["answers.name", "answers.module"]);
  deepEqual(fieldsOf({ module: "a/../b" }), ["answers.module"]);
  deepEqual(fieldsOf({ module: "a\nb", kind: "c" }), ["answers.module", "answers.kind"]);
  deepEqual(fieldsOf({ module: "a", kind: "b" }), ["answers.more"]);
  deepEqual(fieldsOf({ module: "a", other: "x" }), ["answers.other"]);
  equal(
    filled(template, { module: "example.com/me", kind: "a", more: "not asked" }).name,
    "My Thing",
  );
});

const wrong: [what: string, changes: Record<string, unknown>, says: RegExp][] = [
  ["a key that there is not", { hooks: ["x"] }, /expected no "hooks" here/],
  [
    "another version of the form",
    { gaffer_template: 2 },
    /"gaffer_template": expected 1: the version of this form, got 2/,
  ],
  [
    "an id that is none",
    { id: "../x" },
    /"id": expected at most 40 lower-case letters.*got "\.\.\/x"/,
  ],
  [
    "a place that nobody fills in",
    files({ path: "a.md", text: "{{nobody}}" }),
    /"files\.2\.text": expected only .*no answer "nobody"/,
  ],
  [
    "a filter that there is not",
    files({ path: "{{name|loud}}.md", text: "" }),
    /none of the filters kebab/,
  ],
  [
    "a path out of the folder",
    files({ path: "../evil", text: "" }),
    /"files\.2\.path": expected a path in the project: "\.\." is no name/,
  ],
  [
    "an absolute path",
    files({ path: "/etc/passwd", text: "" }),
    /write it from the project's folder on/,
  ],
  ["git's own folder", files({ path: "sub/.GIT/hooks/pre-commit", text: "" }), /git's own folder/],
  [
    "settings for other programs",
    files({ path: ".claude/settings.json", text: "{}" }),
    /settings and hooks are left out/,
  ],
  [
    "quotes around an answer",
    { commands: [{ name: "test", run: 'x "{{name}}"' }] },
    /no quotes around/,
  ],
  [
    "an answer for a question that is not asked",
    files({ path: "a", text: "", when: { kind: "x" } }),
    /"files\.2\.when\.kind": expected the key of a question/,
  ],
  [
    "an agent without words",
    { agents: [{ name: "a" }] },
    /expected a "prompt", or the whole "definition"/,
  ],
  [
    "no CLAUDE.md",
    { files: [{ path: ".gitignore", text: "" }] },
    /"files": expected a "CLAUDE\.md"/,
  ],
  [
    "too many files",
    files(...Array.from({ length: 200 }, (_, n) => ({ path: `f${n}`, text: "" }))),
    /"files"/,
  ],
];

for (const [what, changes, says] of wrong) {
  Deno.test(`a template is refused with file and key for ${what}`, () => {
    throws(() => read(changes), (error: { code: string; message: string }) => {
      equal(error.code, "invalid");
      match(error.message, /^Cannot read the template small\.yaml: /);
      match(error.message, says);
      return true;
    });
  });
}

Deno.test("a template is refused for YAML that is none, with its line, and for aliases and size", () => {
  throws(() => readTemplate("a: [\nb", "x.yaml"), { message: /x\.yaml: line \d/ });
  throws(() => readTemplate("a: &a [1]\nb: *a\n", "x.yaml"), { message: /no YAML aliases/ });
  throws(() => readTemplate("x".repeat(1_000_001), "x.yaml"), {
    message: /at most 1000000 characters/,
  });
  throws(() => readTemplate(writeTemplate(small()).replace("Small", '""'), "x.yaml"), {
    message: /line 3, "name": expected its name for people/,
  });
});

Deno.test("a template of very many keys is refused at once, and so is a key that is there twice", () => {
  const many = Array.from({ length: 30_000 }, (_, n) => `k${n}: 1`);
  for (const text of [many.join("\n"), `{${many.join(", ")}}`]) {
    throws(() => readTemplate(text, "x.yaml"), { message: /at most 10000 keys/ });
  }
  throws(() => readTemplate("a: 1\nb: {c: 1, c: 2}\n", "x.yaml"), {
    message: /x\.yaml: line 2: expected the key "c" once/,
  });
  throws(() => readTemplate("? [a]\n: 1\n", "x.yaml"), { message: /expected a word as key/ });
  throws(() => readTemplate(many.slice(0, 9_000).join("\n"), "x.yaml"), (error: Error) => {
    match(error.message, /expected no "k0", [^]*"k9" and 8990 others here/);
    ok(error.message.length < 2_000);
    return true;
  });
});

Deno.test("what is missing, or too much, is said in the words of the file, at its line", () => {
  throws(() => readTemplate("gaffer_template: 1\nid: x\nhooks: []\nfiles: no\n", "x.yaml"), {
    code: "invalid",
    message: /"files": expected a list, got "no"; .*line 3: expected no "hooks" here/,
  });
  throws(() => readTemplate("id: x\n", "x.yaml"), {
    message: /"files": expected a list, but it is missing/,
  });
});

Deno.test("files that can't be beside each other are refused when the answers have led to them", () => {
  const twice = read(
    files({ path: "{{name|kebab}}.md", text: "" }, { path: "my-thing.md", text: "" }),
  );
  throws(() => filled(twice), { code: "invalid", message: /"my-thing\.md" would be there twice/ });
  const below = read(files({ path: "a", text: "" }, { path: "a/b", text: "" }));
  throws(() => filled(below), { code: "invalid", message: /lies below "a", a file/ });
  const wild = read({
    questions: [{ key: "at", label: "At", type: "text" }],
    ...files({ path: "{{at}}/x", text: "" }),
  });
  throws(() => filled(wild, { at: "../../up" }), { code: "invalid", message: /may not be/ });
  throws(() => filled(wild, { at: ".git" }), { code: "invalid", message: /git's own folder/ });
});

Deno.test("answers can lead no file out of the folder, nor among the agents that a person is shown", () => {
  const begun = (at: string) =>
    read({
      questions: [{ key: "at", label: "At", type: "text", default: at }],
      agents: [{ name: "mine", description: "Mine.", prompt: "Do it." }],
      ...files({ path: ".claud{{at}}", text: "hidden" }),
    });
  for (const at of ["e/agents/../../../.bashrc", "e/agents/evil.md", "e/agents/x/y.md"]) {
    throws(() => filled(begun(at)), { code: "invalid", message: /may not be/ }, at);
  }
  throws(() => filled(begun("e/agents/mine.md")), { code: "invalid", message: /there twice/ });
  ok(filled(begun("ius.md")).files.some(({ path }) => path === ".claude/agents/mine.md"));
});

Deno.test("two commands of one name, each right by itself, are refused with the answers that bring them together", () => {
  const template = read({
    questions: [{ key: "more", label: "More", type: "yes_no" }],
    commands: [{ name: "test", run: "a" }, { name: "test", run: "b", when: { more: "yes" } }],
  });
  equal(filled(template).commands.test, "a");
  throws(() => filled(template, { more: "yes" }), { message: /it has two commands "test"/ });
});

Deno.test("no path of a project leads out of it, into git, to what is a device elsewhere, or to what starts programs", () => {
  for (
    const path of [
      "",
      "..",
      "a/../b",
      "./a",
      "/a",
      "C:/a",
      "a\\b",
      "a//b",
      ".git/config",
      "GIT~1/x",
      "x/nul.txt",
      ".gaffer/x",
      ".claude/hooks/x",
      ".claude/agents/x.md",
      "x/.Claude/settings.json",
      ".mcp.json",
      "x/.MCP.json",
      ".vscode/mcp.json",
      ".VSCode/tasks.json",
      ".v\u017fcode/tasks.json",
      "x/.cursor/mcp.json",
      "a\u0000",
      "a\n",
      " a",
    ]
  ) ok(whyNoProjectPath(path) !== null, JSON.stringify(path));
  for (
    const path of [
      ...[".gitignore", "src/näme (1).ts", ".github/workflows/ci.yml", "@scope/a+b.txt"],
      ...[".vscode/extensions.json", "tasks.json", "src/claude/mcp.json.md"],
    ]
  ) {
    equal(whyNoProjectPath(path), null, path);
  }
});

const ROADMAP = `---
type: roadmap
---
# Ours

| Milestone | Outcome | Why | State |
|---|:-:|---|---|
| M1 | Ships \\| lands | So that | |
| M1 | Was done | | done |
| M2 | ships \\| lands | twice | |
| M2 | | nothing | |

\`\`\`
| Outcome | |
|---|---|
| not this | |
\`\`\`
`;

Deno.test("rows of a roadmap become ideas: what is done, empty or there before does not", () => {
  const { ideas: [idea, ...others], left } = roadmapIdeas([
    { path: "roadmaps/ours.md", text: ROADMAP },
  ]);
  equal(left, 0);
  deepEqual(others, []);
  deepEqual([idea!.title, idea!.description, idea!.of.document.path], [
    ...["Ships | lands", "- Milestone: M1\n- Why: So that", "roadmaps/ours.md"],
  ]);
});

Deno.test("of a long roadmap a project begins with 100 ideas, and how many more it has is said", () => {
  const rows = Array.from({ length: 130 }, (_, i) => `| Wish number ${i + 1} of them |`);
  const text = `---\ntype: roadmap\n---\n# R\n\n| Feature |\n|---|\n${rows.join("\n")}\n`;
  const { ideas, left } = roadmapIdeas([{ path: "roadmaps/long.md", text }]);
  deepEqual([ideas.length, left], [100, 30]);
});

Deno.test("a person's documents take the place of the template's, and their specs name further agents", () => {
  const spec = "# Shaders\n\n## Agents\n\n- **shader-dev**: writes shaders\n" +
    "- `bug-hunter` (as bugfix-dev): hunts\n- no agent\n\n## Else\n\n- other: not one\n";
  const documents = [
    { path: "roadmaps/ours.md", text: ROADMAP },
    { path: "specs/shaders.md", text: spec },
  ];
  const agents = documentAgents(documents, catalog);
  deepEqual(agents.map(({ name, description }) => [name, description]), [
    ["shader-dev", "writes shaders"],
    ["bug-hunter", "hunts"],
  ]);
  match(parseDefinition(agents[1]!.text, "x.md").prompt, /planning\/specs\/shaders\.md/);
  equal(parseDefinition(agents[1]!.text, "x.md").effort, catalog.get("bugfix-dev").effort);
  const plan = filled(named("rust"), {}, { documents, agents });
  deepEqual(plan.planning.map(({ path }) => path), [
    ...["architecture.md", "roadmaps/ours.md", "specs/shaders.md"],
  ]);
  ok(plan.files.some(({ path }) => path === ".claude/agents/shader-dev.md"));
  match(
    plan.files.find(({ path }) => path === "CLAUDE.md")!.content,
    /- `shader-dev`: writes shaders/,
  );
  throws(() => filled(named("rust"), {}, { documents: [{ path: "../x.md", text: "" }] }), {
    code: "invalid",
  });
});

Deno.test("documents with endless lines are read in no time", () => {
  const spaces = " ".repeat(250_000);
  const lines = [
    `# a${spaces}x`,
    `## Agents ${"#".repeat(250_000)}`,
    `- a${spaces}x`,
    `- b: ${spaces}x`,
  ];
  const text = `${lines.join("\n")}\n- c: does it\n#${spaces}#x\n- d: not one\n`;
  deepEqual(documentAgents([{ path: "a.md", text }], catalog).map(({ name }) => name), ["c"]);
});

Deno.test("a person's commands go before the template's, also in what agents read", () => {
  const plan = filled(named("custom"), {}, { commands: { test: "make check", build: "" } });
  deepEqual(plan.commands, { test: "make check" });
  match(
    plan.files.find(({ path }) => path === "CLAUDE.md")!.content,
    /## Commands\n\n- test: `make check`\n/,
  );
});
