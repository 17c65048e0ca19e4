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
