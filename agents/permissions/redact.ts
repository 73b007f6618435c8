/**
 * Takes secrets out of what tools give back, before it is recorded or sent to a model: the server's own, by their
 * value, and what has the form of a well-known kind of key. Careful in both directions: a text that only may be a
 * secret stays, since an agent that is shown something else than the file holds can't work on it.
 */

/** Gives the text with each secret replaced by its kind in brackets. */
export type Redactor = (text: string) => string;

/** Shorter values are words that occur for other reasons. */
const MIN_SECRET_CHARS = 12;
/** Of a variable. */
export const SECRET_NAME = /(KEY|TOKEN|SECRET|PASSWORD|PASSWD|CREDENTIALS?)S?$/i;

/** Of an environment: the values of variables whose names say that they are secret. Longest first. */
export function secretsIn(env: Readonly<Record<string, string>>): string[] {
  const values = Object.entries(env).flatMap(([name, value]) => {
    const text = value.trim();
    // A path to a key is no key.
    const isSecret = SECRET_NAME.test(name) && text.length >= MIN_SECRET_CHARS &&
      !/\s/.test(text) && !text.startsWith("/");
    return isSecret ? [text] : [];
  });
  return [...new Set(values)].toSorted((a, b) => b.length - a.length);
}

/** Each has a prefix of its own and a length that no word has. */
const shapes: [kind: string, pattern: RegExp][] = [
  ["Anthropic key", /\bsk-ant-[\w-]{20,200}/g],
  ["GitHub token", /\b(?:gh[pousr]_[A-Za-z0-9]{36,255}|github_pat_\w{60,255})/g],
  ["GitLab token", /\bglpat-[\w-]{20,64}/g],
  ["npm token", /\bnpm_[A-Za-z0-9]{36}\b/g],
  ["AWS key", /\b(?:AKIA|ASIA)[A-Z0-9]{16}\b/g],
  ["Slack token", /\bxox[abeoprs]-[A-Za-z0-9-]{20,250}/g],
  ["Google key", /\bAIza[\w-]{35}\b/g],
  ["Stripe key", /\b[rs]k_live_[A-Za-z0-9]{20,250}/g],
  [
    "private key",
    /-----BEGIN ((?:[A-Z]+ ){0,3})PRIVATE KEY-----[A-Za-z0-9+/=\s:,\-]{0,8000}?-----END \1PRIVATE KEY-----/g,
  ],
];

/** Made once; `secrets` are taken out wherever they stand, also in the midst of a word. */
export function createRedactor(secrets: readonly string[]): Redactor {
  return (text) => {
    let clean = text;
    for (const secret of secrets) {
      clean = clean.replaceAll(secret, "[redacted: a secret of this server]");
    }
    for (const [kind, pattern] of shapes) {
      clean = clean.replaceAll(pattern, `[redacted: ${kind}]`);
    }
    return clean;
  };
}
