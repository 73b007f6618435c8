/** A small mail server of its own port: takes what RFC 5321 lets a client say, answers as told, keeps what it got. */

export interface TakenMail {
  from: string;
  to: string[];
  /** Headers and body, as they came. */
  data: string;
}

export interface FakeSmtp extends AsyncDisposable {
  /** "smtp://127.0.0.1:2525". */
  url: string;
  mails: TakenMail[];
  /** What clients said besides mails: "AUTH PLAIN …". */
  said: string[];
}

interface FakeSmtpOptions {
  /** Answers to the ends of mails, in order; then all are taken. `gone`: takes it, and hangs up without a word. */
  answers?: (string | "gone")[];
  /** Whether it knows AUTH. Any password but "right" is refused, and repeated. */
  auth?: boolean;
}

export function startFakeSmtp({ answers = [], auth = false }: FakeSmtpOptions = {}): FakeSmtp {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const mails: TakenMail[] = [];
  const said: string[] = [];
  const talks = new Set<Promise<void>>();
  const accepting = (async () => {
    for await (const connection of listener) {
      const talk = talkWith(connection, { mails, said, answers, auth })
        .catch((error) => {
          // The client may hang up at any time.
          if (
            !(error instanceof Deno.errors.ConnectionReset ||
              error instanceof Deno.errors.BrokenPipe)
          ) throw error;
        }).finally(() => talks.delete(talk));
      talks.add(talk);
    }
  })();
  return {
    url: `smtp://127.0.0.1:${listener.addr.port}`,
    mails,
    said,
    async [Symbol.asyncDispose]() {
      listener.close();
      await accepting;
      await Promise.all(talks);
    },
  };
}

type Keeps = Required<FakeSmtpOptions> & Pick<FakeSmtp, "mails" | "said">;

async function talkWith(connection: Deno.Conn, { mails, said, answers, auth }: Keeps) {
  using _ = connection;
  const say = (text: string) => connection.write(new TextEncoder().encode(`${text}\r\n`));
  await say("220 fake.example ready");
  let mail: TakenMail | null = null;
  let data: string[] | null = null;
  for await (const line of linesOf(connection)) {
    if (data !== null) {
      if (line !== ".") data.push(line.replace(/^\./, ""));
      else {
        const answer = answers.shift() ?? "250 taken";
        if (answer === "gone" || answer.startsWith("2")) {
          mails.push({ ...mail!, data: data.join("\n") });
        }
        if (answer === "gone") return;
        await say(answer);
        data = mail = null;
      }
      continue;
    }
    said.push(line);
    const address = /<([^>]*)>/.exec(line)?.[1] ?? "";
    const verb = line.slice(0, 4).toUpperCase();
    if (verb === "EHLO") {
      await say(auth ? "250-fake.example\r\n250 AUTH PLAIN" : "250 fake.example");
    } else if (verb === "AUTH") {
      const plain = atob(line.split(" ")[2] ?? "");
      await say(plain.endsWith("\0right") ? "235 welcome" : `535 not with ${plain.split("\0")[2]}`);
    } else if (verb === "MAIL") {
      mail = { from: address, to: [], data: "" };
      await say("250 ok");
    } else if (verb === "RCPT") {
      mail!.to.push(address);
      await say("250 ok");
    } else if (verb === "DATA") {
      data = [];
      await say("354 go on");
    } else if (verb === "QUIT") {
      return void await say("221 bye");
    } else await say("502 what?");
  }
}

async function* linesOf(connection: Deno.Conn): AsyncGenerator<string> {
  let rest = "";
  for await (const part of connection.readable.pipeThrough(new TextDecoderStream())) {
    const lines = (rest + part).split("\r\n");
    rest = lines.pop()!;
    yield* lines;
  }
}
