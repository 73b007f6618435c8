/** The least that a Hono server can be, for the rows to show what the platform alone needs. */
import { Hono } from "hono";

const app = new Hono().get("/", (c) => c.text("ok"));
const port = Number(Deno.args[0]);
Deno.serve({ port, hostname: "127.0.0.1", onListen: () => {} }, app.fetch);
