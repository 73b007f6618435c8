/** What setup has fetched for one ticket is there for the next; what an agent has written is not. */
import { deepStrictEqual as deepEqual, match, ok, strictEqual as equal } from "node:assert";
import { fillHome, keepHome } from "../server/services/caches.ts";
import { homeOf, removeHome } from "../server/services/homes.ts";
import { confinements, noSignal, testHands, TestPlace } from "./place_support.ts";
import { tempDir } from "./gaffer.ts";
import { testApp } from "./support.ts";

const names = (folder: string) => [...Deno.readDirSync(folder)].map(({ name }) => name).sort();

Deno.test("a home begins as the newest that setup has left, and a home at work is left alone", async () => {
  await using temp = await tempDir();
  using app = testApp({ config: { dataDir: temp.path } });
  const project = app.project();
  const homes = [];
  for (const ticket of ["1", "2", "3"]) homes.push(await homeOf(`${temp.path}/${ticket}`));
  const [one, two, three] = homes as [string, string, string];
  await fillHome(app, project, one, noSignal);
  await keepHome(app, project, one, noSignal);
  deepEqual(names(one), [], "nothing was fetched, so nothing is kept");

  await Deno.mkdir(`${one}/.cache`);
  await Deno.writeTextFile(`${one}/.cache/module`, "fetched\n", { mode: 0o444 });
  await Deno.symlink("/etc", `${one}/link`);
  await Deno.chmod(`${one}/.cache`, 0o555);
  await keepHome(app, project, one, noSignal);
  await fillHome(app, project, two, noSignal);
  equal(await Deno.readTextFile(`${two}/.cache/module`), "fetched\n");
  ok((await Deno.lstat(`${two}/link`)).isSymlink);
  ok(
    (await Deno.stat(`${two}/.cache/module`)).ino !== (await Deno.stat(`${one}/.cache/module`)).ino,
  );

  const cache = `${temp.path}/projects/${project.slug}/cache`;
  await keepHome(app, project, two, noSignal);
  deepEqual(names(cache), ["000001"], "the same again is not kept again");
  for (const size of [100_000, 200_000, 300_000]) {
    await Deno.writeFile(`${two}/more`, new Uint8Array(size));
    await keepHome(app, project, two, noSignal);
  }
  deepEqual(names(cache), ["000003", "000004"]);

  await Deno.writeTextFile(`${three}/own`, "at work");
  await fillHome(app, project, three, noSignal);
  deepEqual(names(three), ["own"]);
  for (const ticket of ["1", "2", "3"]) await removeHome(`${temp.path}/${ticket}`);
});

Deno.test("a copy that can't be made leaves the home empty", async () => {
  await using temp = await tempDir();
  using app = testApp({ config: { dataDir: temp.path } });
  const project = app.project();
  const home = await homeOf(`${temp.path}/1`);
  await Deno.mkdir(`${temp.path}/projects/${project.slug}/cache`, { recursive: true });
  await Deno.writeTextFile(`${temp.path}/projects/${project.slug}/cache/000001`, "no folder");
  await fillHome(app, project, home, noSignal);
  deepEqual(names(home), []);
  deepEqual(names(temp.path), ["1.home", "projects"]);
});

Deno.test({
  name: "what an agent writes into its home reaches no other ticket's setup",
  ignore: confinements[0].ignore,
  async fn() {
    await using temp = await tempDir();
    await using place = new TestPlace();
    using app = testApp({ config: { dataDir: temp.path } });
    const project = app.project();
    await using hands = testHands("auto");
    const setup = async (home: string) => {
      const spec = {
        command:
          'cat "$HOME/.npm/install.sh" || { mkdir -p "$HOME/.npm"; echo "echo good" > "$HOME/.npm/install.sh"; }',
        ...{ cwd: "", timeoutMs: 30_000, env: {} },
      };
      await fillHome(app, project, home, noSignal);
      const at = { ...place.place, homeDir: home };
      const { output } = await hands.command(at, spec, {
        signal: noSignal,
        unconfinedAllowed: false,
      });
      await keepHome(app, project, home, noSignal);
      await hands.release(place.dir); // each ticket has a folder of its own
      return output;
    };
    const first = await homeOf(`${temp.path}/1`);
    match(await setup(first), /No such file/);
    const agent = { ...place.place, homeDir: first };
    const poison =
      'echo "echo evil" > "$HOME/.npm/install.sh"; cat "$HOME/.npm/install.sh"; ls -d /tmp/home/..*/*cache';
    match((await hands.use(agent, "Bash", { command: poison })).content, /evil/);
    await hands.release(place.dir);
    equal(await setup(await homeOf(`${temp.path}/2`)), "echo good\n");
  },
});
