// The page: asks the engine as if it were here. Bundled for the browser.
import { connectEngine } from "node-mlc/electron/renderer";

const port = await new Promise((resolve) => {
  window.addEventListener("message", (event) => {
    if (event.source === window && event.data === "engine") resolve(event.ports[0]);
  });
});
const engine = await connectEngine(port);

document.querySelector("form").addEventListener("submit", async (event) => {
  event.preventDefault();
  const output = document.querySelector("output");
  output.textContent = "";
  const stream = await engine.chat.completions.create({
    messages: [{ role: "user", content: document.querySelector("input").value }],
    stream: true,
  });
  for await (const chunk of stream) output.textContent += chunk.choices[0]?.delta.content ?? "";
});
