/** Work that is worth something only while somebody waits for its answer. */
import { requestSignal } from "../api.ts";
import { AppError } from "../errors.ts";

/**
 * An export for a request: ends with the request's time, and when whoever asked has left. Without Deno's switch
 * `no-legacy-abort` the signal of a request also aborts once it is answered, when there is nothing left to end, and Deno
 * warns of that. Throws `conflict` for both ends, and what `make` throws.
 */
export async function whileAwaited<T>(
  { signal: left }: Pick<Request, "signal">,
  make: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const end = AbortSignal.any([left, requestSignal()]);
  try {
    return await make(end);
  } catch (cause) {
    if (!end.aborted || cause !== end.reason) throw cause;
    throw new AppError(
      "conflict",
      left.aborted
        ? "Cannot export: whoever asked for it has left"
        : "Cannot export: it takes longer than a request may. Export single documents, or try again when less is going on",
      [],
      { cause },
    );
  }
}
