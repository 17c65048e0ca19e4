/** The command line of the benchmark. */
import os from "node:os";
import { LEAST_ROUNDS } from "./compare.js";
import { FIGURE_GROUPS, type FigureGroup } from "./figures.js";
import { RANDOM_SCHEMES, type RandomScheme } from "./gguf/tensor-list.js";
import { BENCH_MODELS, type BenchModel, type ModelChoice, TRAINED_MODEL } from "./model-source.js";
import { integerOption, invalidOption, listOption, optionValues } from "./option-values.js";
import type { WorkloadSettings } from "./peer-process.js";

/** Shown by --help. */
export const USAGE = `npm run bench -- [options]         one request at a time, and requests that start together
npm run bench -- serving [options] many clients; its own --help

  --models LIST         of ${BENCH_MODELS.join(", ")} (default: all)
  --schemes LIST        of ${RANDOM_SCHEMES.join(", ")}, for the models of random weights (default: q4_0p)
  --against LIST        more schemes of the peer's file; each figure is compared with the best of them (default: none)
  --figures LIST        of ${FIGURE_GROUPS.join(", ")} (default: all)
  --rounds N            rounds of both sides, each in new processes (default: 3)
  --threads N           threads of each side (default: all)
  --repeats N           repetitions inside a process (default: 3)
  --decode-tokens N     tokens decoded for a rate, 2 to 400 (default: 64)
  --batched-bench PATH  llama.cpp's program llama-batched-bench, measured beside the figures of streams
  --compile ARGS        more arguments of node-mlc compile, separated by spaces
  --json FILE           write the result, after every model
  --out FOLDER          write cpu.json, cpu.md and cpu.svg
  --compare FILE        compare with an earlier result; exit status 1 if a ratio got worse beyond noise
  --with FILE           compare that result instead of measuring anew`;

/** Checked options. */
export interface BenchOptions {
  readonly models: readonly ModelChoice[];
  readonly figures: readonly FigureGroup[];
  readonly rounds: number;
  readonly settings: WorkloadSettings;
  /** Path of llama-batched-bench. */
  readonly batchedBench: string | undefined;
  readonly compileArguments: readonly string[];
  readonly json: string | undefined;
  readonly out: string | undefined;
  readonly compare: string | undefined;
  readonly with: string | undefined;
  readonly help: boolean;
}

/** Reads the arguments. Errors: ERR_INVALID_ARGUMENT. */
export function parseOptions(args: readonly string[]): BenchOptions {
  const values = optionValues(args, OPTIONS);
  const models = listOption("models", values.models, BENCH_MODELS);
  const against = values.against === undefined ? [] : listOption("against", values.against, RANDOM_SCHEMES);
  const schemes = listOption("schemes", values.schemes ?? "q4_0p", RANDOM_SCHEMES);
  if (values.with !== undefined && values.compare === undefined)
    throw invalidOption("--compare FILE beside --with FILE", "none");
  return {
    models: models.flatMap((model) => choices(model, schemes, against)),
    figures: listOption("figures", values.figures, FIGURE_GROUPS),
    rounds: integerOption("rounds", values.rounds, 3, values.compare === undefined ? 1 : LEAST_ROUNDS, 1000),
    settings: {
      threads: integerOption("threads", values.threads, os.availableParallelism(), 1, 1024),
      repeats: integerOption("repeats", values.repeats, 3, 1, 1000),
      // The prompt of 512 tokens leaves this much of the context of 1024, and the streams have 512 tokens each.
      decodeTokens: integerOption("decode-tokens", values["decode-tokens"], 64, 2, 400),
    },
    batchedBench: values["batched-bench"],
    compileArguments: values.compile?.split(" ").filter((argument) => argument !== "") ?? [],
    json: values.json,
    out: values.out,
    compare: values.compare,
    with: values.with,
    help: values.help ?? false,
  };
}

const TEXT = { type: "string" } as const;

const OPTIONS = {
  models: TEXT,
  schemes: TEXT,
  against: TEXT,
  figures: TEXT,
  rounds: TEXT,
  threads: TEXT,
  repeats: TEXT,
  "decode-tokens": TEXT,
  "batched-bench": TEXT,
  compile: TEXT,
  json: TEXT,
  out: TEXT,
  compare: TEXT,
  with: TEXT,
  help: { type: "boolean" },
} as const;

function choices(
  model: BenchModel,
  schemes: readonly RandomScheme[],
  against: readonly RandomScheme[],
): ModelChoice[] {
  if (model === TRAINED_MODEL.model) return [{ ...TRAINED_MODEL, against: [] }];
  return schemes.map((scheme) => ({ model, scheme, against }));
}
