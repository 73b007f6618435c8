/** Alerts and approvals on their way to a person: by webhook and by mail, once each, and without a word too much. */
import {
  deepStrictEqual as deepEqual,
  doesNotMatch,
  match,
  ok,
  strictEqual as equal,
} from "node:assert";
import { notifyAlertHandler, tellAlertHandler } from "../queue/handlers/notify_alert.ts";
import { notifyHandler } from "../queue/handlers/notify.ts";
import type { JobContext, NotifyChannel, Outcome } from "../queue/job.ts";
import { DAY_MS } from "../server/clock.ts";
import { loadConfig, type MailConfig } from "../server/config.ts";
import { askApproval } from "../server/services/approvals.ts";
import { changeLimits } from "../server/services/limits.ts";
import { SMTP_TIMEOUT_MS } from "../server/services/mail.ts";
import { ALERTS_KEPT_MS, listAlerts, pruneAlerts, seeAlert } from "../server/store/alerts.ts";
import { answered, broken, paidApp, request, says, workingRun } from "./budgets_support.ts";
import { type FakeSmtp, startFakeSmtp } from "./fake_smtp.ts";
import type { TestApp } from "./support.ts";

const CENT = 10_000;
const limit = { scope: "all", scopeId: "", period: "day", unit: "micro_usd" } as const;

const mailTo = ({ url }: FakeSmtp, login = ""): MailConfig => ({
  smtpUrl: url.replace("smtp://", `smtp://${login}`),
  from: "gaffer@example.org",
  to: ["ana@example.org", "bo@example.org"],
});

/** A run that has used a daily limit of a dollar up to `cents`, in steps. */
function spent(app: TestApp, steps: number[]) {
  changeLimits(app, [{ ...limit, amount: 100 * CENT }]);
  const run = workingRun(app, app.project().id);
  let turn = 0;
  const pay = (cents: number) => {
    says(app, run, request(++turn, cents * CENT));
    says(app, run, answered(turn, cents * CENT));
  };
  for (const cents of steps) pay(cents);
  return { run, pay };
}

const context = (app: TestApp, signal = new AbortController().signal): JobContext => ({
  app,
  signal,
  job: {} as JobContext["job"],
});

const jobsOf = (app: TestApp, kind: string) => app.jobs().filter((job) => job.kind === kind);

/** Does the fan-out of all alerts, as the queue would; gives what was asked for. */
async function toldOf(app: TestApp): Promise<{ alertId: string; by: NotifyChannel }[]> {
  for (const { args } of jobsOf(app, "tell_alert")) {
    const decide = await tellAlertHandler.run(args as { alertId: string }, context(app));
    app.tx((tx) => equal((typeof decide === "function" ? decide(tx) : decide).type, "done"));
  }
  return jobsOf(app, "notify_alert").map(({ args }) =>
    args as { alertId: string; by: NotifyChannel }
  );
}

const notify = async (
  app: TestApp,
  args: { alertId: string; by: NotifyChannel },
  signal?: AbortSignal,
) => await notifyAlertHandler.run(args, context(app, signal)) as Outcome;

Deno.test("each mark that is reached is told once on each channel, the highest of those reached together", async () => {
  await using smtp = startFakeSmtp();
  using app = paidApp();
  Object.assign(app.config, { mail: mailTo(smtp), notifyUrl: "http://127.0.0.1:1" });
  const { pay } = spent(app, [85]);
  equal(listAlerts(app.db).length, 2, "50 and 80");
  const asked = await toldOf(app);
  deepEqual(asked.map(({ by }) => by), ["webhook", "mail"]);
  equal(asked[0]!.alertId, listAlerts(app.db)[0]!.id);
  equal((await toldOf(app)).length, 2, "asked for again, nothing more is told");
  pay(1);
  equal(jobsOf(app, "tell_alert").length, 1);
  pay(10);
  equal(jobsOf(app, "tell_alert").length, 2, "95");
});

Deno.test("a mail says how far which limit is used and where it is changed, to everyone who is to know", async () => {
  await using smtp = startFakeSmtp();
  using app = paidApp();
  Object.assign(app.config, { mail: mailTo(smtp), publicUrl: "https://gaffer.example" });
  spent(app, [85]);
  const [asked] = await toldOf(app);
  deepEqual(await notify(app, asked!), { type: "done" });
  const [mail] = smtp.mails;
  deepEqual([mail!.from, mail!.to], ["gaffer@example.org", ["ana@example.org", "bo@example.org"]]);
  match(mail!.data, /^Subject: 80 % of the daily limit of \$1\.00 is used$/m);
  match(mail!.data, /^\$0\.85 of \$1\.00 in 2026-11-27\.$/m);
  match(mail!.data, /^https:\/\/gaffer\.example\/usage#limits$/m);
  match(mail!.data, /^Auto-Submitted: auto-generated$/m);
  match(mail!.data, new RegExp(`^Message-ID: <${asked!.alertId}@example\\.org>$`, "m"));
});

/** What takes alerts as JSON, and keeps them. */
function startWebhook() {
  const got: Record<string, unknown>[] = [];
  const options = { port: 0, hostname: "127.0.0.1", onListen: () => {} };
  const server = Deno.serve(options, async (request) => {
    got.push(await request.json());
    return new Response();
  });
  return {
    got,
    url: `http://127.0.0.1:${server.addr.port}/`,
    [Symbol.asyncDispose]: () => server.shutdown(),
  };
}

Deno.test("a message keeps apart what was spent and what is only in doubt", async () => {
  await using webhook = startWebhook();
  using app = paidApp();
  Object.assign(app.config, { notifyUrl: webhook.url });
  const { run } = spent(app, [40]);
  says(app, run, request(2, 15 * CENT));
  says(app, run, broken(2, "stream_broken"));
  const [asked] = await toldOf(app);
  deepEqual(await notify(app, asked!), { type: "done" });
  const { used, spent: paid, doubt, reserved, message } = webhook.got[0]!;
  deepEqual([used, paid, doubt, reserved], [55 * CENT, 40 * CENT, 15 * CENT, 0]);
  equal(
    message,
    "$0.55 of $1.00 in 2026-11-27: $0.40 spent and up to $0.15 in doubt (requests that broke off)",
  );
});

Deno.test("a webhook gets the same as JSON", async () => {
  await using webhook = startWebhook();
  using app = paidApp();
  Object.assign(app.config, { notifyUrl: `${webhook.url}?topic=me` });
  spent(app, [50]);
  const [asked] = await toldOf(app);
  deepEqual(await notify(app, asked!), { type: "done" });
  const { type, alert_id, threshold, used, topic } = webhook.got[0]!;
  deepEqual({ type, alert_id, threshold, used, topic }, {
    type: "budget_alert",
    alert_id: asked!.alertId,
    threshold: 50,
    used: 50 * CENT,
    topic: "me",
  });
});

Deno.test("a mail that was not taken is tried again under the same id, also when the answer got lost", async () => {
  await using smtp = startFakeSmtp({ answers: ["451 later", "gone"] });
  using app = paidApp();
  Object.assign(app.config, { mail: mailTo(smtp) });
  spent(app, [50]);
  const [asked] = await toldOf(app);
  const first = await notify(app, asked!);
  ok(first.type === "retry");
  match(first.reason, /^127\.0\.0\.1:\d+ did not take the mail: \w+ 451$/);
  equal((await notify(app, asked!)).type, "retry");
  equal((await notify(app, asked!)).type, "done");
  const ids = smtp.mails.map(({ data }) => /^Message-ID: (.*)$/m.exec(data)![1]);
  deepEqual(ids, [`<${asked!.alertId}@example.org>`, `<${asked!.alertId}@example.org>`]);
});

Deno.test("what was seen, raised above or taken away is not told any more, nor on a channel that is gone", async () => {
  await using smtp = startFakeSmtp();
  using app = paidApp();
  Object.assign(app.config, { mail: mailTo(smtp) });
  spent(app, [50]);
  const [asked] = await toldOf(app);
  changeLimits(app, [{ ...limit, amount: 200 * CENT }]);
  equal((await notify(app, asked!)).type, "cancel");
  changeLimits(app, [{ ...limit, amount: 100 * CENT }]);
  const again = (await toldOf(app)).at(-1)!;
  ok(again.alertId !== asked!.alertId, "it is told anew when it is reached again");
  app.tx((tx) => seeAlert(tx, again.alertId));
  deepEqual(await notify(app, again), { type: "cancel", reason: "It was seen on the page" });
  changeLimits(app, [{ ...limit, amount: 90 * CENT }, {
    ...limit,
    period: "month",
    amount: 60 * CENT,
  }]);
  const month = (await toldOf(app)).at(-1)!;
  app.config.mail = null;
  deepEqual(await notify(app, month), { type: "cancel", reason: "No smtp_url is set" });
  changeLimits(app, [{ ...limit, period: "month", amount: null }]);
  equal((await notify(app, month)).type, "cancel");
  deepEqual(smtp.mails, []);
});

Deno.test("without a channel an alert is for the pages alone", async () => {
  using app = paidApp();
  spent(app, [50]);
  deepEqual(await toldOf(app), []);
});

Deno.test("a password goes to its server and nowhere else", async () => {
  await using smtp = startFakeSmtp({ auth: true });
  using app = paidApp();
  spent(app, [50]);
  Object.assign(app.config, { mail: mailTo(smtp, "me:right@") });
  const [asked] = await toldOf(app);
  deepEqual(await notify(app, asked!), { type: "done" });
  ok(smtp.said.some((line) => line.startsWith("AUTH PLAIN")));
  Object.assign(app.config, { mail: mailTo(smtp, "me:hush%40@") });
  const refused = await notify(app, asked!);
  ok(refused.type === "retry");
  match(refused.reason, /EAUTH 535$/);
  doesNotMatch(JSON.stringify(refused), /hush/);
});

Deno.test("a password is not sent in the clear to another machine", async () => {
  await using smtp = startFakeSmtp({ auth: true });
  using app = paidApp();
  spent(app, [50]);
  // Leads here, but is no address of this machine by its looks.
  const { port } = new URL(smtp.url);
  app.config.mail = { ...mailTo(smtp), smtpUrl: `smtp://me:right@0.0.0.0:${port}` };
  const [asked] = await toldOf(app);
  equal((await notify(app, asked!)).type, "retry");
  ok(!smtp.said.some((line) => line.startsWith("AUTH")), smtp.said.join());
});

Deno.test("a server that is not there, or says nothing until the job is stopped, is tried again", async () => {
  using silent = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  using app = paidApp();
  spent(app, [50]);
  const config = { from: "a@b.cc", to: ["c@d.ee"] };
  app.config.mail = { ...config, smtpUrl: "smtp://127.0.0.1:1" };
  const [asked] = await toldOf(app);
  const refused = await notify(app, asked!);
  equal(
    refused.type === "retry" && refused.reason,
    "127.0.0.1:1 did not take the mail: ESOCKET",
  );
  app.config.mail = { ...config, smtpUrl: `smtp://127.0.0.1:${silent.addr.port}` };
  const stop = new AbortController();
  const sending = notify(app, asked!, stop.signal).then(() => "sent", (error) => error.message);
  using connection = await silent.accept();
  const hungUp = connection.read(new Uint8Array(1));
  const stoppedAt = performance.now();
  stop.abort(new Error("stopped"));
  equal(await sending, "stopped");
  equal(await hungUp, null);
  ok(performance.now() - stoppedAt < SMTP_TIMEOUT_MS, "it was hung up on at once");
});

Deno.test("an approval goes by mail too, with a link to decide it and without the command", async () => {
  await using smtp = startFakeSmtp();
  using app = paidApp();
  Object.assign(app.config, { mail: mailTo(smtp), publicUrl: "https://gaffer.example" });
  const { run } = spent(app, []);
  const call = { id: "call_1", name: "Bash" };
  const { id } = askApproval(app, run.id, call, { detail: "rm -rf build", rule: "bash(rm *)" });
  const [job] = jobsOf(app, "notify");
  deepEqual(job!.args, { approvalId: id, by: "mail" });
  deepEqual(
    await notifyHandler.run({ approvalId: id, by: "mail" }, context(app)),
    { type: "done" },
  );
  const { data } = smtp.mails[0]!;
  match(data, /^Subject: The clarifier wants to use Bash$/m);
  match(data.replaceAll("=\n", ""), /https:\/\/gaffer\.example\/approve\/[\w-]{43}/);
  doesNotMatch(data, /rm -rf/);
});

Deno.test("alerts are thrown away when they are old, the oldest first", () => {
  using app = paidApp();
  const { pay } = spent(app, [85]);
  app.advance(2 * DAY_MS);
  pay(55);
  app.advance(ALERTS_KEPT_MS - DAY_MS);
  equal(app.tx((tx) => pruneAlerts(tx, 1)), 1);
  equal(app.tx((tx) => pruneAlerts(tx, 100)), 1);
  equal(listAlerts(app.db).length, 1);
});

Deno.test("the configuration of mail comes from the environment", () => {
  const { mail } = loadConfig({
    args: [],
    env: {
      GAFFER_SMTP_URL: "smtp://mail.example",
      GAFFER_MAIL_FROM: "a@b.cc",
      GAFFER_MAIL_TO: "c@d.ee",
    },
    ...{ readFile: () => null, cwd: "/", checkout: true },
  });
  deepEqual(mail, { smtpUrl: "smtp://mail.example", from: "a@b.cc", to: ["c@d.ee"] });
});
