/** Results as Markdown. */
import { QUIET_CPU_SHARE } from "./calibration.js";
import { type Figure, figureOf } from "./figures.js";
import { formatSpread, formatValue, row, tableHead } from "./markdown.js";
import { type BenchResult, type FigureResult, type ModelResult, modelKey } from "./result.js";

/** What the README shows. */
const SUMMARY_FIGURES = [
  "load",
  "ttft_512",
  "ttft_2048",
  "prefill_512",
  "decode_32",
  "decode_512",
  "decode_2048",
  "streams_8",
  "peak_rss",
];

/** How the figures came about, in one sentence. */
export function describeConditions({ cpu, platform, node, peer, settings, models }: BenchResult): string {
  const rounds = Math.min(...models.map((model) => model.rounds.length));
  return `${settings.threads} threads of ${cpu} (${platform}), Node ${node}, ${peer}, ${rounds} round${rounds === 1 ? "" : "s"} of both sides in turns.`;
}

/** The whole report: a table a model, and the machine's state. */
export function reportMarkdown(result: BenchResult): string {
  const intro = `${describeConditions(result)} Revision ${result.commit}, ${result.date.slice(0, 10)}.`;
  const legend =
    "minimum / median / maximum; ratio: node-mlc against node-llama-cpp round by round, above 1 node-mlc is better. " +
    "The limit is the read bandwidth (decode) or the int8 peak (prefill) measured right before and after.";
  return [`# Benchmark results\n\n${intro}\n\n${legend}`, ...result.models.map(modelSection)]
    .join("\n\n")
    .concat("\n");
}

function modelSection(model: ModelResult): string {
  const { machine } = model;
  const quiet = machine.cpuShare.min >= QUIET_CPU_SHARE;
  const state =
    `Machine: ${formatSpread(machine.readGigabytesPerSecond)} GB/s read, ` +
    `${formatSpread(machine.int8GigaopsPerSecond)} int8 GOP/s` +
    (quiet
      ? "."
      : `; **not quiet**: other programs left ${percent(machine.cpuShare.min)} of the processors at worst.`);
  const schemes = model.peers.map(({ scheme }) => scheme);
  const peer = schemes.length > 1 ? `node-llama-cpp, best of ${schemes.join(", ")}` : "node-llama-cpp";
  const rows = model.figures.map((figure) => figureRow(figureOf(figure.figure), figure));
  return [
    `## ${modelKey(model)}`,
    "",
    state,
    "",
    ...tableHead(["", "node-mlc", peer, "ratio", "share of the limit (medians)"]),
    ...rows,
    ...batchedBenchTable(model),
  ].join("\n");
}

/** Ours beside llama-batched-bench; no lines where it was not given. */
function batchedBenchTable({ figures, batchedBench = [] }: ModelResult): string[] {
  const rows = batchedBench.flatMap(({ figure: id, rate, ratio }) => {
    const ours = figures.find(({ figure }) => figure === id);
    const { label, unit } = figureOf(id);
    return ours === undefined
      ? []
      : [row([`${label}, ${unit}`, ...[ours.ours, rate, ratio].map(formatSpread)])];
  });
  return rows.length === 0
    ? []
    : ["", ...tableHead(["", "node-mlc", "llama-batched-bench", "ratio"]), ...rows];
}

function figureRow({ label, unit }: Figure, { ours, peer, ratio, share }: FigureResult): string {
  const shares =
    share === undefined ? "" : `${percent(share.ours.median)}, peer ${percent(share.peer.median)}`;
  return row([`${label}, ${unit}`, formatSpread(ours), formatSpread(peer), formatSpread(ratio), shares]);
}

/** The README's table: medians of the models side by side. */
export function summaryTable(result: BenchResult): string {
  const rows = SUMMARY_FIGURES.flatMap((id) => {
    const cells = result.models.map(({ figures }) => figures.find(({ figure }) => figure === id));
    if (cells.every((cell) => cell === undefined)) return [];
    const { label, unit } = figureOf(id);
    return [row([`${label}, ${unit}`, ...cells.map(summaryCell)])];
  });
  return [...tableHead(["", ...result.models.map(modelKey)]), ...rows].join("\n");
}

/** "191 vs 53.6 (3.56x)". */
function summaryCell(cell: FigureResult | undefined): string {
  if (cell === undefined) return "";
  const { ours, peer, ratio } = cell;
  return `${formatValue(ours.median)} vs ${formatValue(peer.median)} (**${formatValue(ratio.median)}x**)`;
}

const percent = (share: number): string => `${(share * 100).toFixed(0)} %`;
