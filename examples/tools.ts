// The model calls a function of this program and answers with its result:  npx tsx examples/tools.ts PACKAGE "Question"
import { defineTool, Engine } from "node-mlc";
import { z } from "zod";

const [folder, question = "What is the weather in Paris?"] = process.argv.slice(2);
if (folder === undefined) throw new Error('usage: tools.ts PACKAGE "Question"');

const skies: Record<string, string> = { paris: "clear, 21 degrees", oslo: "snow, -3 degrees" };
const getWeather = defineTool({
  name: "get_weather",
  description: "The weather of a city now",
  parameters: z.object({ city: z.string().max(40) }),
  strict: true,
  run: ({ city }) => skies[city.toLowerCase()] ?? "no station there",
});

await using engine = await Engine.load(folder);
const stream = engine.chat.completions.runTools(
  {
    messages: [{ role: "user", content: question }],
    tools: [getWeather],
    tool_choice: "required",
    parallel_tool_calls: false,
    temperature: 0,
    max_tokens: 60,
    stream: true,
  },
  { maxRounds: 3 },
);
for await (const event of stream) {
  if (event.type === "content") process.stdout.write(event.delta);
  if (event.type === "functionToolCall")
    console.log("call:", event.call.function.name, JSON.parse(event.call.function.arguments));
  if (event.type === "functionToolCallResult") console.log(`result: ${event.content}`);
}
const { rounds, finished } = await stream.final();
console.log(`\n${rounds} answers of the model, ${finished ? "finished" : "stopped at the limit"}`);
