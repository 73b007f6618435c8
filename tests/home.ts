/** Another home folder for this process. Files of tests that run beside each other share its environment. */
import { dirname, join } from "node:path";

/** A home with these files. */
export interface Home extends AsyncDisposable {
  path: string;
}

/** Whoever asks for it while another file's test has it waits; the home of before is back at the end. */
export async function moveHome(files: Record<string, string> = {}): Promise<Home> {
  const lock = await Deno.open(join(tempRoot(), `gaffer-home-${Deno.pid}.lock`), {
    create: true,
    write: true,
  });
  await lock.lock(true);
  // Short: a socket of OpenPGP's agent is in it.
  const path = await Deno.makeTempDir({ prefix: "g" });
  for (const [name, text] of Object.entries(files)) {
    await Deno.mkdir(dirname(join(path, name)), { recursive: true });
    await Deno.writeTextFile(join(path, name), text);
  }
  const before = Deno.env.get("HOME");
  Deno.env.set("HOME", path);
  return {
    path,
    async [Symbol.asyncDispose]() {
      if (before === undefined) Deno.env.delete("HOME");
      else Deno.env.set("HOME", before);
      await lock.unlock();
      lock.close();
      // Programs of other tests that began meanwhile may still write there: then it stays.
      await Deno.remove(path, { recursive: true }).catch(() => {});
    },
  };
}

const tempRoot = () => Deno.env.get("TMPDIR") ?? "/tmp";
