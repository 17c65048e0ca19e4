/**
 * Which web pages may use the server: none but its own unless named. The Host check keeps a page away that has its own name point at
 * this machine (DNS rebinding), the Origin check all other pages, also in requests that need no preflight.
 */
import { MlcError } from "../errors.js";

/** Hosts and origins that are let in. */
export interface OriginOptions {
  /** Names a request may call the server by ("api.example.org"), without port; default: any. */
  readonly allowedHosts?: readonly string[] | undefined;
  /** Origins of web pages ("https://example.org"), or "*" for all; default: the server's own pages alone. */
  readonly corsOrigins?: readonly string[] | undefined;
}

/** Names of this machine for itself. */
export const LOOPBACK_HOSTS = ["localhost", "127.0.0.1", "[::1]"] as const;

const METHODS = "GET, POST, OPTIONS";
const MOST_HEADERS = 512;
const DAY_SECONDS = "86400";

/** Checks requests and answers preflights. */
export class OriginGuard {
  readonly #hosts: ReadonlySet<string> | undefined;
  readonly #origins: ReadonlySet<string>;

  constructor({ allowedHosts, corsOrigins = [] }: OriginOptions) {
    this.#hosts =
      allowedHosts === undefined ? undefined : new Set(allowedHosts.map((host) => host.toLowerCase()));
    this.#origins = new Set(corsOrigins.map((origin) => origin.replace(/\/$/, "").toLowerCase()));
  }

  /** Headers for the response to a page that may read it. Errors: ERR_FORBIDDEN. */
  check(request: Request): Record<string, string> {
    const { host, hostname } = new URL(request.url);
    if (this.#hosts !== undefined && !this.#hosts.has(hostname.toLowerCase()))
      throw new MlcError(
        "ERR_FORBIDDEN",
        `Expected a host this server answers to but received ${JSON.stringify(hostname)}: allow it by name (allowedHosts, --allowed-host).`,
      );
    const origin = request.headers.get("origin");
    if (origin === null) return {};
    const known = this.#origins.has("*") || this.#origins.has(origin.toLowerCase());
    if (!known && hostOf(origin) !== host)
      throw new MlcError(
        "ERR_FORBIDDEN",
        `Expected a web page that may use this server but received ${JSON.stringify(origin)}: allow its origin (corsOrigins, --cors-origin).`,
      );
    return known ? { "access-control-allow-origin": origin, vary: "Origin" } : {};
  }

  /** The answer to a preflight; undefined for any other request. */
  preflight(request: Request, allowed: Record<string, string>): Response | undefined {
    if (request.method !== "OPTIONS" || request.headers.get("access-control-request-method") === null)
      return undefined;
    const asked = (request.headers.get("access-control-request-headers") ?? "").slice(0, MOST_HEADERS);
    return new Response(null, {
      status: 204,
      headers: {
        ...allowed,
        "access-control-allow-methods": METHODS,
        ...(asked === "" ? {} : { "access-control-allow-headers": asked }),
        "access-control-max-age": DAY_SECONDS,
      },
    });
  }
}

function hostOf(origin: string): string | undefined {
  try {
    return new URL(origin).host;
  } catch {
    return undefined;
  }
}
