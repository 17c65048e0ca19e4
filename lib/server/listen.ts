/** The server with a socket: TCP, TLS or a UNIX socket, with limits against slow and hostile clients, and an orderly end. */
import { createServer, type Server, type ServerResponse } from "node:http";
import { createServer as createTlsServer } from "node:https";
import type { AddressInfo } from "node:net";
import { createAdaptorServer, type Http2Bindings, type HttpBindings } from "@hono/node-server";
import { RESPONSE_ALREADY_SENT } from "@hono/node-server/utils/response";
import { expectInteger } from "../engine/expectation.js";
import { MlcError } from "../errors.js";
import { createHandler, type Handler, type HandlerOptions } from "./handler.js";
import { LOOPBACK_HOSTS } from "./origin-guard.js";
import { streamOf } from "./text-stream.js";

/** Settings of a server. */
export interface ServeOptions extends HandlerOptions {
  /** Address to listen at. Default 127.0.0.1: this machine alone. */
  readonly host?: string | undefined;
  /** Default 8080; 0: any free one. */
  readonly port?: number | undefined;
  /** Path of a UNIX socket, in place of host and port. */
  readonly socket?: string | undefined;
  /** Certificate and key, PEM. */
  readonly tls?: { readonly cert: string | Buffer; readonly key: string | Buffer } | undefined;
  /** Load models when they are first asked for; default: before /ready says so. */
  readonly lazy?: boolean | undefined;
  /** Milliseconds in which a client must have sent its headers. Default 15,000. */
  readonly headersTimeoutMs?: number | undefined;
  /** Milliseconds in which it must have sent its whole request. Default 60,000. */
  readonly requestTimeoutMs?: number | undefined;
}

/** Default port. */
export const DEFAULT_PORT = 8080;
const DEFAULT_HOST = "127.0.0.1";

const HEADERS_TIMEOUT_MS = 15_000;
const REQUEST_TIMEOUT_MS = 60_000;
/** Longest time between two looks at what is late; shorter limits are looked at more often. */
const CHECK_INTERVAL_MS = 5_000;
const CHECKS_PER_LIMIT = 3;
const LONGEST_LIMIT_MS = 3_600_000;

/** Milliseconds the sockets of requests that were cut off have to close. */
const LAST_WORDS_MS = 250;

/** A server that listens. */
export class RunningServer {
  readonly handler: Handler;
  /** Where it listens: "http://127.0.0.1:8080", or the socket's path. */
  readonly url: string;
  /** Rejects where a model could not be loaded. */
  readonly loaded: Promise<void>;
  readonly #server: Server;
  #closing: Promise<boolean> | undefined;

  /** Use serve. */
  constructor(server: Server, handler: Handler, url: string, loaded: Promise<void>) {
    this.#server = server;
    this.handler = handler;
    this.url = url;
    this.loaded = loaded;
  }

  /**
   * Ends the server: nothing new is taken in and /ready answers 503, running requests have `drainMs` to end, then the memory is
   * given back. Whether all ended in time. Idempotent.
   */
  close(drainMs = 0): Promise<boolean> {
    this.#closing ??= this.#close(drainMs);
    return this.#closing;
  }

  async #close(drainMs: number): Promise<boolean> {
    const drained = await this.handler.drain(drainMs);
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    this.#server.closeIdleConnections();
    await this.handler.dispose();
    // Clients hear that their request was cut off, and that nothing follows.
    await Promise.race([closed, new Promise((resolve) => setTimeout(resolve, LAST_WORDS_MS).unref())]);
    this.#server.closeAllConnections();
    await closed;
    return drained;
  }
}

/**
 * Serves models; resolves when the server listens.
 * Errors: those of createHandler, ERR_IO where the address cannot be had.
 */
export async function serve(options: ServeOptions): Promise<RunningServer> {
  const { host = DEFAULT_HOST, port = DEFAULT_PORT, socket, tls, lazy = false } = options;
  const loopback = socket === undefined && (host === DEFAULT_HOST || host === "::1" || host === "localhost");
  const allowedHosts = options.allowedHosts ?? (loopback ? LOOPBACK_HOSTS : undefined);
  const limits = timeLimits(options);
  const handler = await createHandler({ ...options, allowedHosts });
  const fetch = (request: Request, { outgoing }: HttpBindings | Http2Bindings) =>
    answer(handler, request, outgoing as ServerResponse); // of the HTTP/1 servers below
  const server = createAdaptorServer(
    tls === undefined
      ? { fetch, createServer, serverOptions: limits }
      : { fetch, createServer: createTlsServer, serverOptions: { ...limits, ...tls } },
  ) as Server;
  const loaded = lazy ? Promise.resolve() : handler.preload();
  // Whoever awaits it hears of it; nobody has to.
  loaded.catch(() => undefined);
  try {
    await listening(server, socket === undefined ? { host, port } : { path: socket });
  } catch (cause) {
    await handler.dispose();
    const where = socket ?? `${host}:${port}`;
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new MlcError("ERR_IO", `Expected to listen at ${where} but it failed: ${reason}.`, { cause });
  }
  return new RunningServer(server, handler, urlOf(server, tls !== undefined), loaded);
}

/** Node's limits against slow clients. Errors: ERR_INVALID_ARGUMENT. */
function timeLimits(options: ServeOptions) {
  const { headersTimeoutMs = HEADERS_TIMEOUT_MS, requestTimeoutMs = REQUEST_TIMEOUT_MS } = options;
  const requestTimeout = expectInteger("requestTimeoutMs", requestTimeoutMs, 1, LONGEST_LIMIT_MS);
  // Headers are a part of the request.
  const least = Math.min(
    expectInteger("headersTimeoutMs", headersTimeoutMs, 1, LONGEST_LIMIT_MS),
    requestTimeout,
  );
  return {
    headersTimeout: least,
    requestTimeout,
    connectionsCheckingInterval: Math.min(CHECK_INTERVAL_MS, Math.ceil(least / CHECKS_PER_LIMIT)),
  };
}

/** Answers a request; streams are written to the socket here, because the adaptor's way through a web stream costs more. */
async function answer(handler: Handler, request: Request, outgoing: ServerResponse): Promise<Response> {
  const response = await handler.fetch(request);
  const stream = streamOf(request);
  if (stream === undefined) return response;
  outgoing.writeHead(response.status, Object.fromEntries(response.headers));
  outgoing.flushHeaders();
  await stream.writeTo(outgoing);
  return RESPONSE_ALREADY_SENT;
}

function listening(server: Server, where: { host: string; port: number } | { path: string }): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(where, () => {
      server.off("error", reject);
      resolve();
    });
  });
}

function urlOf(server: Server, secure: boolean): string {
  const address = server.address() as AddressInfo | string;
  if (typeof address === "string") return address;
  const host = address.family === "IPv6" ? `[${address.address}]` : address.address;
  return `${secure ? "https" : "http"}://${host}:${address.port}`;
}
