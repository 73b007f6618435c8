/// <reference no-default-lib="true" />
/// <reference lib="deno.worker" />
/** Entry of the worker in which hands without bubblewrap do the file tools; it may touch one folder. */
import type { HandsConfig } from "./hands_config.ts";
import { HandsService } from "./hands_service.ts";
import type { ProbeResult } from "./protocol.ts";

type FromRelay = { config: HandsConfig } | { line: string; alsoTried: ProbeResult[] };

let service: HandsService | undefined;

self.onmessage = ({ data }: MessageEvent<FromRelay>) => {
  if ("config" in data) service = new HandsService(data.config, (line) => self.postMessage(line));
  else service?.receive(data.line, data.alsoTried);
};

// Loaded: from now on the rights of the isolate that started it are not needed.
self.postMessage(null);
