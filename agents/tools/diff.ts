/** The diff of one change, for people. */

const CONTEXT_LINES = 3;
/** A diff that takes longer to find is not worth the wait. */
const DIFF_TIMEOUT_MS = 500;
const MAX_DIFF_CHARS = 100_000;

/** Unified diff with file headers as git writes them; `before` is null for a new file. Undefined: too large. */
export async function unifiedDiff(
  path: string,
  before: string | null,
  after: string,
): Promise<string | undefined> {
  const { createTwoFilesPatch, FILE_HEADERS_ONLY } = await import("diff");
  const patch = createTwoFilesPatch(
    before === null ? "/dev/null" : `a/${path}`,
    `b/${path}`,
    before ?? "",
    after,
    undefined,
    undefined,
    { context: CONTEXT_LINES, timeout: DIFF_TIMEOUT_MS, headerOptions: FILE_HEADERS_ONLY },
  );
  return patch !== undefined && patch.length <= MAX_DIFF_CHARS ? patch : undefined;
}
