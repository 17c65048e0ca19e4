/** Texts that become a response's body one by one, no faster than they are read. */

/** How a stream behaves while nothing comes. */
export interface TextStreamOptions {
  /** Ends the source at once: the reader has gone. */
  readonly abort: () => void;
  /** Sent when nothing came for `pingMs`, lest somebody between takes the connection for dead. */
  readonly ping?: string;
  readonly pingMs?: number;
}

const PING_MS = 15_000;
const PINGED = Symbol("pinged");

/**
 * The body of a response. The source is asked for the next text when the one before has been taken, so a slow reader costs no
 * memory here.
 */
export function textStream(
  source: AsyncGenerator<string, void, undefined>,
  { abort, ping, pingMs = PING_MS }: TextStreamOptions,
): ReadableStream<Uint8Array> {
  const encoder = new TextEncoder();
  let next: Promise<IteratorResult<string, void>> | undefined;
  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        next ??= source.next();
        const step = ping === undefined ? await next : await orPing(next, pingMs);
        if (step === PINGED) {
          controller.enqueue(encoder.encode(ping));
          return;
        }
        next = undefined;
        if (step.done === true) controller.close();
        else controller.enqueue(encoder.encode(step.value));
      },
      async cancel() {
        abort();
        await source.return().catch(() => undefined);
      },
    },
    { highWaterMark: 0 },
  );
}

async function orPing<Value>(next: Promise<Value>, ms: number): Promise<Value | typeof PINGED> {
  let timer: NodeJS.Timeout | undefined;
  const pinged = new Promise<typeof PINGED>((resolve) => {
    timer = setTimeout(() => resolve(PINGED), ms);
  });
  try {
    return await Promise.race([next, pinged]);
  } finally {
    clearTimeout(timer);
  }
}
