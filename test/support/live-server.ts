// A server with the default model for the suites of other people's clients: what they ask it, and what they must find.
import { compiledModel } from "./compiled-model.js";
import { ServeProcess } from "./serve-process.js";

/** The default model's file; undefined: the suites skip, and say so. */
export const DEFAULT_MODEL = process.env.NODE_MLC_DEFAULT_MODEL;
if (DEFAULT_MODEL === undefined)
  console.warn(
    "NODE_MLC_DEFAULT_MODEL is not set (npm test sets it): clients against a live server are skipped",
  );

/** The name it is served by, and the key that it asks for. */
export const MODEL = "chat";
export const API_KEY = "secret";

/** A question whose answer is known. */
export const QUESTION = "What is the capital of Japan?";
export const ANSWER = /Tokyo/;

/** A process of the server that is ready. */
export class LiveServer {
  readonly url: string;
  readonly #process: ServeProcess;

  private constructor(server: ServeProcess, url: string) {
    this.#process = server;
    this.url = url;
  }

  static async start(): Promise<LiveServer> {
    const folder = await compiledModel(DEFAULT_MODEL ?? "", { quantization: "keep" });
    const server = new ServeProcess([`${MODEL}=${folder}`], { NODE_MLC_API_KEY: API_KEY });
    return new LiveServer(server, await server.url());
  }

  /** Requests of the engine, by what became of them: "running", "finished", "aborted", ... */
  async requests(): Promise<Readonly<Record<string, number>>> {
    const response = await fetch(`${this.url}/metrics`, { headers: { authorization: `Bearer ${API_KEY}` } });
    const samples = (await response.text()).matchAll(
      /^node_mlc_requests(?:_total)?\{model="chat",(?:state|outcome)="(\w+)"\} (\d+)$/gm,
    );
    return Object.fromEntries([...samples].map(([, what = "", count]) => [what, Number(count)]));
  }

  async close(): Promise<void> {
    this.#process.child.kill("SIGTERM");
    await this.#process.end();
  }
}
