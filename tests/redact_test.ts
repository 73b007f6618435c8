/** Secrets that are taken out of what tools give back, and what is left alone. */
import { deepStrictEqual as deepEqual, match, ok, strictEqual as equal } from "node:assert";
import { createRedactor, secretsIn } from "../agents/permissions/redact.ts";

const letters = (n: number) => "aB3dE5gH7jK9".repeat(30).slice(0, n);
const upper = (n: number) => "ABCDEFGH23".repeat(10).slice(0, n);

Deno.test("secretsIn() takes the values of variables whose names say so, and no words or paths", () => {
  const env = {
    ANTHROPIC_API_KEY: "sk-something-long",
    DB_PASSWORD: "correct-horse-battery",
    GITHUB_TOKEN: " spaced-around-it \n",
    AWS_SECRET: "correct-horse-battery-staple",
    SHORT_KEY: "enter",
    SSH_KEY: "/home/me/.ssh/id_ed25519",
    TOKEN: "two words and more",
    KEYBOARD: "a-long-layout-name",
    PATH: "/usr/bin:/bin:/usr/local/bin",
    EMPTY_TOKEN: "",
  };
  deepEqual(secretsIn(env), [
    "correct-horse-battery-staple",
    "correct-horse-battery",
    "sk-something-long",
    "spaced-around-it",
  ]);
});

Deno.test("the server's own secrets are taken out wherever they stand, the longer first", () => {
  const redact = createRedactor(secretsIn({
    A_TOKEN: "correct-horse-battery",
    B_TOKEN: "correct-horse-battery-staple",
  }));
  equal(
    redact("x=correct-horse-battery-staple&y=acorrect-horse-batteryb correct-horse"),
    "x=[redacted: a secret of this server]&y=a[redacted: a secret of this server]b correct-horse",
  );
  equal(redact("nothing of it"), "nothing of it");
  equal(createRedactor([])("correct-horse-battery"), "correct-horse-battery");
});

Deno.test("keys are known by their form", () => {
  const redact = createRedactor([]);
  const keys = [
    `sk-ant-api03-${letters(90)}`,
    `ghp_${letters(36)}`,
    `github_pat_${letters(70)}`,
    `glpat-${letters(20)}`,
    `npm_${letters(36)}`,
    `AKIA${upper(16)}`,
    `xoxb-${letters(30)}`,
    `AIza${letters(35)}`,
    `sk_live_${letters(24)}`,
    `-----BEGIN RSA PRIVATE KEY-----\n${letters(64)}\n${
      letters(64)
    }\n-----END RSA PRIVATE KEY-----`,
    `-----BEGIN PRIVATE KEY-----\n     2\t${letters(64)}\n     3\t-----END PRIVATE KEY-----`,
  ];
  for (const key of keys) {
    const clean = redact(`before "${key}" after`);
    match(clean, /^before "\[redacted: [A-Za-z ]+\]" after$/, key);
  }
  const all = redact(keys.join("\n"));
  for (const key of keys) ok(!all.includes(key));
});

Deno.test("what only looks a little like one is left as it is", () => {
  const redact = createRedactor([]);
  for (
    const text of [
      "sk-ant-short",
      "task-ant-colony-simulation",
      `const hash = "${"0123456789abcdef".repeat(4)}";`,
      `integrity: "sha512-${letters(86)}=="`,
      "ghp_ is what they begin with",
      "AKIA, followed by sixteen",
      "npm_config_registry=https://registry.npmjs.org/aaaaaaaaaaaaa",
      "-----BEGIN CERTIFICATE-----\nabc\n-----END CERTIFICATE-----",
      "-----BEGIN PRIVATE KEY----- is how it begins",
      letters(300),
    ]
  ) equal(redact(text), text);
});

Deno.test("a text made to be slow to look through is not", () => {
  const redact = createRedactor([]);
  const begin = performance.now();
  redact("-----BEGIN PRIVATE KEY-----\n".repeat(2_000));
  redact("sk-ant-".repeat(8_000));
  redact("xoxb-a".repeat(8_000));
  ok(performance.now() - begin < 5_000);
});
