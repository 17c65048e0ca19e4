/** The command line of the serving benchmark. */
import os from "node:os";
import { BENCH_MODELS, type BenchModel } from "../model-source.js";
import { integerOption, listOption, optionValues } from "../option-values.js";

/** What our engine is compared with. */
export const RIVALS = ["node-llama-cpp", "http"] as const;

export type Rival = (typeof RIVALS)[number];

/** Shown by --help. */
export const SERVING_USAGE = `npm run bench -- serving [options]

  --models LIST         of ${BENCH_MODELS.join(", ")} (default: smollm2-135m)
  --against NAME        ${RIVALS.join(" or ")}: the peer, or our own server, whose cost the ratios then are (default: node-llama-cpp)
  --streams LIST        numbers of clients at a time, 1 to 64 (default: 1,4,8,16,32)
  --prefix LIST         tokens that all prompts share, 0 to 1024 (default: 0,400)
  --requests N          requests of a client (default: 3)
  --rounds N            rounds of both sides, each in new processes (default: 3)
  --threads N           threads of each side (default: all)
  --mixed-prefill N     our load option of that name (default: its default)
  --limit SECONDS       a process that takes longer is stopped and counts as failed (default: 600)
  --out FOLDER          write serving.json and serving.md (against http: serving-http)`;

/** Checked options. */
export interface ServingOptions {
  readonly models: readonly BenchModel[];
  readonly against: Rival;
  readonly streams: readonly number[];
  readonly prefixes: readonly number[];
  readonly requests: number;
  readonly rounds: number;
  readonly threads: number;
  readonly mixedPrefill: number | undefined;
  readonly limitSeconds: number;
  readonly out: string | undefined;
  readonly help: boolean;
}

const TEXT = { type: "string" } as const;

/** Reads the arguments after `serving`. Errors: ERR_INVALID_ARGUMENT. */
export function parseServingOptions(args: readonly string[]): ServingOptions {
  const values = optionValues(args, OPTIONS);
  const mixedPrefill = values["mixed-prefill"];
  const numbers = (name: string, value: string, least: number, most: number) =>
    value.split(",").map((given) => integerOption(name, given.trim(), 0, least, most));
  return {
    models: listOption("models", values.models ?? "smollm2-135m", BENCH_MODELS),
    against: listOption("against", values.against ?? "node-llama-cpp", RIVALS)[0] ?? "node-llama-cpp",
    streams: numbers("streams", values.streams ?? "1,4,8,16,32", 1, 64),
    prefixes: numbers("prefix", values.prefix ?? "0,400", 0, 1024),
    requests: integerOption("requests", values.requests, 3, 1, 1000),
    rounds: integerOption("rounds", values.rounds, 3, 1, 1000),
    threads: integerOption("threads", values.threads, os.availableParallelism(), 1, 1024),
    mixedPrefill:
      mixedPrefill === undefined ? undefined : integerOption("mixed-prefill", mixedPrefill, 0, 1, 1 << 20),
    limitSeconds: integerOption("limit", values.limit, 600, 1, 86_400),
    out: values.out,
    help: values.help ?? false,
  };
}

const OPTIONS = {
  models: TEXT,
  against: TEXT,
  streams: TEXT,
  prefix: TEXT,
  requests: TEXT,
  rounds: TEXT,
  threads: TEXT,
  "mixed-prefill": TEXT,
  limit: TEXT,
  out: TEXT,
  help: { type: "boolean" },
} as const;
