/** Another home folder for this process. Files of tests that run beside each other share its environment. */
import { join } from "node:path";

/** Whoever asks for it while another file's test has it waits; given back at the end. */
export async function moveHome(home: string): Promise<AsyncDisposable> {
  const lock = await Deno.open(join(tempRoot(), `gaffer-home-${Deno.pid}.lock`), {
    create: true,
    write: true,
  });
  await lock.lock(true);
  const before = Deno.env.get("HOME");
  Deno.env.set("HOME", home);
  return {
    async [Symbol.asyncDispose]() {
      if (before === undefined) Deno.env.delete("HOME");
      else Deno.env.set("HOME", before);
      await lock.unlock();
      lock.close();
    },
  };
}

const tempRoot = () => Deno.env.get("TMPDIR") ?? "/tmp";
