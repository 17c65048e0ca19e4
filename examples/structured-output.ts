// An answer that is a value of a type, held to it while it is written:  npx tsx examples/structured-output.ts PACKAGE
import { Engine } from "node-mlc";
import { z } from "zod";

const [folder] = process.argv.slice(2);
if (folder === undefined) throw new Error("usage: structured-output.ts PACKAGE");

const review = z.object({
  mood: z.enum(["good", "bad", "mixed"]),
  stars: z.int().min(1).max(5),
  words: z.array(z.string().max(20)).min(1).max(3),
});
const texts = ["The soup was cold and the waiter rude.", "Best pizza of my life, and so friendly!"];

await using engine = await Engine.load(folder, { maxBatch: texts.length });
const read = async (text: string) => {
  const { choices } = await engine.chat.completions.parse({
    messages: [{ role: "user", content: `Read this review and describe it as JSON: ${text}` }],
    schema: review,
    temperature: 0,
    max_tokens: 200,
  });
  const parsed = choices[0]?.message.parsed;
  if (parsed == null) throw new Error("the answer was cut short");
  return parsed; // { mood: "good" | "bad" | "mixed", stars: number, words: string[] }
};
for (const { mood, stars, words } of await Promise.all(texts.map(read)))
  console.log(`${"*".repeat(stars)} ${mood}: ${words.join(", ")}`);
