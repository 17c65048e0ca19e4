// Our side behind HTTP: the same requests to `node-mlc serve` in a process of its own, as a client on this machine sees them.
import { spawn } from "node:child_process";
import { once } from "node:events";
import http from "node:http";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { runServing } from "./workload.mjs";

const program = path.resolve(path.dirname(fileURLToPath(import.meta.url)), "../../dist/esm/cli/main.js");
const agent = new http.Agent({ keepAlive: true });
let url;

/** Milliseconds that /health takes, asked again every 10 ms. */
function watchHealth() {
  const healthMs = [];
  let watching = true;
  const ask = async () => {
    while (watching) {
      const start = performance.now();
      const [response] = await once(http.get(`${url}/health`, { agent }), "response");
      await response.resume().toArray();
      healthMs.push(Math.round((performance.now() - start) * 100) / 100);
      await sleep(10);
    }
  };
  ask();
  return () => {
    watching = false;
    return { healthMs };
  };
}

await runServing({
  observe: watchHealth,
  async load({ model, threads, contextSize, streams }) {
    const flags = { threads, context: contextSize, "max-batch": streams, port: 0, "log-level": "error" };
    const args = Object.entries(flags).map(([flag, value]) => `--${flag}=${value}`);
    const server = spawn(process.execPath, [program, "serve", model, "--json", ...args], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    process.on("exit", () => server.kill("SIGKILL"));
    const [line] = await once(server.stdout, "data");
    url = JSON.parse(String(line)).url;
  },
  client: () => ({
    async request(prompt, maxTokens, onToken) {
      const request = http.request(`${url}/v1/completions`, { method: "POST", agent });
      const options = {
        temperature: 0,
        ignore_eos: true,
        stream: true,
        stream_options: { include_usage: true },
      };
      request.end(JSON.stringify({ prompt, max_tokens: maxTokens, ...options }));
      const [response] = await once(request, "response");
      let pending = "";
      let pieces = 0;
      let total = 0;
      for await (const part of response) {
        const events = (pending + part).split("\n\n");
        pending = events.pop();
        for (const event of events) {
          if (event === "data: [DONE]") continue;
          const { choices, usage } = JSON.parse(event.slice("data: ".length));
          if (choices[0]?.text) onToken(++pieces);
          total = usage?.completion_tokens ?? total;
        }
      }
      // Tokens without a text of their own have no event.
      if (total > pieces) onToken(total);
    },
  }),
});
