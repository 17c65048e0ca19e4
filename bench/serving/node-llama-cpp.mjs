// node-llama-cpp's side of the serving benchmark: a sequence for each client, which keeps of its last request what the next one
// begins with.
import { getLlama, LlamaLogLevel } from "node-llama-cpp";
import { runServing } from "./workload.mjs";

let sequences;

await runServing({
  async load({ model: modelPath, threads, contextSize, streams }) {
    const llama = await getLlama({
      gpu: false,
      build: "never",
      logLevel: LlamaLogLevel.error,
      maxThreads: threads,
      skipDownload: true,
      progressLogs: false,
    });
    const model = await llama.loadModel({ modelPath });
    const context = await model.createContext({ contextSize, threads, sequences: streams, batchSize: 512 });
    sequences = Array.from({ length: streams }, () => context.getSequence());
  },
  client: (index) => ({
    async request(prompt, count, onToken) {
      const sequence = sequences[index];
      await sequence.adaptStateToTokens(prompt, false);
      const rest = prompt.slice(sequence.contextTokens.length);
      let generated = 0;
      for await (const _token of sequence.evaluate(rest, { temperature: 0, yieldEogToken: true })) {
        onToken(++generated);
        if (generated >= count) break;
      }
    },
  }),
});
