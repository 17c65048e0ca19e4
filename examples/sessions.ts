// A conversation that keeps its keys and values, forked, saved and restored:  npx tsx examples/sessions.ts PACKAGE
import { mkdtemp, rm } from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import { Engine } from "node-mlc";

const [folder] = process.argv.slice(2);
if (folder === undefined) throw new Error("usage: sessions.ts PACKAGE");

const scratch = await mkdtemp(path.join(os.tmpdir(), "sessions-"));
const file = path.join(scratch, "capitals.session");
const options = { temperature: 0, maxTokens: 24 };

await using engine = await Engine.load(folder);
using session = engine.session({
  messages: [{ role: "system", content: "You are a helpful assistant who answers in one short sentence." }],
});
await session.send("What is the capital of Japan?", options).result;
using fork = await session.fork(); // both go on from here
await session.save(file);

const { text, usage } = await session.send("And of Italy?", options).result;
console.log(text);
console.log(`${usage.cachedTokens} of ${usage.promptTokens} prompt tokens were there already`);

using restored = await engine.restoreSession(file);
const same = await Promise.all([fork, restored].map((other) => other.send("And of Italy?", options).result));
console.log(same.every((result) => result.text === text) ? "the same answers" : "other answers");
await rm(scratch, { recursive: true });
