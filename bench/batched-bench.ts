/**
 * llama.cpp's own measurement of many sequences at once, the program `llama-batched-bench`, beside the streams of the two sides: it
 * calls the C++ library directly, so it shows what the peer's binding adds or loses.
 */
import { execFileSync } from "node:child_process";
import { MlcError } from "../lib/errors.js";
import { STREAM_COUNTS } from "./figures.js";
import type { FigureValues, WorkloadSettings } from "./peer-process.js";

/** Tokens of every prompt, as in bench/workload.mjs. */
const PROMPT_TOKENS = 32;

/** Longer than any honest run. */
const TIMEOUT_MS = 20 * 60 * 1000;

/** What is read of a line of the program's output. */
interface OutputLine {
  readonly pp: number;
  readonly tg: number;
  readonly pl: number;
  readonly n_threads: number;
  readonly speed_tg: number;
}

const FIELDS = ["pp", "tg", "pl", "n_threads", "speed_tg"] as const;

type Work = Pick<WorkloadSettings, "threads" | "decodeTokens">;

/** The program's arguments: prompts of their own for every sequence, nothing on a GPU, and its own defaults for the rest. */
export function batchedBenchArguments(model: string, { threads, decodeTokens }: Work): string[] {
  const context = Math.max(...STREAM_COUNTS) * (PROMPT_TOKENS + decodeTokens);
  return [
    ...["-m", model, "-c", `${context}`, "-ngl", "0", "-t", `${threads}`, "-tb", `${threads}`],
    ...["-npp", `${PROMPT_TOKENS}`, "-ntg", `${decodeTokens}`, "-npl", STREAM_COUNTS.join(",")],
    ...["--output-format", "jsonl"],
  ];
}

/**
 * Runs `program` on a GGUF file.
 * Returns the total decode rates (tokens/s) by the id of our figure. Errors: ERR_NATIVE where it fails; those of parseBatchedBench.
 */
export function runBatchedBench(program: string, model: string, work: Work): FigureValues {
  let output: string;
  try {
    output = execFileSync(program, batchedBenchArguments(model, work), {
      encoding: "utf8",
      maxBuffer: 1 << 24,
      timeout: TIMEOUT_MS,
      stdio: ["ignore", "pipe", "pipe"],
    });
  } catch (cause) {
    throw new MlcError(
      "ERR_NATIVE",
      `Expected figures of ${program} (${model}) but it failed or took more than ${TIMEOUT_MS / 60_000} minutes: ` +
        "is it llama.cpp's llama-batched-bench, and can it read this file?",
      { cause },
    );
  }
  return parseBatchedBench(output, work);
}

/**
 * Reads the JSON lines of llama-batched-bench; other lines are its log. Errors: ERR_UNSUPPORTED_FORMAT unless every number of streams
 * was measured once, with the work that was asked for.
 */
export function parseBatchedBench(output: string, { threads, decodeTokens }: Work): FigureValues {
  const lines = output
    .split("\n")
    .filter((line) => line.trimStart().startsWith("{"))
    .map(parseLine);
  const rates = STREAM_COUNTS.map((streams): [string, number[]] => {
    const found = lines.filter(({ pl }) => pl === streams);
    const [line] = found;
    if (line === undefined || found.length > 1)
      throw unexpected(`one line of ${streams} streams`, `${found.length} of ${lines.length} lines`);
    expectValue("pp", PROMPT_TOKENS, line);
    expectValue("tg", decodeTokens, line);
    expectValue("n_threads", threads, line);
    return [`streams_${streams}`, [line.speed_tg]];
  });
  if (lines.length !== rates.length) throw unexpected(`${rates.length} lines`, `${lines.length}`);
  return Object.fromEntries(rates);
}

function parseLine(line: string): OutputLine {
  let fields: Partial<Record<string, unknown>>;
  try {
    fields = JSON.parse(line) as Partial<Record<string, unknown>>;
  } catch (cause) {
    throw unexpected("a line of JSON", line, cause);
  }
  const wrong = FIELDS.find((name) => !isPositive(fields[name]));
  if (wrong !== undefined) throw unexpected(`a positive number ${wrong}`, line);
  return fields as unknown as OutputLine;
}

const isPositive = (value: unknown): boolean =>
  typeof value === "number" && Number.isFinite(value) && value > 0;

function expectValue(name: keyof OutputLine, expected: number, line: OutputLine): void {
  if (line[name] !== expected) throw unexpected(`${name} = ${expected}`, `${line[name]}`);
}

function unexpected(expected: string, received: string, cause?: unknown): MlcError {
  return new MlcError(
    "ERR_UNSUPPORTED_FORMAT",
    `Expected ${expected} in the output of llama-batched-bench but received ${JSON.stringify(received)}: use a release that has --output-format jsonl.`,
    { cause },
  );
}
