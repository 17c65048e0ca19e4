// Our side of the workload, on the package compiled from the same GGUF file.
import { Engine } from "../../dist/esm/index.js";
import { runWorkload } from "../workload.mjs";

let engine;
const generate = (tokens, maxTokens) =>
  engine.generate(tokens, { maxTokens, temperature: 0, ignoreEos: true });

const stream = {
  // Without its prefix cache the engine keeps nothing between requests: there is no history to forget.
  clear: async () => {},
  async prefill(tokens) {
    for await (const _chunk of generate(tokens, 1)) {
      // One token: the prompt is prefilled.
    }
  },
  async decode(tokens, count, onToken) {
    let generated = 0;
    for await (const chunk of generate(tokens, count)) {
      generated += chunk.tokens.length;
      onToken(generated);
    }
  },
};

await runWorkload({
  async load({ model, threads, contextSize, mostStreams }) {
    engine = await Engine.load(model, {
      threads,
      contextLength: contextSize,
      maxBatch: mostStreams,
      prefixCache: false,
    });
  },
  open: async (streams) => Array.from({ length: streams }, () => stream),
});
