/** Texts that become a response's body one by one, no faster than they are read. */

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

/**
 * The body of a response. The source is asked for the next text when the one before has been taken, so a slow reader costs no
 * memory here.
 */
export function textStream(
  source: AsyncGenerator<string, void, undefined>,
  { abort, ended, ping, pingMs = PING_MS }: TextStreamOptions,
): ReadableStream<Uint8Array> {
  const encoder = new TextEncoder();
  let lastSent = performance.now();
  let waiting = false;
  let timer: NodeJS.Timeout | undefined;
  let over = false;
  const end = (): void => {
    if (over) return;
    over = true;
    clearInterval(timer);
    ended();
  };
  return new ReadableStream<Uint8Array>(
    {
      start(controller) {
        if (ping === undefined) return;
        timer = setInterval(() => {
          if (!waiting || performance.now() - lastSent < pingMs) return;
          lastSent = performance.now();
          controller.enqueue(encoder.encode(ping));
        }, pingMs / 2);
        timer.unref();
      },
      async pull(controller) {
        try {
          waiting = true;
          const { done, value } = await source.next();
          waiting = false;
          lastSent = performance.now();
          if (done !== true) controller.enqueue(encoder.encode(value));
          else {
            controller.close();
            end();
          }
        } catch (error) {
          end();
          throw error;
        }
      },
      async cancel() {
        abort();
        end();
        await source.return().catch(() => undefined);
      },
    },
    { highWaterMark: 0 },
  );
}
