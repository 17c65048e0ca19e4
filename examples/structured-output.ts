// Reads an order out of a letter, as a typed object:  npx tsx examples/structured-output.ts PACKAGE
import { Engine } from "node-mlc";
import { z } from "zod";

const [folder] = process.argv.slice(2);
if (folder === undefined) throw new Error("usage: structured-output.ts PACKAGE");

const Order = z.object({
  customer: z.string().min(1).max(40),
  priority: z.enum(["normal", "urgent"]),
  items: z
    .array(z.object({ product: z.string().min(1).max(30), count: z.number().int().min(1).max(99) }))
    .min(1)
    .max(4),
});

const letter = "Hello, this is Anna Berg. Please send me 3 lamps and 2 chairs. It is urgent!";

await using engine = await Engine.load(folder);
const { choices } = await engine.chat.completions.parse({
  messages: [
    { role: "system", content: "You read letters and answer with the order in JSON." },
    { role: "user", content: "I am Tom Fox. Please send me 5 tables and 1 sofa. No hurry." },
    {
      role: "assistant",
      content:
        '{"customer": "Tom Fox", "priority": "normal", "items": [{"product": "tables", "count": 5}, {"product": "sofa", "count": 1}]}',
    },
    { role: "user", content: letter },
  ],
  schema: Order,
  temperature: 0,
});
const order = choices[0]?.message.parsed;
if (order === null || order === undefined) throw new Error("the answer was cut short");
console.log(order.customer, order.priority);
for (const { product, count } of order.items) console.log(`${count} x ${product}`);

// Not JSON but one of some texts: a choice, an expression or a grammar hold an answer in the same way.
const { text } = await engine.generate(
  [{ role: "user", content: `What does this letter order? ${letter}` }],
  { grammar: { type: "choice", choices: ["furniture", "food", "clothes"] }, temperature: 0 },
).result;
console.log(text);
