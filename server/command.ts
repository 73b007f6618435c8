/** The command line: what to do, and the exit code it ends with (0 done, 1 failed, 2 wrong usage). */
import { AppError, messageOf } from "./errors.ts";
import { loadConfig } from "./config.ts";
import { serve } from "./serve.ts";
import { VERSION } from "./version.ts";

const usage = `gaffer ${VERSION}: a self-hosted foreman for software agents

  gaffer [serve]     serve the pages and run the agents
    --port N         port to listen on, 0 for any free one   (GAFFER_PORT, 4242)
    --host ADDRESS   address to listen on                    (GAFFER_HOST, 127.0.0.1)
    --data FOLDER    where everything is kept                (GAFFER_DATA)
    --log FORMAT     human or json                           (GAFFER_LOG, human)
    --sandbox MODE   auto, or off to do without bubblewrap   (GAFFER_SANDBOX, auto)
  gaffer version     print the version
  gaffer help        print this

ANTHROPIC_API_KEY makes the agents use the Claude API (at ANTHROPIC_BASE_URL, if set);
without it the built-in demo model answers.`;

/** Runs one command. `root` is the folder of main.ts, or of the bundle inside the executable. */
export async function runCommand(args: string[], root: URL): Promise<number> {
  const [name = "serve", ...rest] = args;
  try {
    switch (name) {
      case "version":
      case "--version":
        console.log(`gaffer ${VERSION}`);
        return 0;
      case "help":
      case "--help":
      case "-h":
        console.log(usage);
        return 0;
    }
    if (name !== "serve" && !name.startsWith("-")) {
      throw new AppError(
        "invalid",
        `Cannot run "${name}": there is no such command. See gaffer help`,
      );
    }
    const config = loadConfig({
      args: name === "serve" ? rest : args,
      env: Deno.env.toObject(),
      readFile,
      cwd: Deno.cwd(),
      checkout: !Deno.build.standalone,
    });
    return await serve(config, root);
  } catch (error) {
    if (!(error instanceof AppError)) throw error;
    console.error(`gaffer: ${messageOf(error)}`);
    return error.code === "invalid" ? 2 : 1;
  }
}

function readFile(path: string): string | null {
  try {
    return Deno.readTextFileSync(path);
  } catch (error) {
    // A folder that can't be made is told of when it is made.
    if (error instanceof Deno.errors.NotFound || error instanceof Deno.errors.NotADirectory) {
      return null;
    }
    throw new AppError("invalid", `Cannot read ${path}: ${messageOf(error)}`, [], { cause: error });
  }
}
