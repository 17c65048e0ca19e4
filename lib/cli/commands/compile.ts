/** `node-mlc compile`: a model into a package. */
import { compile, DEFAULT_TUNE_SECONDS, SCHEME_NAMES, type TuneOptions } from "../../compiler/index.js";
import { MlcError } from "../../errors.js";
import { defineCommand, integerFlag, numberFlag } from "../command.js";
import { lines, megabytes } from "../output.js";
import { Progress } from "../progress.js";

export const compileCommand = defineCommand({
  meta: { name: "compile", description: "Compile a Hugging Face folder or a .gguf file into a package" },
  args: {
    source: { type: "positional", description: "Hugging Face folder, or .gguf file" },
    output: {
      type: "string",
      alias: "o",
      valueHint: "DIR",
      description: "Folder of the package (default: the source's name and the quantization, here)",
    },
    quantization: {
      type: "string",
      valueHint: "Q",
      description: `${SCHEME_NAMES.join(", ")} (default: keep for a quantised GGUF, else q4_1, of an encoder q8_0)`,
    },
    activations: {
      type: "string",
      valueHint: "A",
      description: "int8 (default) or float32: how activations enter products with quantised or bf16 weights",
    },
    "kv-cache": {
      type: "string",
      valueHint: "D",
      description:
        "float16 (default; float32 for q0f32), float32 or int8 (half the memory): elements of the KV cache",
    },
    target: {
      type: "string",
      valueHint: "T",
      description:
        "cpu (this machine, the default), cpu:portable (levels for any), cpu:x86-64-v3 or another LLVM processor name, opencl, vulkan; several with commas",
    },
    tune: {
      type: "string",
      valueHint: "SECONDS",
      alone: String(DEFAULT_TUNE_SECONDS),
      description: `Measure the kernels on this machine for so long (--tune alone: ${DEFAULT_TUNE_SECONDS} s; --tune=0: not even earlier records)`,
    },
    threads: {
      type: "string",
      valueHint: "N",
      description: "Threads the package will run on, for tuning (default: one for each physical core)",
    },
    context: {
      type: "string",
      valueHint: "N",
      description: "Longest context in tokens (default: the model's, at most 8192)",
    },
    "max-batch": { type: "string", valueHint: "N", description: "Most sequences in one step (default 16)" },
    "prefill-chunk": {
      type: "string",
      valueHint: "N",
      description: "Most prompt tokens in one step (default 128 to 512, by model and cache)",
    },
    "debug-dump": {
      type: "string",
      valueHint: "DIR",
      description: "Write the program as text after each phase",
    },
  },
  async run(args, { output, signal }) {
    const started = performance.now();
    const progress = new Progress();
    const onProgress = ({
      phase,
      done,
      total,
      note,
    }: {
      phase: string;
      done: number;
      total: number;
      note?: string;
    }) => {
      if (note === undefined) return progress.update(phase, done, total);
      progress.stop();
      output.notice(note);
    };
    const options = {
      output: args.output,
      quantization: args.quantization,
      activations: args.activations,
      kvCache: args["kv-cache"],
      target: args.target,
      tune: tuneFlags(args.tune, args.threads),
      contextLength: integerFlag("context", args.context),
      maxBatch: integerFlag("max-batch", args["max-batch"]),
      prefillChunk: integerFlag("prefill-chunk", args["prefill-chunk"]),
      debugDump: args["debug-dump"],
    };
    const given = Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined));
    try {
      const { path, manifest } = await compile(args.source, { ...given, signal, onProgress });
      progress.stop();
      const files = Object.values(manifest.files);
      const result = {
        path,
        model: manifest.model.name,
        architecture: manifest.model.architecture,
        quantization: manifest.quantization,
        targets: manifest.libraries.map(({ name, target }) => `${name}@${target.triple}`),
        bytes: files.reduce((sum, { bytes }) => sum + bytes, 0),
        seconds: (performance.now() - started) / 1000,
      };
      output.result(result, () =>
        lines([
          ["package", path],
          ["model", `${result.model} (${result.architecture}, ${result.quantization})`],
          ["target", result.targets.join(", ")],
          ["size", megabytes(result.bytes)],
          ["time", `${result.seconds.toFixed(1)} s`],
        ]),
      );
    } finally {
      progress.stop();
    }
  },
});

function tuneFlags(tune: string | undefined, threads: string | undefined): TuneOptions | undefined {
  const seconds = numberFlag("tune", tune);
  const count = integerFlag("threads", threads);
  if (seconds !== undefined) return { seconds, ...(count === undefined ? {} : { threads: count }) };
  if (count === undefined) return undefined;
  throw new MlcError("ERR_INVALID_ARGUMENT", "Expected --tune together with --threads but received none.");
}
