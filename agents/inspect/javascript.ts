/** Deno's tasks, and the scripts of npm, pnpm, yarn and bun. */
import { anyPath, firstOf, type ProjectFiles, type Proposals } from "./proposal.ts";
import { parseJsonc } from "./jsonc.ts";

const testFile = /(^|\/)(tests?\/[^/]+|[^/]*[._-]test)\.[cm]?[jt]sx?$/;

interface DenoConfig {
  tasks?: Record<string, unknown>;
  imports?: Record<string, unknown>;
}

export async function denoTasks(files: ProjectFiles): Promise<Proposals> {
  const path = firstOf(files, ["deno.json", "deno.jsonc"]);
  const config = path && parseJsonc(await files.read(path) ?? "") as DenoConfig | null;
  if (!path || !config) return {};
  const task = (name: string) =>
    config.tasks && Object.hasOwn(config.tasks, name)
      ? { command: `deno task ${name}`, why: `${path} has a task "${name}"` }
      : undefined;
  const found: Proposals = {};
  const build = task("build") ?? task("check");
  const test = task("test") ??
    (anyPath(files, testFile)
      ? { command: "deno test -A", why: `${path}, and files named like tests` }
      : undefined);
  if (Object.keys(config.imports ?? {}).length > 0 || files.paths.has("package.json")) {
    found.setup = { command: "deno install", why: `${path} lists packages` };
  }
  return { ...found, ...(build && { build }), ...(test && { test }) };
}

interface PackageJson {
  scripts?: Record<string, string>;
  dependencies?: Record<string, string>;
  devDependencies?: Record<string, string>;
  packageManager?: string;
}

/** Which program a lock file belongs to, and how it installs exactly what is locked. */
const locks: [file: string, program: string, install: string][] = [
  ["package-lock.json", "npm", "npm ci"],
  ["npm-shrinkwrap.json", "npm", "npm ci"],
  ["pnpm-lock.yaml", "pnpm", "pnpm install --frozen-lockfile"],
  ["yarn.lock", "yarn", "yarn install --frozen-lockfile"],
  ["bun.lock", "bun", "bun install --frozen-lockfile"],
  ["bun.lockb", "bun", "bun install --frozen-lockfile"],
];

export async function packageScripts(files: ProjectFiles): Promise<Proposals> {
  const text = await files.read("package.json");
  const manifest = text === null ? null : parseJsonc(text) as PackageJson | null;
  if (!manifest) return {};
  const { program, setup } = installer(files, manifest);
  const script = (name: string) => {
    const command = manifest.scripts?.[name];
    if (!command || /no test specified/.test(command)) return undefined;
    const run = name === "test" && program !== "bun" ? `${program} test` : `${program} run ${name}`;
    return { command: run, why: `package.json has a script "${name}"` };
  };
  const build = script("build") ?? script("compile") ?? script("typecheck");
  const test = script("test") ?? usualTest(files, program);
  return { ...(setup && { setup }), ...(build && { build }), ...(test && { test }) };
}

function installer(files: ProjectFiles, manifest: PackageJson) {
  const lock = locks.find(([file]) => files.paths.has(file));
  const declared = /^(npm|pnpm|yarn|bun)@/.exec(manifest.packageManager ?? "")?.[1];
  const program = declared ?? lock?.[1] ?? "npm";
  const packages = { ...manifest.dependencies, ...manifest.devDependencies };
  if (Object.keys(packages).length === 0 && !lock) return { program, setup: undefined };
  const leaves = "node_modules";
  if (!lock || lock[1] !== program) {
    return {
      program,
      setup: { command: `${program} install`, why: "package.json lists packages", leaves },
    };
  }
  const [file, , install] = lock;
  const berry = program === "yarn" && files.paths.has(".yarnrc.yml");
  const command = berry ? "yarn install --immutable" : install;
  return { program, setup: { command, why: `${file} pins the packages`, leaves } };
}

/** No script, but files that a runner finds by their names. */
function usualTest(files: ProjectFiles, program: string) {
  if (!anyPath(files, testFile)) return undefined;
  const command = program === "bun" ? "bun test" : "node --test";
  return { command, why: "There are files named like tests, and no script for them" };
}
