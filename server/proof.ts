/** The proof that agents are confined: at start-up, brains and hands try what they must not be able to do. */
import type { Brains } from "../agents/brains.ts";
import type { Hands } from "../agents/hands_client.ts";
import { messageOf } from "./errors.ts";

export interface ProofOptions {
  brains: Pick<Brains, "canary">;
  hands: Pick<Hands, "canary">;
  dataDir: string;
  /** Before it begins: starting a brain holds up this thread, and the first pages come before it. */
  delayMs: number;
}

/**
 * Null: confined. Otherwise why no agent may run. Whatever goes wrong in trying counts as a hole: a missing
 * flag must never fail open.
 */
export async function proveConfinement(
  { brains, hands, dataDir, delayMs }: ProofOptions,
): Promise<string | null> {
  await new Promise((resolve) => setTimeout(resolve, delayMs));
  const secret = `${dataDir}/canary`;
  try {
    await Deno.writeTextFile(secret, crypto.randomUUID());
    // Something must listen, or a refused connection would look like a forbidden one.
    using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    const { port } = listener.addr as Deno.NetAddr;
    const holes = await Promise.all([brains.canary(secret, port), hands.canary(secret, port)]);
    const hole = holes.find((found) => found !== null);
    return hole ? `Agents do not run: their confinement has a hole (${hole})` : null;
  } catch (error) {
    return `Agents do not run: their confinement could not be proven (${messageOf(error)})`;
  } finally {
    await Deno.remove(secret).catch(() => {}); // never written, or left to be overwritten next time
  }
}
