/** An HTML file as PDF, by a browser without a window: with a profile of its own, no network, and an end in time. */
import { SECOND_MS } from "../server/clock.ts";
import { AppError } from "../server/errors.ts";
import { inOwnGroup, signalAll } from "./process_group.ts";

/** How long a browser may take. */
const PRINT_MS = 90 * SECOND_MS;
/** Of what it says, for the message when it fails. */
const STDERR_BYTES = 64 * 1024;
/** Largest PDF that is read, in bytes. */
const PDF_BYTES = 200 * 1024 * 1024;

const flags = [
  ...[
    "--headless",
    "--disable-gpu",
    "--no-first-run",
    "--no-default-browser-check",
    "--mute-audio",
  ],
  ...["--disable-background-networking", "--disable-component-update", "--disable-sync"],
  ...[
    "--disable-extensions",
    "--disable-default-apps",
    "--disable-breakpad",
    "--disable-dev-shm-usage",
  ],
  // The file needs nothing from elsewhere, and its content policy lets nothing in; this is the second bolt.
  ...["--host-resolver-rules=MAP * ~NOTFOUND", "--disable-quic", "--proxy-server=127.0.0.1:9"],
  ...["--no-pdf-header-footer", "--hide-scrollbars"],
];

/**
 * `chromium`: from `findChromium`. The caller makes sure that the file is harmless. Throws `conflict` when the browser
 * fails or takes too long; however it ends, it and its folder are gone.
 */
export async function printPdf(
  { chromium, html, signal, timeoutMs = PRINT_MS, dir }: {
    chromium: string;
    html: string;
    signal: AbortSignal;
    timeoutMs?: number;
    /** Where its folder is made; among the system's temporary files by default. */
    dir?: string;
  },
): Promise<Uint8Array<ArrayBuffer>> {
  const folder = await Deno.makeTempDir({ dir, prefix: "gaffer-pdf-" });
  try {
    await Deno.writeTextFile(`${folder}/documents.html`, html);
    const said = await run({ chromium, folder, signal, timeoutMs });
    const pdf = await readPdf(`${folder}/out.pdf`);
    if (pdf !== null) return pdf;
    throw failed(chromium, lastLine(said) || "it wrote no PDF");
  } finally {
    // What a killed browser's children still write may be in the way of the first try.
    await Deno.remove(folder, { recursive: true }).catch(() =>
      Deno.remove(folder, { recursive: true })
    );
  }
}

async function run(
  { chromium, folder, signal, timeoutMs }: {
    chromium: string;
    folder: string;
    signal: AbortSignal;
    timeoutMs: number;
  },
): Promise<string> {
  signal.throwIfAborted();
  const { program, ...command } = inOwnGroup(chromium, [
    ...flags,
    // Its own sandbox refuses to be started by root.
    ...Deno.uid() === 0 ? ["--no-sandbox"] : [],
    ...[`--user-data-dir=${folder}/profile`, `--print-to-pdf=${folder}/out.pdf`],
    `file://${folder}/documents.html`,
  ]);
  const child = new Deno.Command(program, {
    ...command,
    cwd: folder,
    clearEnv: true,
    env: { HOME: folder, TMPDIR: folder, PATH: "/usr/bin:/bin", LANG: "C.UTF-8" },
    stdin: "null",
    stdout: "null",
    stderr: "piped",
  }).spawn();
  let late = false;
  const end = () => signalAll(child, "SIGKILL");
  const timer = setTimeout(() => {
    late = true;
    end();
  }, timeoutMs);
  signal.addEventListener("abort", end);
  try {
    // What it leaves behind would keep its output open.
    const [said] = await Promise.all([collect(child.stderr), child.status.then(end)]);
    signal.throwIfAborted();
    if (late) throw failed(chromium, `it took longer than ${timeoutMs / SECOND_MS} s`);
    return said;
  } finally {
    clearTimeout(timer);
    signal.removeEventListener("abort", end);
    end();
  }
}

async function collect(stream: ReadableStream<Uint8Array>): Promise<string> {
  const decoder = new TextDecoder();
  let text = "";
  for await (const chunk of stream) {
    if (text.length < STDERR_BYTES) text += decoder.decode(chunk, { stream: true });
  }
  return text;
}

/** Null: there is none, or what is there is no PDF. */
async function readPdf(path: string): Promise<Uint8Array<ArrayBuffer> | null> {
  try {
    const { size } = await Deno.stat(path);
    if (size > PDF_BYTES) return null;
    const bytes = await Deno.readFile(path);
    return new TextDecoder().decode(bytes.subarray(0, 5)) === "%PDF-" ? bytes : null;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return null;
    throw error;
  }
}

const lastLine = (text: string): string => (text.trim().split("\n").at(-1) ?? "").slice(0, 300);

const failed = (chromium: string, why: string): AppError =>
  new AppError(
    "conflict",
    `Cannot make the PDF: ${chromium} failed at it (${why}). Export HTML, open it, and print it from there`,
  );
