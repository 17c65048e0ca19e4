// Several requests share one engine and its batches; one of them is cancelled:  npx tsx examples/concurrent.ts PACKAGE
import { Engine, MlcError } from "node-mlc";

const [folder] = process.argv.slice(2);
if (folder === undefined) throw new Error("usage: concurrent.ts PACKAGE");

await using engine = await Engine.load(folder, { maxBatch: 4 });
const controller = new AbortController();
const ask = (content: string, signal?: AbortSignal) =>
  engine.chat.completions.create(
    { messages: [{ role: "user", content }], max_tokens: 24, temperature: 0 },
    signal === undefined ? {} : { signal },
  );

const questions = ["Name a colour.", "What is the capital of Italy?", "Write one sentence about the sea."];
const answers = Promise.all(questions.map((question) => ask(question)));
const cancelled = ask("Tell me a very long story.", controller.signal).catch((error: unknown) => error);
controller.abort();

for (const answer of await answers) console.log(answer.choices[0]?.message.content);
const error = await cancelled;
console.log(`cancelled: ${error instanceof MlcError ? error.code : String(error)}`);
