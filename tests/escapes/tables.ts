/** The escape suite's tables of attacks, and how one is carried out as a test. */
import { ok } from "node:assert";
import type { HandsSeams } from "../../agents/hands_client.ts";
import { testConfined } from "../place_support.ts";
import type { Attack } from "./attack.ts";
import { commands, network } from "./commands.ts";
import { files, runaways } from "./files.ts";
import { gitTricks } from "./git.ts";
import { inputs } from "./inputs.ts";
import { mcp } from "./mcp.ts";
import { memory } from "./memory.ts";
import { output } from "./output.ts";
import { paths } from "./paths.ts";
import { permissions } from "./permissions.ts";
import { proxy } from "./proxy.ts";
import { Scene } from "./scene.ts";

export const tables = {
  paths,
  files,
  runaways,
  inputs,
  output,
  commands,
  network,
  proxy,
  git: gitTricks,
  permissions,
  memory,
  mcp,
} as const;

/** One test for each way in which hands may be confined; one scene, since most attacks leave nothing behind. */
export function testNoWayOut(title: keyof typeof tables, seams?: HandsSeams): void {
  testConfined(`no way out by ${title}`, async (confinement) => {
    await using scene = await Scene.open(confinement, seams);
    const failed: string[] = [];
    for (const attack of applicable(tables[title], confinement.kind)) {
      try {
        await scene.carryOut(attack);
      } catch (error) {
        failed.push(`${attack.name}: ${error instanceof Error ? error.stack : error}`);
      }
    }
    ok(failed.length === 0, failed.join("\n\n"));
  });
}

const applicable = (attacks: readonly Attack[], kind: Attack["only"]): Attack[] =>
  attacks.filter(({ only }) => only === undefined || only === kind);
