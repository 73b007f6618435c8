/** Which commands fetch packages, as far as their names tell. */

/** Of the installers that `proposeCommands` knows, and their usual relatives. */
const fetching = new RegExp(
  "(^|[\\s;&|(/])(" + [
    "npm (ci|i|install)",
    "(pnpm|bun) (i|install)",
    "yarn( install)?(?=\\s*(--|[;&|]|$))",
    "deno (install|cache)",
    "cargo (fetch|vendor)",
    "go mod (download|vendor)",
    "(pip3?|uv pip) install",
    "uv sync",
    "poetry install",
    "pipenv (sync|install)",
    "mix deps\\.get",
    "bundle install",
    "composer install",
    "dotnet restore",
    "apt(-get)? install",
    "(curl|wget)(?= )",
  ].join("|") + ")(?=[\\s;&|)]|$)",
);

/** The command is one that needs the network. False for what is not known: a script may do anything. */
export const needsNetwork = (command: string): boolean => fetching.test(command.trim());
