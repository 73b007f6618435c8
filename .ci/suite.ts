/**
 * `deno task test`: runs all tests. Each file by itself would load the program anew, which takes as long as most of
 * what the smaller ones do: so a few files that follow each other share what one of them has loaded. Arguments
 * (`--filter …`, `--junit-path …`) go to `deno test`.
 */
import { basename, join } from "node:path";
import { bundledProgram } from "../tests/bundled.ts";
import { memoryFolder } from "./memory_folder.ts";

const root = join(import.meta.dirname!, "..");

/**
 * What takes longest, by what its name begins with. Each is a part of its own, and they begin first: one that begins
 * late runs alone at the end, when the other processors have nothing to do any more.
 */
const LONGEST = [
  ...["pages_browser", "escapes/", "planning_browser", "containment", "chaos", "many_tickets"],
  ...["power_loss", "idea_browser", "crash", "hands", "document_kill", "restore", "faults"],
];
/** How many files share one load: few enough that the last ones to run are not long alone. */
const LIGHT_TOGETHER = 10;
/** Those with servers and browsers of their own, whose loading is the lesser part. */
const HEAVY_TOGETHER = 3;
/** Its hooks would run around the tests of the others, too. */
const hasHooks = (source: string) => /Deno\.test\.(?:before|after)/.test(source);
const isHeavy = (source: string) => /"\.\/(gaffer|browser|\w*journey_support)\.ts"/.test(source);

const files = [...["", "escapes/", "fake_claude/"].flatMap(testsIn)];
const sourceOf = (name: string) => Deno.readTextFileSync(join(root, "tests", name));
const longest = LONGEST.flatMap((start) => files.filter((name) => name.startsWith(start)));
const alone = new Set([...longest, ...files.filter((name) => hasHooks(sourceOf(name)))]);
const others = files.filter((name) => !alone.has(name));
const heavy = others.filter((name) => isHeavy(sourceOf(name)));
const light = others.filter((name) => !heavy.includes(name));

/** Of its own for each run, as several may run side by side. */
const folder = join(root, ".suite", String(Deno.pid));
await Deno.mkdir(folder, { recursive: true });
const memory = await memoryFolder();
// Ctrl C reaches the tests as well: they end, and then the folder goes.
Deno.addSignalListener("SIGINT", () => {});
try {
  // Else each of those that begin side by side makes one of its own.
  await bundledProgram();
  const parts = [
    ...inParts([...alone], 1),
    ...inParts(heavy, HEAVY_TOGETHER),
    ...inParts(light, LIGHT_TOGETHER),
  ].map(write);
  const { DENO_JOBS = String(navigator.hardwareConcurrency + 1) } = Deno.env.toObject();
  const test = ["test", "-A", "--no-prompt", "--no-check", "--parallel", ...Deno.args, ...parts];
  const [program, ...args] = [...memory?.command ?? [], Deno.execPath(), ...test];
  const { code } = await new Deno.Command(program!, {
    args,
    cwd: root,
    env: { DENO_JOBS, ...memory && { TMPDIR: memory.path } },
  }).spawn().status;
  Deno.exitCode = code;
} finally {
  await Deno.remove(folder, { recursive: true });
  if (memory) await Deno.remove(memory.path);
}

function testsIn(folder: string): string[] {
  return [...Deno.readDirSync(join(root, "tests", folder))]
    .map(({ name }) => folder + name)
    .filter((path) => /_test\.tsx?$/.test(path))
    .sort();
}

function inParts(names: string[], size: number): string[][] {
  return Array.from(
    { length: Math.ceil(names.length / size) },
    (_, part) => names.slice(part * size, (part + 1) * size),
  );
}

/** Path of a module that has the tests of all these files; it bears the name of the first and the last. */
function write(names: string[]): string {
  const path = join(folder, `${short(names[0]!)}..${short(names.at(-1)!)}.js`);
  const imports = names.map((name) => `import "../../tests/${name}";\n`);
  Deno.writeTextFileSync(path, imports.join(""));
  return path;
}

function short(name: string): string {
  return basename(name).replace(/_test\.tsx?$/, "");
}
