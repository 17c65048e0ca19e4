/** The requests that are being answered, to the last byte of their streams: what a server waits for before it ends. */
export class ActiveRequests {
  readonly #bodies = new Set<symbol>();
  #wake: (() => void) | undefined;

  get count(): number {
    return this.#bodies.size;
  }

  /** One more; call the result when it has ended. */
  begin(): () => void {
    const request = Symbol("request");
    this.#bodies.add(request);
    return () => {
      this.#bodies.delete(request);
      if (this.#bodies.size === 0) this.#wake?.();
    };
  }

  /** Resolves when there are none, at the latest after `ms`; whether there are none. */
  async ended(ms: number): Promise<boolean> {
    if (this.#bodies.size === 0) return true;
    let timer: NodeJS.Timeout | undefined;
    await new Promise<void>((resolve) => {
      this.#wake = resolve;
      timer = setTimeout(resolve, ms);
    });
    clearTimeout(timer);
    return this.#bodies.size === 0;
  }
}

/** `response` with `end` called when its body has been sent or given up; at once where it has none. */
export function whenSent(response: Response, end: () => void): Response {
  const { body } = response;
  if (body === null) {
    end();
    return response;
  }
  const reader = body.getReader();
  const watched = new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        try {
          const { done, value } = await reader.read();
          if (done) {
            controller.close();
            end();
          } else controller.enqueue(value);
        } catch (error) {
          end();
          controller.error(error);
        }
      },
      async cancel(reason) {
        end();
        await reader.cancel(reason);
      },
    },
    { highWaterMark: 0 },
  );
  return new Response(watched, response);
}
