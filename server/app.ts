import type { Agents } from "../agents/runtime.ts";
import type { Catalog } from "../agents/catalog.ts";
import type { Backups } from "./backup.ts";
import type { Clock } from "./clock.ts";
import type { Config } from "./config.ts";
import type { Db, Tx } from "./db.ts";
import type { Hub } from "./hub.ts";
import type { Log } from "./log.ts";
import type { Turnstile } from "./turnstile.ts";

/** Everything a verb needs, built once by main.ts and passed as the first argument. No globals. */
export interface App {
  config: Config;
  db: Db;
  clock: Clock;
  hub: Hub;
  log: Log;
  agents: Agents;
  /** Definitions of the agents, and their models. */
  catalog: Catalog;
  backups: Backups;
  /** For asynchronous work that must not meet itself, by the path of what it is done on. */
  turnstile: Turnstile;
  /** Who acts: "owner" for a person's request, "gaffer" for the server itself, or an agent's name. */
  actor: string;
  /** The open transaction that all its verbs write in: see `within` in db.ts. */
  inside?: Tx;
}

/** The same App, acting as someone else. */
export const actingAs = <A extends { actor: string }>(app: A, actor: string): A => ({
  ...app,
  actor,
});
