// node-llama-cpp's side of the workload, on the GGUF file.
import { getLlama, LlamaLogLevel } from "node-llama-cpp";
import { runWorkload } from "../workload.mjs";

let sequence;
await runWorkload({
  async load(file, { threads, contextSize }) {
    const llama = await getLlama({
      gpu: false,
      build: "never",
      logLevel: LlamaLogLevel.error,
      maxThreads: threads,
      skipDownload: true,
      progressLogs: false,
    });
    const model = await llama.loadModel({ modelPath: file });
    const context = await model.createContext({ contextSize, threads, batchSize: 512 });
    sequence = context.getSequence();
  },
  reset: () => sequence.clearHistory(),
  prefill: (tokens) => sequence.evaluateWithoutGeneratingNewTokens(tokens),
  async decode(tokens, count, onToken) {
    let generated = 0;
    for await (const _token of sequence.evaluate(tokens, { temperature: 0, yieldEogToken: true })) {
      onToken(++generated);
      if (generated >= count) break;
    }
  },
});
