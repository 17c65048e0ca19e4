/** Texts that become a response's body one by one, no faster than they are taken. */
import type { ServerResponse } from "node:http";

/** How a stream ends, and what it does while nothing comes. */
export interface TextStreamOptions {
  /** Ends the source at once: the reader has gone. */
  readonly abort: () => void;
  /** Called once, when the stream has ended in any way, also where nobody ever read it. */
  readonly ended: () => void;
  /** Sent when nothing came for `pingMs`, lest somebody between takes the connection for dead. */
  readonly ping?: string | undefined;
  readonly pingMs?: number | undefined;
}

const PING_MS = 15_000;

/** Streams whose response has been made, by the request they answer: for servers that can write to the socket themselves. */
const streams = new WeakMap<Request, TextStream>();

/** The response to `request` whose body these texts are. */
export function streamResponse(
  request: Request,
  source: AsyncGenerator<string, void, undefined>,
  { contentType, ...options }: TextStreamOptions & { readonly contentType: string },
): Response {
  const stream = new TextStream(source, options);
  streams.set(request, stream);
  return new Response(stream.body(), {
    headers: { "content-type": contentType, "cache-control": "no-store", "x-accel-buffering": "no" },
  });
}

/** What the response to `request` streams, to be written in place of its body; undefined for other responses. */
export function streamOf(request: Request): TextStream | undefined {
  return streams.get(request);
}

/**
 * The texts of a source, taken in one of two ways: as the body of any response, or written to a socket of Node's, which costs a
 * third of the time. The source is asked for the next text when the one before has been taken: a slow reader costs no memory here.
 */
export class TextStream {
  readonly #source: AsyncGenerator<string, void, undefined>;
  readonly #options: TextStreamOptions;
  #lastSent = performance.now();
  #waiting = false;
  #timer: NodeJS.Timeout | undefined;
  #over = false;

  constructor(source: AsyncGenerator<string, void, undefined>, options: TextStreamOptions) {
    this.#source = source;
    this.#options = options;
  }

  /** The body of a fetch-style response. */
  body(): ReadableStream<Uint8Array> {
    const encoder = new TextEncoder();
    return new ReadableStream<Uint8Array>(
      {
        pull: async (controller) => {
          this.#startPings((ping) => controller.enqueue(encoder.encode(ping)));
          try {
            const text = await this.#next();
            if (text !== undefined) controller.enqueue(encoder.encode(text));
            else {
              controller.close();
              this.#end();
            }
          } catch (error) {
            this.#end();
            throw error;
          }
        },
        cancel: () => this.cancel(),
      },
      { highWaterMark: 0 },
    );
  }

  /** Writes everything to a response whose head has been written, and ends it; resolves where the client has gone, too. */
  async writeTo(response: ServerResponse): Promise<void> {
    const gone = (): void => void this.cancel();
    response.once("close", gone);
    this.#startPings((ping) => response.write(ping));
    try {
      for (let text = await this.#next(); text !== undefined; text = await this.#next())
        if (!response.write(text)) await drained(response);
      response.end();
    } catch (error) {
      response.destroy(error instanceof Error ? error : undefined);
    } finally {
      response.off("close", gone);
      this.#end();
    }
  }

  /** Ends the source where nobody will take the rest. */
  async cancel(): Promise<void> {
    this.#options.abort();
    this.#end();
    await this.#source.return().catch(() => undefined);
  }

  async #next(): Promise<string | undefined> {
    this.#waiting = true;
    const { done, value } = await this.#source.next();
    this.#waiting = false;
    this.#lastSent = performance.now();
    return done === true ? undefined : value;
  }

  #startPings(send: (ping: string) => void): void {
    const { ping, pingMs = PING_MS } = this.#options;
    if (ping === undefined || this.#timer !== undefined || this.#over) return;
    this.#timer = setInterval(() => {
      if (!this.#waiting || performance.now() - this.#lastSent < pingMs) return;
      this.#lastSent = performance.now();
      send(ping);
    }, pingMs / 2);
    this.#timer.unref();
  }

  #end(): void {
    if (this.#over) return;
    this.#over = true;
    clearInterval(this.#timer);
    this.#options.ended();
  }
}

/** Resolves when the response takes more, or is closed. */
function drained(response: ServerResponse): Promise<void> {
  return new Promise((resolve) => {
    if (response.destroyed) return resolve();
    const done = (): void => {
      response.off("drain", done);
      response.off("close", done);
      resolve();
    };
    response.once("drain", done);
    response.once("close", done);
  });
}
