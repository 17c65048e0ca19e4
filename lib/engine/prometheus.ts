/** The counters of an engine in Prometheus' text exposition format (version 0.0.4). docs/observability.md lists the names. */
import type { NativeHistogram } from "../ffi/native-engine.js";
import type { EngineStats } from "./engine.js";
import { unexpected } from "./expectation.js";

/** Content type of the text. */
export const PROMETHEUS_CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8";

/** Names and values that tell one value of a metric from others. */
export type Labels = Readonly<Record<string, string>>;
/** One value of a metric: its labels beside the common ones, and what it is. */
type Sample = readonly [Labels, number];

interface Metric {
  /** Without the prefix `node_mlc_`. */
  readonly name: string;
  readonly type: "counter" | "gauge";
  readonly help: string;
  readonly samples: (stats: EngineStats) => readonly Sample[];
}

const one = (value: (stats: EngineStats) => number) => (stats: EngineStats) => [[{}, value(stats)] as const];

const METRICS: readonly Metric[] = [
  {
    name: "requests",
    type: "gauge",
    help: "Requests that are not finished, by state.",
    samples: ({ running, waiting }) => [
      [{ state: "running" }, running],
      [{ state: "waiting" }, waiting],
    ],
  },
  {
    name: "requests_total",
    type: "counter",
    help: "Requests that have ended, by outcome.",
    samples: ({ finished, aborted, timedOut, failed, refused }) => [
      [{ outcome: "finished" }, finished],
      [{ outcome: "aborted" }, aborted],
      [{ outcome: "timed_out" }, timedOut],
      [{ outcome: "failed" }, failed],
      [{ outcome: "refused" }, refused],
    ],
  },
  {
    name: "prompt_tokens_total",
    type: "counter",
    help: "Prompt tokens computed, those of preempted requests again.",
    samples: one(({ promptTokens }) => promptTokens),
  },
  {
    name: "generated_tokens_total",
    type: "counter",
    help: "Tokens generated.",
    samples: one(({ generatedTokens }) => generatedTokens),
  },
  {
    name: "embedded_texts_total",
    type: "counter",
    help: "Texts embedded.",
    samples: one(({ embeddedTexts }) => embeddedTexts),
  },
  {
    name: "embedded_tokens_total",
    type: "counter",
    help: "Tokens of embedded texts.",
    samples: one(({ embeddedTokens }) => embeddedTokens),
  },
  {
    name: "preemptions_total",
    type: "counter",
    help: "Times a request gave up its KV pages to be computed again.",
    samples: one(({ preemptions }) => preemptions),
  },
  { name: "steps_total", type: "counter", help: "Steps computed.", samples: one(({ steps }) => steps) },
  {
    name: "forward_seconds_total",
    type: "counter",
    help: "Time in the model's functions.",
    samples: one(({ forwardMs }) => forwardMs / 1000),
  },
  {
    name: "sampling_seconds_total",
    type: "counter",
    help: "Time spent choosing tokens.",
    samples: one(({ samplingMs }) => samplingMs / 1000),
  },
  {
    name: "kv_pages",
    type: "gauge",
    help: "Pages of the KV cache, by state: used by requests or sessions, cached for later ones, or free.",
    samples: ({ pagesTotal, pagesFree, pagesCached }) => [
      [{ state: "used" }, pagesTotal - pagesFree],
      [{ state: "cached" }, pagesCached],
      [{ state: "free" }, pagesFree - pagesCached],
    ],
  },
  {
    name: "prefix_cache_lookups_total",
    type: "counter",
    help: "Admissions that asked the prefix cache.",
    samples: one(({ prefixLookups }) => prefixLookups),
  },
  {
    name: "prefix_cache_lookup_tokens_total",
    type: "counter",
    help: "Tokens the prefix cache was asked for.",
    samples: one(({ prefixLookupTokens }) => prefixLookupTokens),
  },
  {
    name: "prefix_cache_hit_tokens_total",
    type: "counter",
    help: "Tokens found in the prefix cache.",
    samples: one(({ prefixHitTokens }) => prefixHitTokens),
  },
  {
    name: "prefix_cache_evictions_total",
    type: "counter",
    help: "Cached pages that were given up.",
    samples: one(({ prefixEvictions }) => prefixEvictions),
  },
  {
    name: "drafted_tokens_total",
    type: "counter",
    help: "Drafted tokens that were computed.",
    samples: one(({ draftedTokens }) => draftedTokens),
  },
  {
    name: "accepted_tokens_total",
    type: "counter",
    help: "Drafted tokens that were chosen too.",
    samples: one(({ acceptedTokens }) => acceptedTokens),
  },
];

interface HistogramMetric {
  readonly name: string;
  readonly help: string;
  readonly of: (histograms: EngineStats["histograms"]) => NativeHistogram;
}

const HISTOGRAMS: readonly HistogramMetric[] = [
  { name: "queue_seconds", help: "From a request to its first step.", of: (all) => all.queueSeconds },
  {
    name: "first_token_seconds",
    help: "From a request to its first token.",
    of: (all) => all.firstTokenSeconds,
  },
  {
    name: "inter_token_seconds",
    help: "From one token of a request to its next.",
    of: (all) => all.interTokenSeconds,
  },
  {
    name: "request_seconds",
    help: "From a request to its end, of requests that finished.",
    of: (all) => all.requestSeconds,
  },
  {
    name: "request_prompt_tokens",
    help: "Prompt tokens of a request.",
    of: (all) => all.requestPromptTokens,
  },
  {
    name: "request_generated_tokens",
    help: "Generated tokens of a request.",
    of: (all) => all.requestGeneratedTokens,
  },
  { name: "step_seconds", help: "Time of a step.", of: (all) => all.stepSeconds },
  { name: "step_sequences", help: "Requests in a step.", of: (all) => all.stepSequences },
  { name: "step_rows", help: "Token rows in a step.", of: (all) => all.stepRows },
];

/** The counters of one engine, and the labels of all its samples. */
export interface MeasuredEngine {
  /** `engine.stats()`. */
  readonly stats: EngineStats;
  /** Tell this engine from the others of the text, for example the model's name and a number. */
  readonly labels: Labels;
}

/**
 * The text of the counters of one or several engines: each metric once, with the samples of all of them.
 * Errors: ERR_INVALID_ARGUMENT where two engines have the same labels, which a scraper would take for one.
 */
export function prometheusText(engines: readonly MeasuredEngine[]): string {
  checkDistinct(engines);
  const lines = METRICS.flatMap(({ name, type, help, samples }) => [
    ...metricHead(name, type, help),
    ...engines.flatMap(({ stats, labels }) =>
      samples(stats).map(([own, value]) => metricSample(name, { ...labels, ...own }, value)),
    ),
  ]);
  for (const { name, help, of } of HISTOGRAMS) {
    lines.push(...metricHead(name, "histogram", help));
    for (const { stats, labels } of engines)
      lines.push(...histogramSamples(name, labels, of(stats.histograms)));
  }
  return `${lines.join("\n")}\n`;
}

function checkDistinct(engines: readonly MeasuredEngine[]): void {
  const seen = new Set<string>();
  for (const { labels } of engines) {
    const text = JSON.stringify(Object.entries(labels).sort());
    if (seen.has(text)) throw unexpected("labels", "different ones for each engine", labels);
    seen.add(text);
  }
}

function histogramSamples(name: string, labels: Labels, histogram: NativeHistogram): string[] {
  const { bounds, counts, count, sum } = histogram;
  let below = 0;
  const buckets = Array.from(bounds, (bound, index) => {
    below += counts[index] ?? 0;
    return metricSample(`${name}_bucket`, { ...labels, le: String(bound) }, below);
  });
  return [
    ...buckets,
    metricSample(`${name}_bucket`, { ...labels, le: "+Inf" }, count),
    metricSample(`${name}_sum`, labels, sum),
    metricSample(`${name}_count`, labels, count),
  ];
}

/** The lines before the samples of a metric; `name` without the prefix. */
export function metricHead(name: string, type: "counter" | "gauge" | "histogram", help: string): string[] {
  return [`# HELP node_mlc_${name} ${help}`, `# TYPE node_mlc_${name} ${type}`];
}

/** One sample. */
export function metricSample(name: string, labels: Labels, value: number): string {
  const pairs = Object.entries(labels).map(([label, text]) => `${label}="${escaped(text)}"`);
  return `node_mlc_${name}{${pairs.join(",")}} ${value}`;
}

/** Backslash, quote and line feed, as the format wants them. */
function escaped(text: string): string {
  return text.replaceAll("\\", "\\\\").replaceAll('"', '\\"').replaceAll("\n", "\\n");
}
