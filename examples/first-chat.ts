// A chat in the terminal, a question a line; Ctrl+C ends an answer, or the chat:  npx tsx examples/first-chat.ts PACKAGE
import { createInterface } from "node:readline";
import { Engine } from "node-mlc";

const [folder] = process.argv.slice(2);
if (folder === undefined) throw new Error("usage: first-chat.ts PACKAGE");

await using engine = await Engine.load(folder, { contextLength: 2048 });
using session = engine.session({
  messages: [{ role: "system", content: "You are a helpful assistant who answers in one short sentence." }],
});

const lines = createInterface({ input: process.stdin });
let stop = () => lines.close();
process.on("SIGINT", () => stop());

process.stdout.write("> ");
for await (const question of lines) {
  const answer = session.send(question, { temperature: 0, maxTokens: 200 });
  stop = () => answer.abort();
  for await (const { text } of answer) process.stdout.write(text);
  stop = () => lines.close();
  const { usage } = await answer.result;
  process.stdout.write(`\n  [${usage.completionTokens} tokens, ${usage.cachedTokens} reused]\n> `);
}
process.stdout.write("\n");
