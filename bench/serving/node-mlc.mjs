// Our side of the serving benchmark.
import { Engine } from "../../dist/esm/index.js";
import { runServing } from "./workload.mjs";

let engine;

await runServing({
  async load({ model, threads, contextSize, streams, mixedPrefill }) {
    engine = await Engine.load(model, {
      threads,
      contextLength: contextSize,
      maxBatch: streams,
      ...(mixedPrefill === undefined ? {} : { mixedPrefill }),
    });
  },
  client: () => ({
    async request(prompt, maxTokens, onToken) {
      let generated = 0;
      for await (const { tokens } of engine.generate(prompt, {
        maxTokens,
        temperature: 0,
        ignoreEos: true,
      })) {
        generated += tokens.length;
        onToken(generated);
      }
    },
  }),
});
