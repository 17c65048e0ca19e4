// node-llama-cpp's side of the workload, on the GGUF file.
import { getLlama, LlamaLogLevel } from "node-llama-cpp";
import { runWorkload } from "../workload.mjs";

let plan;
let model;
let context;

await runWorkload({
  async load(given) {
    plan = given;
    const llama = await getLlama({
      gpu: false,
      build: "never",
      logLevel: LlamaLogLevel.error,
      maxThreads: plan.threads,
      skipDownload: true,
      progressLogs: false,
    });
    model = await llama.loadModel({ modelPath: plan.model });
  },
  async open(streams) {
    await context?.dispose();
    const { contextSize, threads } = plan;
    context = await model.createContext({ contextSize, threads, sequences: streams, batchSize: 512 });
    return Array.from({ length: streams }, () => streamOf(context.getSequence()));
  },
});

function streamOf(sequence) {
  return {
    clear: () => sequence.clearHistory(),
    prefill: (tokens) => sequence.evaluateWithoutGeneratingNewTokens(tokens),
    async decode(tokens, count, onToken) {
      let generated = 0;
      for await (const _token of sequence.evaluate(tokens, { temperature: 0, yieldEogToken: true })) {
        onToken(++generated);
        if (generated >= count) break;
      }
    },
  };
}
