/** A client that sends bytes as they are, whatever they are. */
import net from "node:net";
import { setTimeout as sleep } from "node:timers/promises";

/** What to send: bytes, or milliseconds to wait. */
export type Sending = Iterable<string | Uint8Array | number>;

/** How the client behaves. */
export interface ExchangeOptions {
  /** Ends its side when all is sent. Default false: it waits for the server. */
  readonly end?: boolean;
  /** Breaks the connection when all is sent, or so many bytes were read. */
  readonly breakOff?: boolean;
  readonly breakAfterBytes?: number;
  /** Longest time in all. Default 10,000 ms. */
  readonly limitMs?: number;
}

/** What came of it. */
export interface Exchange {
  readonly text: string;
  /** The statuses of the responses, in their order. */
  readonly statuses: readonly number[];
  /** The server closed the connection; false: the limit came first. */
  readonly closed: boolean;
  readonly ms: number;
}

/** Sends, and reads until the connection is closed. */
export async function exchange(
  url: string,
  sending: Sending,
  options: ExchangeOptions = {},
): Promise<Exchange> {
  const { end = false, breakOff = false, breakAfterBytes, limitMs = 10_000 } = options;
  const startedAt = performance.now();
  const { hostname, port } = new URL(url);
  const socket = net.connect(Number(port), hostname);
  const pieces: Buffer[] = [];
  let bytes = 0;
  let over = false;
  const closed = new Promise<void>((resolve) => socket.once("close", () => resolve()));
  void closed.then(() => {
    over = true;
  });
  // A server that hangs up on a client that still sends: what counts is what was read before.
  socket.on("error", () => undefined);
  socket.on("data", (piece) => {
    pieces.push(piece);
    bytes += piece.length;
    if (breakAfterBytes !== undefined && bytes >= breakAfterBytes) socket.destroy();
  });
  for (const piece of sending) {
    if (over) break;
    if (typeof piece === "number") await Promise.race([sleep(piece), closed]);
    else if (!socket.write(piece)) await Promise.race([new Promise((r) => socket.once("drain", r)), closed]);
  }
  if (breakOff) {
    await Promise.race([new Promise<void>((resolve) => socket.write("", () => resolve())), closed]);
    socket.destroy();
  } else if (end) socket.end();
  await Promise.race([closed, sleep(limitMs, undefined, { ref: false })]);
  const wasClosed = over;
  socket.destroy();
  const text = Buffer.concat(pieces).toString("latin1");
  const statuses = [...text.matchAll(/HTTP\/1\.1 (\d{3}) /g)].map(([, status]) => Number(status));
  return { text, statuses, closed: wasClosed, ms: performance.now() - startedAt };
}

/** The head of a request; `close`: the server is asked to hang up after the answer. */
export function head(line: string, headers: readonly string[] = [], close = true): string {
  const all = ["Host: localhost", ...headers, ...(close ? ["Connection: close"] : [])];
  return `${line} HTTP/1.1\r\n${all.map((header) => `${header}\r\n`).join("")}\r\n`;
}
