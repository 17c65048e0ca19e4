// A server inside your program, asked by OpenAI's client:  npx tsx examples/server.ts PACKAGE
import { serve } from "node-mlc/server";
import OpenAI from "openai";

const [folder] = process.argv.slice(2);
if (folder === undefined) throw new Error("usage: server.ts PACKAGE");

const server = await serve({
  models: [{ name: "chat", package: folder }],
  port: 0,
  apiKeys: [{ key: "secret" }],
});
await server.loaded;
const client = new OpenAI({ baseURL: `${server.url}/v1`, apiKey: "secret" });
const stream = await client.chat.completions.create({
  model: "chat",
  messages: [{ role: "user", content: "What is the capital of Japan?" }],
  temperature: 0,
  max_tokens: 24,
  stream: true,
});
for await (const chunk of stream) process.stdout.write(chunk.choices[0]?.delta.content ?? "");
console.log();
await server.close(5000);
