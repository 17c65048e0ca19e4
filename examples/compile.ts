// Compiles a Hugging Face folder or a GGUF file into a package:  npx tsx examples/compile.ts SOURCE OUTPUT
import { compile } from "node-mlc/compiler";

const [source, output] = process.argv.slice(2);
if (source === undefined || output === undefined) throw new Error("usage: compile.ts SOURCE OUTPUT");

const controller = new AbortController();
process.once("SIGINT", () => controller.abort());

const model = await compile(source, {
  output,
  signal: controller.signal,
  onProgress: ({ phase, done, total, note }) => console.error(note ?? `${phase} ${done}/${total}`),
});
console.log(`${output}: ${model.manifest.model.architecture}, ${model.manifest.quantization}`);
