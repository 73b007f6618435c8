/** Where `cache_control` markers may stand: rule 9 of section 3 and the order of lifetimes of section 8. */
import { blocksOf, type MessagesRequest, type WireBlock } from "../wire.ts";
import { isObject, refuse, refuseExtraKeys } from "./refuse.ts";

const MAX_MARKERS = 4;

interface Marker {
  position: string;
  ttl: "5m" | "1h";
}

/** Throws `WireError` for a fifth marker, for one on thinking, and for a 1h marker after a 5m one. */
export function checkMarkers(request: MessagesRequest): void {
  const markers = [
    ...(request.tools ?? []).flatMap((tool, i) => markersOf(tool as WireBlock, `tools.${i}`)),
    ...blocksOf(request.system ?? []).flatMap((block, i) => markersOf(block, `system.${i}`)),
    ...request.messages.flatMap((message, n) =>
      blocksOf(message.content).flatMap((block, m) =>
        markersOf(block, `messages.${n}.content.${m}`)
      )
    ),
    ...markersOf({ type: "request", cache_control: request.cache_control }, ""),
  ];
  if (markers.length > MAX_MARKERS) {
    refuse(
      markers[MAX_MARKERS]!.position,
      `A maximum of ${MAX_MARKERS} blocks with cache_control may be provided. ` +
        `Found ${markers.length}`,
    );
  }
  const firstShort = markers.findIndex((marker) => marker.ttl === "5m");
  const late = markers.find((marker, i) =>
    firstShort >= 0 && i > firstShort && marker.ttl === "1h"
  );
  if (late) {
    refuse(
      late.position,
      "a ttl='1h' cache_control block must not come after a ttl='5m' cache_control block",
    );
  }
}

/** Markers of a block and of the blocks inside it, in order. */
function markersOf(block: WireBlock, path: string): Marker[] {
  const inner = block.type === "tool_result" && Array.isArray(block.content)
    ? block.content.flatMap((part, i) => markersOf(part as WireBlock, `${path}.content.${i}`))
    : [];
  const control = block.cache_control;
  if (control === undefined || control === null) return inner;
  const position = path ? `${path}.cache_control` : "cache_control";
  if (block.type === "thinking" || block.type === "redacted_thinking") {
    refuse(position, "cache_control cannot be set for thinking blocks");
  }
  if (!isObject(control) || control.type !== "ephemeral") {
    refuse(`${position}.type`, 'Input should be "ephemeral"');
  }
  refuseExtraKeys(control, ["type", "ttl"], position);
  if (control.ttl !== undefined && control.ttl !== "5m" && control.ttl !== "1h") {
    refuse(`${position}.ttl`, 'Input should be "5m" or "1h"');
  }
  return [...inner, { position, ttl: control.ttl === "1h" ? "1h" : "5m" }];
}
