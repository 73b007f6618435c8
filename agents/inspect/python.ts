/** Python projects: uv, Poetry, Pipenv, or a virtual environment of their own. */
import { anyPath, firstOf, type ProjectFiles, type Proposals } from "./proposal.ts";

const markers = [
  "pyproject.toml",
  "setup.py",
  "setup.cfg",
  "requirements.txt",
  "Pipfile",
  "pytest.ini",
];
const testFile = /(^|\/)(test_[^/]*|[^/]*_test)\.py$/;

/** How packages get installed, and what goes before a command to use them. */
const tools: [file: string, setup: string, prefix: string][] = [
  ["uv.lock", "uv sync", "uv run "],
  ["poetry.lock", "poetry install", "poetry run "],
  ["Pipfile", "pipenv sync --dev", "pipenv run "],
];

/** Kept out of git from the inside, since not every repository ignores it. */
const makeVenv = "python3 -m venv .venv && echo '*' > .venv/.gitignore && ";

export async function python(files: ProjectFiles): Promise<Proposals> {
  if (!firstOf(files, markers) && !anyPath(files, testFile)) return {};
  const { setup, prefix } = environment(files);
  const runner = await testRunner(files, prefix);
  return { ...(setup && { setup }), ...(runner && { test: runner }) };
}

function environment(files: ProjectFiles) {
  const tool = tools.find(([file]) => files.paths.has(file));
  if (tool) return { setup: { command: tool[1], why: `There is ${tool[0]}` }, prefix: tool[2] };
  const lists = ["requirements.txt", "requirements-dev.txt", "dev-requirements.txt"]
    .filter((file) => files.paths.has(file));
  const own = firstOf(files, ["pyproject.toml", "setup.py"]);
  const packages = [...lists.map((file) => `-r ${file}`), ...(own ? ["-e ."] : [])].join(" ");
  if (!packages) return { setup: undefined, prefix: "" };
  const command = `${makeVenv}.venv/bin/pip install ${packages}`;
  return { setup: { command, why: `There is ${lists[0] ?? own}` }, prefix: ".venv/bin/" };
}

async function testRunner(files: ProjectFiles, prefix: string) {
  const direct = firstOf(files, ["pytest.ini", "conftest.py", "tests/conftest.py"]);
  const named = direct ?? await firstMention(files, "pytest");
  const exec = prefix === "" ? "python3 -m " : `${prefix}python -m `;
  if (named) return { command: `${exec}pytest`, why: `${named} speaks of pytest` };
  if (!anyPath(files, testFile)) return undefined;
  const root = anyPath(files, /^tests\/(?:.*\/)?(test_[^/]*|[^/]*_test)\.py$/) ? " -s tests" : "";
  return { command: `${exec}unittest discover${root}`, why: "There are files named like tests" };
}

async function firstMention(files: ProjectFiles, word: string): Promise<string | undefined> {
  const lists = [
    "pyproject.toml",
    "setup.cfg",
    "tox.ini",
    "requirements.txt",
    "requirements-dev.txt",
  ];
  for (const path of lists) if ((await files.read(path))?.includes(word)) return path;
  return undefined;
}
