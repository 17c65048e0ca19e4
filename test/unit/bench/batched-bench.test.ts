import { describe, expect, test } from "vitest";
import { batchedBenchArguments, parseBatchedBench, runBatchedBench } from "../../../bench/batched-bench.js";
import { chosenFigures } from "../../../bench/figures.js";
import { summarize } from "../../../bench/summarize.js";
import { reportMarkdown } from "../../../bench/tables.js";
import { model, processResult, resultOf } from "./result-fixture.js";

const work = { threads: 2, decodeTokens: 64 };

/** A line as the program prints it. */
function line(streams: number, changes: Readonly<Record<string, unknown>> = {}): string {
  return JSON.stringify({
    ...{ n_kv_max: 768, n_batch: 2048, n_ubatch: 512, flash_attn: -1, is_pp_shared: 0, n_gpu_layers: 0 },
    ...{ n_threads: 2, n_threads_batch: 2, pp: 32, tg: 64, pl: streams, n_kv: streams * 96 },
    ...{ t_pp: 0.1, speed_pp: 320.5, t_tg: 0.5, speed_tg: streams * 50.5, t: 0.6, speed: 160.1 },
    ...changes,
  });
}

const lines = [1, 2, 4, 8].map((streams) => line(streams));
const outputOf = (...some: readonly string[]) => `\nsome log\n\n${some.join("\n")}\n\nperformance: 1 ms\n`;

describe("llama-batched-bench", () => {
  test("is asked for the work of the streams, with room for all", () => {
    const text = batchedBenchArguments("a.gguf", work).join(" ");
    expect(text).toBe(
      "-m a.gguf -c 768 -ngl 0 -t 2 -tb 2 -npp 32 -ntg 64 -npl 1,2,4,8 --output-format jsonl",
    );
  });

  test("total decode rates by figure", () => {
    expect(parseBatchedBench(outputOf(...lines), work)).toEqual({
      streams_1: [50.5],
      streams_2: [101],
      streams_4: [202],
      streams_8: [404],
    });
  });

  test.each([
    ["nothing", [], /one line of 1 streams .* "0 of 0 lines"/],
    ["a missing line", lines.slice(0, 3), /one line of 8 streams .* "0 of 3 lines"/],
    ["a line twice", [...lines, line(8)], /one line of 8 streams .* "2 of 5 lines"/],
    ["a line too many", [...lines, line(16)], /4 lines .* "5"/],
    ["half a line", [...lines.slice(0, 3), line(8).slice(0, 40)], /a line of JSON/],
    ["no rate", [line(1, { speed_tg: undefined }), ...lines.slice(1)], /a positive number speed_tg/],
    ["a rate of zero", [line(1, { speed_tg: 0 }), ...lines.slice(1)], /a positive number speed_tg/],
    ["other prompts", [line(1, { pp: 16 }), ...lines.slice(1)], /pp = 32 .* "16"/],
    ["other lengths", [line(1, { tg: 16 }), ...lines.slice(1)], /tg = 64 .* "16"/],
    ["other threads", [line(1, { n_threads: 1 }), ...lines.slice(1)], /n_threads = 2 .* "1"/],
  ])("%s is refused", (_name, given, message) => {
    const parse = () => parseBatchedBench(outputOf(...given), work);
    expect(parse).toThrow(expect.objectContaining({ code: "ERR_UNSUPPORTED_FORMAT" }));
    expect(parse).toThrow(message);
  });

  test("another program, or none, is an error", () => {
    for (const program of ["/no/such/program", process.execPath])
      expect(() => runBatchedBench(program, "a.gguf", work)).toThrow(
        expect.objectContaining({ code: "ERR_NATIVE" }),
      );
  });
});

describe("the report", () => {
  const settings = { threads: 2, repeats: 3, decodeTokens: 64 };
  const round = (ours: number, batched?: number) => ({
    ours: [processResult({ streams_8: [ours] })],
    peer: [processResult({ streams_8: [200] })],
    ...(batched === undefined ? {} : { batchedBench: { streams_8: [batched] } }),
  });
  const figures = chosenFigures(["streams"]).filter(({ id }) => id === "streams_8");
  const report = (rounds: readonly ReturnType<typeof round>[]) => {
    const summary = summarize(model, figures, rounds, settings);
    return { summary, text: reportMarkdown(resultOf([300], { models: [summary] })) };
  };

  test("our rate by its rate, round by round", () => {
    const { summary, text } = report([round(900, 300), round(800, 400), round(1000, 400)]);
    expect(summary.batchedBench).toEqual([
      {
        figure: "streams_8",
        rate: { min: 300, median: 400, max: 400 },
        ratio: { min: 2, median: 2.5, max: 3 },
        ratios: [3, 2, 2.5],
      },
    ]);
    expect(text).toContain("|  | node-mlc | llama-batched-bench | ratio |");
    expect(text).toContain(
      "| decode, 8 streams, tokens/s | 800 / 900 / 1000 | 300 / 400 / 400 | 2.00 / 2.50 / 3.00 |",
    );
  });

  test("nothing changes without it", () => {
    const { summary, text } = report([round(900)]);
    expect(summary).not.toHaveProperty("batchedBench");
    expect(text).not.toContain("batched");
  });
});
