// Our side of the workload, on the package compiled from the same GGUF file.
import { Engine } from "../../dist/esm/index.js";
import { runWorkload } from "../workload.mjs";

let engine;
const generate = (tokens, maxTokens) =>
  engine.generate(tokens, { maxTokens, temperature: 0, ignoreEos: true });
await runWorkload({
  async load(folder, { threads, contextSize }) {
    engine = await Engine.load(folder, { threads, contextLength: contextSize, maxBatch: 1 });
  },
  // The engine keeps nothing between requests: there is no history to clear.
  reset: async () => {},
  async prefill(tokens) {
    for await (const _chunk of generate(tokens, 1)) {
      // one token: the prompt is prefilled
    }
  },
  async decode(tokens, count, onToken) {
    let generated = 0;
    for await (const chunk of generate(tokens, count)) {
      generated += chunk.tokens.length;
      onToken(generated);
    }
  },
});
