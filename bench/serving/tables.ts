/** The serving result as Markdown. */
import { QUIET_CPU_SHARE } from "../calibration.js";
import { formatSpread, formatValue, row, tableHead } from "../markdown.js";
import type { ServingPoint, ServingResult, SideResult } from "./result.js";

/** The whole report: a table for each model and prefix. */
export function servingMarkdown(result: ServingResult): string {
  const { threads, cpu, platform, node, peer, rounds, requests, commit, date, cpuShare } = result;
  const intro =
    `${threads} threads of ${cpu} (${platform}), Node ${node}, ${peer}, ${rounds} round${rounds === 1 ? "" : "s"} of both sides in turns, ` +
    `${requests} request${requests === 1 ? "" : "s"} a client. Revision ${commit}, ${date.slice(0, 10)}.`;
  const legend =
    "Tokens a second are of all clients together, with the time of their prompts: minimum / median / maximum of the rounds. " +
    "Latencies: 50th / 95th / 99th percentile over the requests of all rounds, in ms, node-mlc first. Ratios above 1: node-mlc is better.";
  const quiet =
    cpuShare >= QUIET_CPU_SHARE
      ? ""
      : `\n\n**Not quiet**: other programs left ${(cpuShare * 100).toFixed(0)} % of the processors at worst.`;
  const groups = new Map<string, ServingPoint[]>();
  for (const point of result.points) {
    const title =
      point.prefixTokens === 0
        ? `${point.model}, prompts of 16 to 256 tokens`
        : `${point.model}, prompts that share ${point.prefixTokens} tokens`;
    groups.set(title, [...(groups.get(title) ?? []), point]);
  }
  const sections = [...groups].map(([title, points]) => [`## ${title}`, "", ...table(points)].join("\n"));
  return `${[`# Serving\n\n${intro}\n\n${legend}${quiet}`, ...sections].join("\n\n")}\n`;
}

function table(points: readonly ServingPoint[]): string[] {
  const titles = [
    "clients",
    "tokens/s",
    "peer",
    "ratio",
    "first token",
    "between tokens",
    "p99 between tokens, ratio",
  ];
  return [...tableHead(titles), ...points.map(pointRow), ...healthLines(points)];
}

function pointRow({ streams, ours, peer, ratio, interTokenRatio }: ServingPoint): string {
  return row([
    String(streams),
    rate(ours),
    rate(peer),
    ratio === undefined ? "" : `**${formatSpread(ratio)}**`,
    latencies(ours?.firstTokenMs, peer?.firstTokenMs),
    latencies(ours?.interTokenMs, peer?.interTokenMs),
    interTokenRatio === undefined ? "" : formatValue(interTokenRatio),
  ]);
}

function rate(side: SideResult | undefined): string {
  if (side === undefined) return "failed";
  const failures = side.failures === 0 ? "" : ` (${side.failures} failed)`;
  return formatSpread(side.tokensPerSecond) + failures;
}

function latencies(ours: readonly number[] | undefined, peer: readonly number[] | undefined): string {
  const text = (values: readonly number[] | undefined) => values?.map(formatValue).join(" / ") ?? "none";
  return `${text(ours)} vs ${text(peer)}`;
}

function healthLines(points: readonly ServingPoint[]): string[] {
  const lines = points.flatMap(({ streams, peer }) =>
    peer?.healthMs === undefined
      ? []
      : [`${streams} clients: ${peer.healthMs.map(formatValue).join(" / ")} ms`],
  );
  return lines.length === 0
    ? []
    : ["", `\`/health\` meanwhile, 50th / 95th / 99th percentile: ${lines.join(", ")}.`];
}
