/** `node-mlc inspect`: what a package says of itself. */

import { cpuDevice } from "../../engine/devices.js";
import {
  chooseLibrary,
  hostMachine,
  type LibraryFitness,
  libraryFitness,
  runs,
} from "../../engine/library-choice.js";
import type { ManifestLibrary } from "../../package/manifest.js";
import { type ModelKind, modelKind } from "../../package/model-kind.js";
import { ModelPackage } from "../../package/model-package.js";
import { defineCommand } from "../command.js";
import { lines, megabytes } from "../output.js";

export const inspectCommand = defineCommand({
  meta: { name: "inspect", description: "Show what is in a package" },
  args: {
    package: { type: "positional", description: "Folder of a compiled package" },
    verify: { type: "boolean", description: "Check the digest of every file, weights too" },
  },
  async run(args, { output, signal }) {
    const { path, manifest } = await ModelPackage.open(args.package, { verify: args.verify, signal });
    const { model, limits, kvCache, libraries, weights } = manifest;
    const host = hostMachine((await cpuDevice()).features);
    const fitnesses = libraries.map((library) => libraryFitness(library, host));
    const chosen = fitnesses.some((fitness) => runs(fitness) && fitness.library.target.gpu === undefined)
      ? chooseLibrary(libraries, host)
      : undefined;
    const bytes = Object.values(manifest.files).reduce((sum, file) => sum + file.bytes, 0);
    const formats = countBy(weights.params.map(({ format }) => format));
    const result = {
      path,
      generator: manifest.generator,
      model,
      kind: modelKind(manifest),
      quantization: manifest.quantization,
      formats,
      limits,
      kv_cache: kvCache,
      activations: manifest.activations,
      libraries: fitnesses.map(({ library, missing }) => ({
        name: library.name,
        ...library.target,
        bytes: manifest.files[library.file]?.bytes,
        missing,
        chosen: library === chosen,
        tuning: library.tuning,
      })),
      weights: { params: weights.params.length, shards: weights.shards.length, bytes: weights.totalBytes },
      tokenizer: manifest.tokenizer,
      chat_template: manifest.chatTemplate !== undefined,
      generation: manifest.generation,
      source: manifest.source,
      licence: manifest.licence,
      tvm: manifest.tvm,
      bytes,
      verified: args.verify,
    };
    output.result(result, () =>
      lines([
        ["package", path],
        [
          "model",
          `${model.name} (${model.architecture}, ${model.layers} layers, hidden ${model.hiddenSize}, vocabulary ${model.vocabSize})`,
        ],
        ["kind", KINDS[modelKind(manifest)]],
        [
          "quantization",
          `${manifest.quantization} (${Object.entries(formats)
            .map(([name, count]) => `${count} x ${name}`)
            .join(", ")})`,
        ],
        [
          "limits",
          `context ${limits.contextLength}, batch ${limits.maxBatch}, prefill ${limits.prefillChunk}`,
        ],
        ["KV cache", `${kvCache.dtype}, ${kvCache.bytesPerToken} bytes a token`],
        ["activations", manifest.activations],
        ...fitnesses.map((fitness): [string, string] => [
          "library",
          `${fitness.library.name}@${fitness.library.target.triple}${fitness.library === chosen ? ", chosen here" : unfit(fitness)}`,
        ]),
        ...libraries.flatMap(tuningLines),
        ["size", `${megabytes(bytes)} (weights ${megabytes(weights.totalBytes)})`],
        ["source", `${manifest.source.name} (${manifest.source.kind})`],
        ["licence", manifest.licence.name ?? "not stated by the source"],
        ["chat template", manifest.chatTemplate === undefined ? "none" : "yes"],
        ["verified", args.verify ? "every file" : "sizes, and digests of all but the weights"],
      ]),
    );
  },
});

const KINDS: Readonly<Record<ModelKind, string>> = {
  decoder: "decoder: text and embeddings",
  encoder: "encoder: embeddings only",
  "cross-encoder": "cross-encoder: ranking only",
};

/** Why a library does not run on this machine, or where it does. */
function unfit({ library, forSystem, missing }: LibraryFitness): string {
  if (!forSystem) return ", for another system";
  if (library.target.gpu !== undefined) return `, where there is a device of ${library.target.gpu}`;
  return missing.length === 0 ? "" : `, this CPU lacks ${missing.join(", ")}`;
}

/** What was measured for a library's kernels, and each that is not as the processor's defaults. */
function tuningLines({ name, tuning }: ManifestLibrary): [string, string][] {
  if (tuning === undefined) return [];
  const { threads, kernels } = tuning;
  const changed = kernels.filter(({ changes }) => Object.keys(changes).length > 0);
  const pairs = (numbers: Readonly<Record<string, number>>, unit: string, digits?: number) =>
    Object.entries(numbers)
      .map(([key, value]) => `${key} ${digits === undefined ? value : value.toFixed(digits)}${unit}`)
      .join(", ");
  return [
    [
      "tuned",
      `${name}: ${kernels.length} kernels on ${threads} threads, ${changed.length} with other numbers than the defaults`,
    ],
    ...changed.map(({ kernel, changes, speedups }): [string, string] => [
      "",
      `${kernel}: ${pairs(changes, "")} (${pairs(speedups, "x", 2)})`,
    ]),
  ];
}

function countBy(names: readonly string[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const name of names) counts[name] = (counts[name] ?? 0) + 1;
  return counts;
}
