// Our side behind HTTP: the same requests to `node-mlc serve` in a process of its own. The client shares the processors with the
// server, so it does as little as it can: it counts events and reads no JSON but the last event's.
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

/** Events that carry no token: the end of the answer, its usage, the end of the stream. */
const NO_TOKEN = /"finish_reason":"|"choices":\[\]|^data: \[DONE\]/;

/** Milliseconds that /health takes, asked again every 50 ms. */
function watchHealth() {
  const healthMs = [];
  let watching = true;
  const ask = async () => {
    while (watching) {
      const start = performance.now();
      const [response] = await once(http.get(`${url}/health`, { agent }), "response");
      await response.resume().toArray();
      healthMs.push(Math.round((performance.now() - start) * 100) / 100);
      await sleep(50);
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
      response.setEncoding("latin1");
      let events = 0;
      let usage;
      let last = "";
      response.on("data", (part) => {
        const text = last + part;
        const ends = text.split("\n\n");
        last = ends.pop();
        for (const event of ends) if (!NO_TOKEN.test(event)) onToken(++events);
        usage = ends.findLast((event) => event.includes('"choices":[]')) ?? usage;
      });
      await once(response, "end");
      const total = JSON.parse(usage.slice("data: ".length)).usage.completion_tokens;
      // Tokens without a text of their own have no event.
      if (total > events) onToken(total);
    },
  }),
});
