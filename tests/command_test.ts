/** The command line: what each command says, and the exit code it ends with. */
import { deepStrictEqual as deepEqual, match, strictEqual as equal } from "node:assert";
import { join } from "node:path";
import { runCommand } from "../server/command.ts";
import { openDataFolder } from "../server/data_folder.ts";
import { migrate, openDb } from "../server/db.ts";
import { VERSION } from "../server/version.ts";
import { tempDir } from "./gaffer.ts";

const NOW = "2026-01-02T03:04:05.000Z";
const root = new URL("../", import.meta.url);

/** Runs one command with what it prints caught. */
async function run(...args: string[]): Promise<{ code: number; out: string[]; errors: string[] }> {
  const { log, error } = console;
  const out: string[] = [];
  const errors: string[] = [];
  console.log = (...values) => void out.push(values.join(" "));
  console.error = (...values) => void errors.push(values.join(" "));
  try {
    return { code: await runCommand(args, root), out, errors };
  } finally {
    Object.assign(console, { log, error });
  }
}

Deno.test("version and --version print the version", async () => {
  for (const name of ["version", "--version"]) {
    deepEqual(await run(name), { code: 0, out: [`gaffer ${VERSION}`], errors: [] });
  }
});

Deno.test("help, --help and -h tell every flag and variable, also behind a command", async () => {
  const asks = [["help"], ["--help"], ["-h"], ["serve", "--help"], ["backup", "-h"], [
    "restore",
    "--help",
  ]];
  for (const args of asks) {
    const { code, out } = await run(...args);
    equal(code, 0);
    for (const flag of ["port", "host", "data", "log", "sandbox"]) {
      match(out[0]!, new RegExp(`--${flag} .*\\(GAFFER_${flag.toUpperCase()}`));
    }
    match(out[0]!, /ANTHROPIC_API_KEY.*Claude API.*ANTHROPIC_BASE_URL/s);
  }
});

Deno.test("a command that does not exist ends with 2 and names help", async () => {
  deepEqual(await run("fly", "--port", "1"), {
    code: 2,
    out: [],
    errors: ['gaffer: Cannot run "fly": there is no such command. See gaffer help'],
  });
});

Deno.test("a wrong flag ends with 2, with and without the word serve", async () => {
  for (const args of [["--fast"], ["serve", "--fast"], ["serve", "now"], ["--port=many"]]) {
    const { code, errors } = await run(...args);
    equal(code, 2, args.join(" "));
    match(errors[0]!, /^gaffer: Cannot /);
  }
});

Deno.test("a wrong config.yaml ends with 2, with key and line", async () => {
  await using data = await tempDir();
  await Deno.writeTextFile(join(data.path, "config.yaml"), "# mine\nmax_runs: lots\n");
  const { code, errors } = await run("serve", "--data", data.path);
  equal(code, 2);
  match(errors[0]!, /the key "max_runs" in config.yaml \(line 2\) is wrong/);
});

Deno.test("a config.yaml that can't be read ends with 2", async () => {
  await using data = await tempDir();
  await Deno.mkdir(join(data.path, "config.yaml"));
  const { code, errors } = await run("serve", "--data", data.path);
  equal(code, 2);
  match(errors[0]!, /^gaffer: Cannot read .*config\.yaml: /);
});

Deno.test("a data folder that can't be made ends with 2", async () => {
  await using temp = await tempDir();
  const file = join(temp.path, "file");
  await Deno.writeTextFile(file, "");
  const { code, errors } = await run("--data", join(file, "data"));
  equal(code, 2);
  match(errors[0]!, /^gaffer: Cannot use the data folder .*--data$/);
});

Deno.test("a data folder that another server uses ends with 1", async () => {
  await using data = await tempDir();
  const other = openDataFolder(data.path, NOW);
  const { code, errors } = await run("serve", "--data", data.path);
  equal(code, 1);
  match(errors[0]!, new RegExp(`^gaffer: Cannot start: another Gaffer \\(process ${Deno.pid},`));
  other.release();
});

Deno.test("the database of a newer Gaffer ends with 1, and the folder is free again", async () => {
  await using data = await tempDir();
  const db = openDb(join(data.path, "gaffer.db"));
  migrate(db, NOW);
  db.exec("INSERT INTO migrations VALUES (9999, '9999_later', '2030-01-01T00:00:00.000Z')");
  db.close();
  const { code, errors } = await run("serve", "--data", data.path);
  equal(code, 1);
  match(errors[0]!, /^gaffer: Cannot open the database: it has the migration "9999_later"/);
  openDataFolder(data.path, NOW).release();
});

// ------------------------------------------------------------------ backup and restore

async function database(dataDir: string, ...notes: string[]): Promise<void> {
  await Deno.mkdir(dataDir, { recursive: true });
  const db = openDb(join(dataDir, "gaffer.db"));
  migrate(db, NOW);
  const insert = db.prepare("INSERT INTO settings VALUES (:key, '1', :now)");
  for (const key of notes) insert.run({ key, now: NOW });
  db.close();
}

function notesIn(path: string): unknown[] {
  const db = openDb(path);
  const rows = db.prepare("SELECT key FROM settings ORDER BY key").all();
  db.close();
  return rows.map(({ key }) => key);
}

Deno.test("backup copies into the data folder, and to a file that is named, also beside a server", async () => {
  await using data = await tempDir();
  await database(data.path, "saved");
  const server = openDataFolder(data.path, NOW);
  const inside = await run("backup", "--data", data.path);
  equal(inside.code, 0);
  const [, path] = /^Backed up to (.*backups\/gaffer-.*-manual\.db)$/.exec(inside.out[0]!)!;
  deepEqual(notesIn(path!), ["saved"]);
  const mine = join(data.path, "mine.db");
  const named = await run("backup", mine, "--data", data.path);
  deepEqual(named, { code: 0, out: [`Backed up to ${mine}`], errors: [] });
  deepEqual(notesIn(mine), ["saved"]);
  const again = await run("backup", mine, "--data", data.path);
  deepEqual(again.errors, [`gaffer: Cannot back up to ${mine}: it exists. Name another file`]);
  equal(again.code, 1);
  server.release();
});

Deno.test("restore brings back what was backed up, and says where the data before is", async () => {
  await using data = await tempDir();
  await database(data.path, "before");
  const mine = join(data.path, "mine.db");
  await run("backup", mine, "--data", data.path);
  await database(data.path, "after");
  const { code, out } = await run("restore", mine, "--data", data.path);
  equal(code, 0);
  equal(out[0], `Restored ${mine} to ${data.path}`);
  const [, aside] = /^What was there before is in (.*)$/.exec(out[1]!)!;
  deepEqual(notesIn(join(data.path, "gaffer.db")), ["before"]);
  deepEqual(notesIn(join(aside!, "gaffer.db")), ["after", "before"]);
  openDataFolder(data.path, NOW).release();
});

Deno.test("restore refuses the folder of a running server, and names the server", async () => {
  await using data = await tempDir();
  await database(data.path, "mine");
  const mine = join(data.path, "mine.db");
  await run("backup", mine, "--data", data.path);
  const server = openDataFolder(data.path, NOW);
  server.announce("http://127.0.0.1:4242");
  const { code, errors } = await run("restore", mine, "--data", data.path);
  equal(code, 1);
  match(
    errors[0]!,
    new RegExp(
      `^gaffer: Cannot restore: another Gaffer \\(process ${Deno.pid}, http://127.0.0.1:4242, since`,
    ),
  );
  server.release();
  equal((await run("restore", mine, "--data", data.path)).code, 0);
});

Deno.test("a restore that is refused leaves the folder free, and as doubtful as it was", async () => {
  await using data = await tempDir();
  await database(data.path, "mine");
  openDataFolder(data.path, NOW).abandon(); // its server was killed
  const { code, errors } = await run("restore", join(data.path, "none.db"), "--data", data.path);
  equal(code, 2);
  match(
    errors[0]!,
    /^gaffer: Cannot restore .*none\.db: there is no such file\. Nothing was changed$/,
  );
  const folder = openDataFolder(data.path, NOW);
  equal(folder.unclean, true);
  folder.release();
});

Deno.test("what backup and restore can't mean ends with 2 and the reason", async () => {
  await using data = await tempDir();
  const wrong: [string[], RegExp][] = [
    [["backup"], /there is no database in .* Choose the data folder with --data/],
    [["backup", "a", "b"], /Cannot back up: name one file, or none/],
    [["backup", "--fast"], /Cannot back up: .*--fast/],
    [["restore"], /Cannot restore: name one file, as gaffer restore FILE/],
    [["restore", "a", "b"], /Cannot restore: name one file/],
    [["restore", "--all"], /Cannot restore: .*--all/],
  ];
  for (const [args, message] of wrong) {
    const { code, errors } = await run(...args, "--data", data.path);
    equal(code, 2, args.join(" "));
    match(errors[0]!, message);
  }
  deepEqual([...Deno.readDirSync(data.path)], [], "nothing was made");
});
