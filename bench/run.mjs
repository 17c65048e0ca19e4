// `npm run bench`: node-mlc beside node-llama-cpp on the very same weights, in separate processes that take turns.
//
//   npm run bench -- [--rounds N] [--threads N] [--json FILE]
//
// Figures are min / median / max over all rounds; the ratio is the median of the rounds' ratios (above 1 we are better).
import { execFileSync } from "node:child_process";
import { existsSync, readdirSync, statSync, writeFileSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { parseArgs } from "node:util";
import { fetchDefaultModel } from "../scripts/fetch-model.mjs";
import { root, run } from "../scripts/prepare.mjs";

const { values } = parseArgs({
  options: {
    rounds: { type: "string", default: "3" },
    threads: { type: "string" },
    json: { type: "string" },
  },
});
const rounds = Number(values.rounds);
const threads = Number(values.threads ?? os.availableParallelism());

/** Figure → unit and whether more is better. */
const FIGURES = {
  load_ms: ["ms, process start to ready", false],
  ttft_first_ms: ["ms, 512 tokens, first request", false],
  ttft_ms: ["ms, 512 tokens", false],
  prefill_tokens_per_s: ["tokens/s, 512 tokens", true],
  decode_tokens_per_s: ["tokens/s, context 32", true],
  decode_at_512_tokens_per_s: ["tokens/s, context 512", true],
  peak_rss_bytes: ["bytes", false],
};

function installPeer() {
  const folder = path.join(root, "bench", "node_modules", "node-llama-cpp");
  if (!existsSync(folder))
    run("npm", [
      "install",
      "--no-save",
      "--no-package-lock",
      "--omit=optional",
      "--ignore-scripts",
      "--prefix",
      "bench",
      ...peerBinary(),
    ]);
}

/** The one binary package of the peer that this machine needs (all of them together are 700 MB). */
function peerBinary() {
  const names = {
    "linux-x64": "linux-x64",
    "linux-arm64": "linux-arm64",
    "darwin-arm64": "mac-arm64-metal",
    "win32-x64": "win-x64",
  };
  return [`@node-llama-cpp/${names[`${process.platform}-${process.arch}`]}@3.22.1`];
}

function compileModel(gguf) {
  const folder = path.join(root, "models", "bench-smollm2-keep");
  if (!existsSync(path.join(folder, "manifest.json")))
    run(process.execPath, ["dist/esm/cli/main.js", "compile", gguf, "-o", folder, "--quantization", "keep"]);
  return folder;
}

function measure(peer, model) {
  const script = path.join(root, "bench", "peers", `${peer}.mjs`);
  const output = execFileSync(process.execPath, [script, model, String(threads)], {
    encoding: "utf8",
    maxBuffer: 1 << 24,
  });
  return JSON.parse(output.trim().split("\n").at(-1));
}

const sorted = (list) => [...list].sort((a, b) => a - b);
const median = (list) => sorted(list)[Math.floor(list.length / 2)];
const spread = (list) => ({ min: Math.min(...list), median: median(list), max: Math.max(...list) });

function show({ min, median: middle, max }, figure) {
  const scale = figure.endsWith("_bytes") ? 1e6 : 1;
  return [min, middle, max].map((value) => (value / scale).toFixed(value / scale < 10 ? 2 : 0)).join(" / ");
}

installPeer();
const gguf = await fetchDefaultModel();
const model = compileModel(gguf);
const results = [];
for (let round = 0; round < rounds; round++) {
  results.push({ ours: measure("node-mlc", model), peer: measure("node-llama-cpp", gguf) });
  console.error(`round ${round + 1} of ${rounds} done`);
}

const report = Object.entries(FIGURES).map(([figure, [unit, moreIsBetter]]) => {
  const ratios = results.map(({ ours, peer }) => {
    const ratio = median(ours[figure]) / median(peer[figure]);
    return moreIsBetter ? ratio : 1 / ratio;
  });
  const all = (side) => spread(results.flatMap((result) => result[side][figure]));
  return { figure, unit, ours: all("ours"), peer: all("peer"), ratio: spread(ratios) };
});
const packageBytes = readdirSync(model).reduce((sum, file) => sum + statSync(path.join(model, file)).size, 0);

console.log(
  `SmolLM2-135M-Instruct, Q4_1 weights kept bit for bit, ${threads} threads, ${os.cpus()[0]?.model ?? "unknown CPU"}, Node ${process.version}`,
);
console.log(
  "| figure | node-mlc (min / median / max) | node-llama-cpp 3.22.1 | ratio (above 1: node-mlc is better) |\n|---|---|---|---|",
);
for (const { figure, unit, ours, peer, ratio } of report)
  console.log(
    `| ${figure} (${figure.endsWith("_bytes") ? "MB" : unit}) | ${show(ours, figure)} | ${show(peer, figure)} | ${show(ratio, "")} |`,
  );
console.log(
  `\nPackage ${(packageBytes / 1e6).toFixed(0)} MB, GGUF ${(statSync(gguf).size / 1e6).toFixed(0)} MB.`,
);
if (values.json)
  writeFileSync(
    values.json,
    `${JSON.stringify({ threads, cpu: os.cpus()[0]?.model, node: process.version, report, rounds: results }, null, 2)}\n`,
  );
