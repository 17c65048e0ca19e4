// Streams the answer to one question:  npx tsx examples/chat.ts PACKAGE "Question"
import { Engine } from "node-mlc";

const [folder, question = "What is the capital of Japan?"] = process.argv.slice(2);
if (folder === undefined) throw new Error('usage: chat.ts PACKAGE "Question"');

await using engine = await Engine.load(folder);
const stream = await engine.chat.completions.create({
  messages: [{ role: "user", content: question }],
  temperature: 0,
  stream: true,
});
for await (const chunk of stream) process.stdout.write(chunk.choices[0]?.delta.content ?? "");
process.stdout.write("\n");
