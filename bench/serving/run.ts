/** `npm run bench -- serving`: many clients at a time on node-mlc and node-llama-cpp. docs/benchmarks/README.md says how to read it. */
import { execFileSync } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { buildCalibration } from "../calibration.js";
import { installPeer, PEER_NAME } from "../install-peer.js";
import { type PreparedModel, prepareModel, TRAINED_MODEL } from "../model-source.js";
import type { Side } from "../peer-process.js";
import { root } from "../repository.js";
import { parseServingOptions, SERVING_USAGE, type ServingOptions } from "./options.js";
import { runServingProcess, type ServingPlan, type ServingRun } from "./process.js";
import { type ServingPoint, type ServingResult, type ServingRound, servingPoint } from "./result.js";
import { servingMarkdown } from "./tables.js";

/** Room beside the shared prefix: the longest prompt and answer of a request. */
const OWN_TOKENS = 400;

/** Exit status. */
export function serving(args: readonly string[]): number {
  const options = parseServingOptions(args);
  if (options.help) {
    console.log(SERVING_USAGE);
    return 0;
  }
  if (options.against === "node-llama-cpp") installPeer();
  const calibrate = buildCalibration(options.threads);
  const batch = ["--max-batch", String(Math.max(...options.streams))];
  const models = options.models.map((model) => {
    const scheme = model === TRAINED_MODEL.model ? TRAINED_MODEL.scheme : "q4_0p";
    return prepareModel({ model, scheme, against: [] }, batch);
  });
  const shares: number[] = [];
  const points: ServingPoint[] = [];
  for (const model of models)
    for (const prefixTokens of options.prefixes)
      for (const streams of options.streams) {
        shares.push(calibrate().cpuShare);
        points.push(measurePoint(model, { streams, prefixTokens }, options));
        write(options, resultOf(options, Math.min(...shares), points));
      }
  shares.push(calibrate().cpuShare);
  const result = resultOf(options, Math.min(...shares), points);
  console.log(servingMarkdown(result));
  write(options, result);
  return points.every(({ ours }) => ours !== undefined && ours.failures === 0) ? 0 : 1;
}

function measurePoint(
  model: PreparedModel,
  { streams, prefixTokens }: Pick<ServingPoint, "streams" | "prefixTokens">,
  { against, threads, rounds, requests, mixedPrefill, limitSeconds }: ServingOptions,
): ServingPoint {
  const measured: ServingRound[] = [];
  for (let round = 0; round < rounds; round++) {
    const plan: Omit<ServingPlan, "model"> = {
      threads,
      streams,
      prefixTokens,
      mixedPrefill,
      requests: streams * requests,
      contextSize: prefixTokens + OWN_TOKENS,
      seed: round + 1,
    };
    const runs: Partial<Record<Side, ServingRun | undefined>> = {};
    const order: readonly Side[] = round % 2 === 0 ? ["ours", "peer"] : ["peer", "ours"];
    for (const side of order) {
      const contestant = side === "ours" ? "node-mlc" : against;
      const { path: file } = contestant === "node-llama-cpp" ? model.peers[0] : model.ours;
      runs[side] = runServingProcess(contestant, { ...plan, model: file }, limitSeconds);
    }
    measured.push({ ours: runs.ours, peer: runs.peer });
  }
  const point = servingPoint({ model: model.model, streams, prefixTokens }, measured);
  console.error(
    `${model.model}: ${streams} clients, prefix ${prefixTokens}: ${point.ratio?.median.toFixed(2) ?? "failed"}`,
  );
  return point;
}

function resultOf(
  { against, threads, rounds, requests }: ServingOptions,
  cpuShare: number,
  points: readonly ServingPoint[],
): ServingResult {
  return {
    date: new Date().toISOString(),
    cpu: os.cpus()[0]?.model ?? "unknown",
    platform: `${os.platform()} ${os.arch()}`,
    node: process.version,
    commit: execFileSync("git", ["describe", "--always", "--dirty"], { cwd: root, encoding: "utf8" }).trim(),
    peer: against === "http" ? "node-mlc serve" : PEER_NAME,
    threads,
    rounds,
    requests,
    cpuShare,
    points,
  };
}

function write({ out, against }: ServingOptions, result: ServingResult): void {
  if (out === undefined) return;
  const name = against === "http" ? "serving-http" : "serving";
  mkdirSync(out, { recursive: true });
  writeFileSync(path.join(out, `${name}.json`), `${JSON.stringify(result, undefined, 1)}\n`);
  writeFileSync(path.join(out, `${name}.md`), servingMarkdown(result));
}
