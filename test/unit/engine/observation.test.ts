/** What an engine tells of itself: Prometheus' text, and trace events. */
import { describe, expect, it } from "vitest";
import type { EngineStats } from "../../../lib/engine/engine.js";
import { prometheusText } from "../../../lib/engine/prometheus.js";
import { traceEvents } from "../../../lib/engine/trace.js";
import { usageExtra } from "../../../lib/engine/usage-extra.js";
import { END, fakeEngine, textScript } from "../../support/fake-engine.js";

interface Family {
  type: string;
  help: string;
  samples: { name: string; labels: Record<string, string>; value: number }[];
}

/** A strict reader of the text format: families in one piece, HELP and TYPE first, labels quoted, numbers. */
function parse(text: string): Map<string, Family> {
  const families = new Map<string, Family>();
  expect(text.endsWith("\n")).toBe(true);
  let current: [string, Family] | undefined;
  for (const line of text.slice(0, -1).split("\n")) {
    const comment = /^# (HELP|TYPE) ([a-z_]+) (.+)$/.exec(line);
    if (comment !== null) {
      const [, kind, name = "", rest = ""] = comment;
      if (kind === "HELP") {
        expect(families.has(name), `${name} is in one piece`).toBe(false);
        current = [name, { type: "", help: rest, samples: [] }];
        families.set(...current);
      } else {
        expect(current?.[0]).toBe(name);
        if (current !== undefined) current[1].type = rest;
      }
      continue;
    }
    const sample = /^([a-z_]+)\{((?:[a-z]+="(?:[^"\\\n]|\\["\\n])*",?)*)\} (\S+)$/.exec(line);
    expect(sample, line).not.toBeNull();
    const [, name = "", labels = "", value] = sample ?? [];
    expect(name.replace(/_(bucket|sum|count)$/, ""), line).toBe(
      current?.[1].type === "histogram" ? current[0] : name,
    );
    const pairs = [...labels.matchAll(/([a-z]+)="((?:[^"\\]|\\.)*)"/g)].map(([, key, text]) => [key, text]);
    current?.[1].samples.push({ name, labels: Object.fromEntries(pairs), value: Number(value) });
  }
  return families;
}

describe("Prometheus' text", () => {
  it("is well formed, typed and labelled", async () => {
    const { engine } = await fakeEngine(textScript("ok"));
    const families = parse(engine.metrics());
    expect(families.size).toBeGreaterThan(20);
    for (const [name, { type, help, samples }] of families) {
      expect(name).toMatch(/^node_mlc_/);
      expect(type === "counter").toBe(name.endsWith("_total"));
      expect(help).toMatch(/\.$/);
      for (const { labels, value } of samples) {
        expect(labels.model).toBe(engine.manifest.model.name);
        expect(Number.isFinite(value)).toBe(true);
      }
    }
  });

  it("adds the buckets of histograms up, and escapes labels", async () => {
    const { engine } = await fakeEngine(textScript("ok"));
    const histogram = {
      bounds: Float64Array.of(0.1, 0.5),
      counts: Float64Array.of(2, 3, 4),
      count: 9,
      sum: 7.5,
    };
    const stats: EngineStats = engine.stats();
    const histograms = { ...stats.histograms, queueSeconds: histogram };
    const text = prometheusText([
      { stats: { ...stats, histograms, aborted: 3 }, labels: { model: 'a "b"\\\n' } },
    ]);
    expect(text).toContain('model="a \\"b\\"\\\\\\n"');
    const families = parse(text);
    const values = families
      .get("node_mlc_queue_seconds")
      ?.samples.map(({ labels, value }) => [labels.le, value]);
    expect(values).toEqual([
      ["0.1", 2],
      ["0.5", 5],
      ["+Inf", 9],
      [undefined, 7.5],
      [undefined, 9],
    ]);
    const ended = families.get("node_mlc_requests_total")?.samples;
    expect(ended?.find(({ labels }) => labels.outcome === "aborted")?.value).toBe(3);
  });

  it("has several engines in one text, each metric once", async () => {
    const { engine } = await fakeEngine(textScript("ok"));
    const { engine: other } = await fakeEngine(textScript("ok"));
    await other.generate("a").result;
    const measured = [engine, other].map((each, index) => ({
      stats: each.stats(),
      labels: { model: "fake", replica: String(index) },
    }));
    const finished = parse(prometheusText(measured))
      .get("node_mlc_requests_total")
      ?.samples.filter(({ labels }) => labels.outcome === "finished");
    expect(finished?.map(({ labels, value }) => [labels.replica, value])).toEqual([
      ["0", 0],
      ["1", 1],
    ]);
    const [one, two] = measured.map(({ stats }) => ({ stats, labels: { b: "1", a: "2" } }));
    const same = [one, { ...two, labels: { a: "2", b: "1" } }] as never;
    expect(() => prometheusText(same)).toThrow(/different ones/);
  });
});

describe("outcomes", () => {
  it("count each request once, by how it ended for its caller", async () => {
    const { engine, native } = await fakeEngine((request) =>
      request.tokens[0] === 70
        ? [{ tokens: [], finish: "error", error: { code: "ERR_NATIVE", message: "broken" } } as never]
        : [{ tokens: [65] }, { tokens: [66] }, { tokens: [END], finish: "stop" }],
    );
    await engine.generate("a").result;
    await engine.generate("a", { stop: ["A"] }).result;
    await engine.generate("F").result.catch(() => undefined);
    native.hold = true;
    const signal = AbortSignal.timeout(1);
    const rest = [
      engine.generate("a", { timeoutMs: 1 }),
      engine.generate("a", { timeoutMs: 1 }),
      engine.generate("a", { signal }),
      engine.generate("a"),
      engine.generate("a"),
      engine.generate("a"),
    ];
    rest[3]?.abort();
    await Promise.allSettled(rest.slice(0, 4).map(({ result }) => result));
    const counts = { finished: 2, failed: 1, timedOut: 2, aborted: 2 };
    expect(engine.stats()).toMatchObject({ ...counts, requests: 2, refused: 0 });
    expect(engine.metrics()).toContain('node_mlc_requests_total{model="fake",outcome="timed_out"} 2');
  });
});

describe("trace events", () => {
  it("have a track of steps and one for each request", () => {
    const trace = traceEvents({
      durationMs: 20,
      droppedSteps: 1,
      droppedSpans: 0,
      steps: Float64Array.of(1, 4, 0.5, 2, 30, 1),
      spans: Float64Array.of(7, 2, 1, 5.5, 30, 1, 0, 7, 0, 0, 12, 30, 9, 2),
    });
    expect(trace.otherData).toEqual({ durationMs: 20, droppedSteps: 1, droppedSpans: 0 });
    const [step, forward, sampling] = trace.traceEvents.filter(({ ph }) => ph === "X");
    expect(step).toMatchObject({
      name: "step",
      ts: 1000,
      dur: 4500,
      args: { sequences: 2, prefillRows: 30, decodeRows: 1 },
    });
    expect(forward).toMatchObject({ ts: 1000, dur: 4000 });
    expect(sampling).toMatchObject({ ts: 5000, dur: 500 });
    const spans = trace.traceEvents.filter(({ cat }) => cat === "request");
    expect(spans.map(({ name, ph, ts, id }) => [name, ph, ts, id])).toEqual([
      ["request", "b", 0, 7],
      ["prefill", "b", 1000, 7],
      ["prefill", "e", 5500, 7],
      ["request", "e", 12_000, 7],
    ]);
    expect(spans[0]?.args).toEqual({ promptTokens: 30, answerTokens: 9, outcome: "length" });
    expect(JSON.parse(JSON.stringify(trace))).toEqual(trace);
  });

  it("are bounded", async () => {
    const { engine } = await fakeEngine(textScript("ok"));
    expect(() => engine.startTrace(0)).toThrow(/limit/);
    expect(() => engine.startTrace(2 ** 20 + 1)).toThrow(/limit/);
    engine.startTrace();
    expect((await engine.stopTrace()).traceEvents).toHaveLength(2);
  });
});

it("usage.extra tells no rate of what did not happen", () => {
  expect(usageExtra(undefined)).toEqual({
    e2e_latency_s: 0,
    time_to_first_token_s: null,
    time_per_output_token_s: null,
    prefill_tokens_per_s: null,
    decode_tokens_per_s: null,
  });
  const usage = {
    promptTokens: 100,
    cachedTokens: 60,
    completionTokens: 11,
    reasoningTokens: 0,
    totalTokens: 111,
  };
  const timings = { queueMs: 120, prefillMs: 80, firstTokenMs: 200, totalMs: 700 };
  const result = {
    usage,
    timings,
    truncation: undefined,
    text: "",
    tokens: [],
    logprobs: [],
    finishReason: "stop",
  } as const;
  expect(usageExtra(result)).toEqual({
    e2e_latency_s: 0.7,
    time_to_first_token_s: 0.2,
    time_per_output_token_s: 0.05,
    prefill_tokens_per_s: 500,
    decode_tokens_per_s: 20,
  });
});
