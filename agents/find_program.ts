/** Where programs are looked for that Gaffer itself starts. */
const programDirs = ["/usr/bin", "/bin", "/usr/local/bin", "/run/current-system/sw/bin"];

/** Absolute path of a program of the system; null when it has none. */
export function findProgram(name: string): string | null {
  return programDirs.map((dir) => `${dir}/${name}`).find(isFile) ?? null;
}

function isFile(path: string): boolean {
  try {
    return Deno.statSync(path).isFile;
  } catch {
    return false; // not there, or not for us
  }
}
