/** The ratios of a result as an SVG bar plot, readable on light and dark pages. */
import { figureOf } from "./figures.js";
import { formatValue } from "./markdown.js";
import { type BenchResult, type FigureResult, modelKey } from "./result.js";
import { describeConditions } from "./tables.js";

const WIDTH = 860;
const LABEL_WIDTH = 250;
const RIGHT_MARGIN = 60;
const TOP = 84;
const BAR = 11;
const GROUP_GAP = 12;
const AXIS_HEIGHT = 28;
/** Distinct under the common kinds of colour blindness, on white and on black. */
const COLORS = ["#3b82c4", "#d9822b", "#4a9d62", "#b45fb0", "#8a8a3c", "#c4544f", "#5aa7a7", "#8b6fc9"];

/** One bar of a figure's group. */
interface Bar {
  readonly model: string;
  readonly color: string;
  readonly result: FigureResult;
}

interface Group {
  readonly label: string;
  readonly bars: readonly Bar[];
}

/** The plot: one group of bars a figure, one bar a model, a line from the smallest to the largest round. */
export function ratioPlot(result: BenchResult): string {
  const groups = groupByFigure(result);
  const most = Math.max(1, ...groups.flatMap(({ bars }) => bars.map((bar) => bar.result.ratio.max)));
  const step = tickStep(most);
  const limit = Math.ceil(most / step) * step;
  const x = (ratio: number) => round(LABEL_WIDTH + (ratio / limit) * (WIDTH - LABEL_WIDTH - RIGHT_MARGIN));
  let y = TOP;
  const bodies = groups.map((group) => {
    const top = y;
    y += group.bars.length * BAR + GROUP_GAP;
    return drawGroup(group, top, x);
  });
  const ticks = Array.from({ length: Math.round(limit / step) + 1 }, (_, i) => i * step);
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${y + AXIS_HEIGHT}" width="${WIDTH}" height="${y + AXIS_HEIGHT}" role="img" font-family="system-ui, sans-serif" font-size="12">`,
    "<title>node-mlc against node-llama-cpp, times better</title>",
    STYLE,
    text(
      12,
      22,
      "node-mlc against node-llama-cpp: times better (longer is better)",
      'font-size="15" font-weight="600"',
    ),
    text(12, 42, describeConditions(result), 'class="soft"'),
    ...legend(result),
    ...ticks.map((tick) => drawTick(tick, x(tick), y)),
    ...bodies,
    `<line class="one" x1="${x(1)}" x2="${x(1)}" y1="${TOP - 6}" y2="${y}"/>`,
    "</svg>",
    "",
  ].join("\n");
}

const STYLE = `<style>
text { fill: #1f2328; } .soft { fill: #59636e; } .grid { stroke: #d1d9e0; } .one { stroke: #1f2328; stroke-dasharray: 4 3; } .range { stroke: #1f2328; }
@media (prefers-color-scheme: dark) {
text { fill: #f0f6fc; } .soft { fill: #9198a1; } .grid { stroke: #3d444d; } .one { stroke: #f0f6fc; } .range { stroke: #f0f6fc; }
}
</style>`;

function groupByFigure({ models }: BenchResult): Group[] {
  const ids = [...new Set(models.flatMap(({ figures }) => figures.map(({ figure }) => figure)))];
  return ids.map((id) => ({
    label: figureOf(id).label,
    bars: models.flatMap((model, index) => {
      const result = model.figures.find(({ figure }) => figure === id);
      return result === undefined ? [] : [{ model: modelKey(model), color: colorOf(index), result }];
    }),
  }));
}

function drawGroup({ label, bars }: Group, top: number, x: (ratio: number) => number): string {
  const middle = top + (bars.length * BAR) / 2 + 4;
  const drawn = bars.map(({ model, color, result: { ratio } }, index) => {
    const y = top + index * BAR;
    const center = y + BAR / 2;
    return [
      `<rect x="${x(0)}" y="${y}" width="${round(x(ratio.median) - x(0))}" height="${BAR - 2}" fill="${color}"><title>${escapeXml(`${model}: ${label}: ${formatValue(ratio.median)}x`)}</title></rect>`,
      `<line class="range" x1="${x(ratio.min)}" x2="${x(ratio.max)}" y1="${center - 1}" y2="${center - 1}"/>`,
      text(x(ratio.max) + 5, center + 2.5, `${formatValue(ratio.median)}x`, 'class="soft" font-size="9"'),
    ].join("");
  });
  return [text(LABEL_WIDTH - 10, middle, label, 'text-anchor="end"'), ...drawn].join("\n");
}

function drawTick(tick: number, x: number, bottom: number): string {
  const line = `<line class="grid" x1="${x}" x2="${x}" y1="${TOP - 6}" y2="${bottom}"/>`;
  return line + text(x, bottom + 16, `${formatTick(tick)}x`, 'text-anchor="middle" class="soft"');
}

function legend({ models }: BenchResult): string[] {
  const width = (WIDTH - 24) / Math.max(models.length, 1);
  return models.map((model, index) => {
    const x = round(12 + index * width);
    const square = `<rect x="${x}" y="54" width="10" height="10" fill="${colorOf(index)}"/>`;
    return square + text(x + 15, 63.5, modelKey(model));
  });
}

/** A step of 1, 2 or 5 times a power of ten that gives at most eight parts. */
function tickStep(most: number): number {
  const power = 10 ** Math.floor(Math.log10(most / 8));
  return ([1, 2, 5, 10].find((factor) => most / (factor * power) <= 8) ?? 10) * power;
}

const colorOf = (index: number): string => COLORS[index % COLORS.length] ?? "";
const formatTick = (tick: number): string => String(Number(tick.toFixed(3)));
const round = (value: number): number => Math.round(value * 10) / 10;
const escapeXml = (value: string): string =>
  value.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
const text = (x: number, y: number, content: string, attributes = ""): string =>
  `<text x="${round(x)}" y="${round(y)}"${attributes && ` ${attributes}`}>${escapeXml(content)}</text>`;
