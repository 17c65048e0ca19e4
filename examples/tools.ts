// Lets the model call functions of this program:  npx tsx examples/tools.ts PACKAGE
import { defineTool, Engine } from "node-mlc";
import { z } from "zod";

const [folder] = process.argv.slice(2);
if (folder === undefined) throw new Error("usage: tools.ts PACKAGE");

const stock = new Map([
  ["lamp", 12],
  ["chair", 0],
]);
const lookUp = defineTool({
  name: "look_up_stock",
  description: "How many pieces of a product are in stock",
  parameters: z.object({ product: z.enum(["lamp", "chair"]) }),
  run: async ({ product }) => `There are ${stock.get(product)} pieces of ${product} in stock.`,
});

await using engine = await Engine.load(folder);
const run = await engine.chat.completions.runTools({
  messages: [
    { role: "system", content: "You answer questions about the stock in one sentence." },
    { role: "user", content: "How many lamps do we have in stock?" },
  ],
  tools: [lookUp],
  // A model this small may answer without looking: the first answer has to be a call.
  tool_choice: "required",
  parallel_tool_calls: false,
  temperature: 0,
});
for (const message of run.messages) {
  if (message.role === "assistant" && message.tool_calls !== undefined) {
    for (const call of message.tool_calls)
      if (call.type === "function") console.log(`${call.function.name}(${call.function.arguments})`);
  } else if (message.role === "tool") console.log(`-> ${message.content}`);
}
console.log(run.completion.choices[0]?.message.content);
