/** Which program of this machine turns pages into PDF. */
import { findProgram } from "./find_program.ts";

const names = [
  ...[
    "chromium-headless-shell",
    "chromium",
    "chromium-browser",
    "google-chrome",
    "google-chrome-stable",
  ],
  ...["microsoft-edge", "brave-browser"],
];
/** Where they lie that are in none of the system's folders of programs. */
const others = [
  "/snap/bin/chromium",
  "/opt/google/chrome/chrome",
  "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
  "/Applications/Chromium.app/Contents/MacOS/Chromium",
];
/** Longest PATH that is looked through, in folders. */
const MAX_PATH_DIRS = 100;

/**
 * Absolute path of a Chromium, or a browser made of it; null: there is none. `configured`: the one that a setting
 * names, which alone counts then; "" for none. `path`: as the variable PATH.
 */
export function findChromium(configured: string, path: string): string | null {
  if (configured !== "") return isFile(configured) ? configured : null;
  const dirs = path.split(":").filter((dir) => dir.startsWith("/")).slice(0, MAX_PATH_DIRS);
  for (const name of names) {
    const found = findProgram(name) ?? dirs.map((dir) => `${dir}/${name}`).find(isFile);
    if (found) return found;
  }
  return others.find(isFile) ?? null;
}

function isFile(path: string): boolean {
  try {
    return Deno.statSync(path).isFile;
  } catch {
    return false; // not there, or not for us
  }
}
