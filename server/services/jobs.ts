/** What a person does with jobs of the queue. */
import { requeue } from "../../queue/queue.ts";
import type { App } from "../app.ts";
import { transact } from "../db.ts";
import type { Job } from "../records.ts";

/** Runs a job at once that waits for its time, or again one that was given up. Throws `conflict` otherwise. */
export const retryJob = (app: App, id: string): Job => transact(app, (tx) => requeue(tx, id));
