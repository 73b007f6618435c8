/** Bars over time, drawn by the server: an SVG for the eye, the same figures as a table for everyone else. */
import type { VNode } from "preact";
import { Hidden } from "./components.tsx";

export interface Bar {
  /** Of the table's row: "14:00". */
  label: string;
  /** From the axis upwards, one on the other; null: there is no figure. */
  parts: (number | null)[];
}

interface BarChartProps {
  id: string;
  title: string;
  /** Names the parts, in their order. */
  parts: { name: string; tone: string }[];
  bars: Bar[];
  /** How a value is written. */
  format: (value: number) => string;
  /** What a bar is: heads the first column of the table. */
  each?: string;
}

const WIDTH = 240;
const HEIGHT = 48;
const GAP = 1;

export function BarChart(
  { id, title, parts, bars, format, each = "Hour" }: BarChartProps,
): VNode {
  const sums = bars.map((bar) => bar.parts.reduce<number>((sum, part) => sum + (part ?? 0), 0));
  const max = Math.max(...sums, 0);
  const step = WIDTH / Math.max(bars.length, 1);
  return (
    <figure class="chart" id={id}>
      <figcaption>
        {title} <span class="muted small num">{max > 0 ? `up to ${format(max)}` : "none"}</span>
      </figcaption>
      <svg viewBox={`0 0 ${WIDTH} ${HEIGHT}`} preserveAspectRatio="none" aria-hidden="true">
        {bars.flatMap((bar, index) =>
          rectsOf(bar, { x: index * step, width: step - GAP, max, parts })
        )}
        <line x1="0" y1={HEIGHT} x2={WIDTH} y2={HEIGHT} class="chart-axis" />
      </svg>
      <details class="chart-figures" id={`${id}-figures`}>
        <summary class="small">
          Figures<Hidden>: {title}</Hidden>
        </summary>
        <table class="small num">
          <thead>
            <tr>
              <th scope="col">{each}</th>
              {parts.map(({ name }) => <th key={name} scope="col">{name}</th>)}
            </tr>
          </thead>
          <tbody>
            {bars.map((bar) => (
              <tr key={bar.label}>
                <th scope="row">{bar.label}</th>
                {bar.parts.map((value, index) => (
                  <td key={index}>{value === null ? "–" : format(value)}</td>
                ))}
              </tr>
            ))}
          </tbody>
        </table>
      </details>
    </figure>
  );
}

interface Place {
  x: number;
  width: number;
  max: number;
  parts: BarChartProps["parts"];
}

function rectsOf(bar: Bar, { x, width, max, parts }: Place): VNode[] {
  let base = HEIGHT;
  return bar.parts.flatMap((value, index) => {
    if (!value || max === 0) return [];
    const height = Math.max(1, (value / max) * HEIGHT);
    base -= height;
    return [
      <rect
        key={`${bar.label}-${index}`}
        x={round(x)}
        y={round(Math.max(0, base))}
        width={round(width)}
        height={round(height)}
        class={`chart-bar tone-${parts[index]!.tone}`}
      />,
    ];
  });
}

const round = (n: number): number => Math.round(n * 100) / 100;
