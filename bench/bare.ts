/** The least that a Hono server can be: what the platform alone needs. */
import { Hono } from "hono";

const app = new Hono().get("/", (c) => c.text("ok"));
Deno.serve(
  { port: Number(Deno.args[0]), hostname: "127.0.0.1", onListen: () => {} },
  app.fetch,
);
