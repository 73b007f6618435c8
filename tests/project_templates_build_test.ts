/** What templates begin with really builds and tests, where the tools are: by the commands that the project gets. */
import { strictEqual as equal } from "node:assert";
import { tempDir } from "./gaffer.ts";
import { everyChoice, filled, hostile, named, writeFiles } from "./project_templates_support.ts";

/** Null: there is no such program here. */
function version(program: string): string | null {
  try {
    const { stdout } = new Deno.Command(program, { args: ["--version"] }).outputSync();
    return new TextDecoder().decode(stdout);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return null;
    throw error;
  }
}

const node = Number(/v(\d+)/.exec(version("node") ?? "")?.[1] ?? 0);
const python = Number(/3\.(\d+)/.exec(version("python3") ?? "")?.[1] ?? 0);

/** Those whose setup would need the network are checked for their form alone. */
const built: {
  id: string;
  choose: (answers: Record<string, string>) => boolean;
  there: boolean;
  needs: string;
}[] = [
  { id: "custom", choose: () => true, there: true, needs: "sh" },
  {
    id: "js-package",
    choose: (a) => a.runtime === "deno" && a.source === "jsdoc" && a.license === "mit",
    there: true,
    needs: "Deno",
  },
  {
    id: "js-package",
    choose: (a) => a.runtime === "node" && a.source === "jsdoc" && a.license === "mit",
    there: node >= 20,
    needs: "Node 20",
  },
  {
    id: "web-full-stack",
    choose: (a) => a.runtime === "deno" && a.data === "sqlite",
    there: true,
    needs: "Deno",
  },
  {
    id: "web-full-stack",
    choose: (a) => a.runtime === "node" && a.data === "memory",
    there: node >= 20,
    needs: "Node 20",
  },
  {
    id: "web-full-stack",
    choose: (a) => a.runtime === "node" && a.data === "sqlite",
    there: node >= 23,
    needs: "Node 23",
  },
  {
    id: "python-package",
    choose: (a) => a.tests === "unittest",
    there: python >= 11,
    needs: "Python 3.11",
  },
];

for (const { id, choose, there, needs } of built) {
  for (const answers of everyChoice(named(id)).filter(choose)) {
    const words = `${id} with ${Object.values(answers).join(", ") || "its defaults"}`;
    Deno.test({
      name: `a project of ${words} builds and passes its tests${
        there ? "" : ` (skipped: no ${needs})`
      }`,
      ignore: !there,
      async fn() {
        await using dir = await tempDir();
        const plan = filled(named(id), { ...hostile, ...answers });
        await writeFiles(dir.path, plan);
        for (const name of ["build", "test"] as const) {
          const { code, stdout, stderr } = await new Deno.Command("sh", {
            args: ["-c", plan.commands[name]!],
            cwd: dir.path,
            // The project's own Deno is the one that runs this test, whatever PATH names.
            env: {
              PATH: `${Deno.execPath().replace(/\/[^/]*$/, "")}:${Deno.env.get("PATH")}`,
              NO_COLOR: "1",
            },
            stdout: "piped",
            stderr: "piped",
          }).output();
          const said = new TextDecoder().decode(stdout) + new TextDecoder().decode(stderr);
          equal(code, 0, `${plan.commands[name]}\n${said}`);
        }
      },
    });
  }
}
