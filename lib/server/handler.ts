/** The server as a fetch handler: `createHandler(...).fetch(request)` answers a request in any server that speaks fetch. */
import { randomUUID } from "node:crypto";
import { Hono, type Next } from "hono";
import { bodyLimit } from "hono/body-limit";
import { matchedRoutes } from "hono/route";
import type { ContentfulStatusCode } from "hono/utils/http-status";
import { type Logger, pino } from "pino";
import { PROMETHEUS_CONTENT_TYPE, prometheusText } from "../engine/prometheus.js";
import { MlcError } from "../errors.js";
import { packageVersion } from "../package-root.js";
import { ActiveRequests } from "./active-requests.js";
import { apiError, retryHeaders } from "./api-error.js";
import { type ApiKey, KeyRing } from "./api-keys.js";
import { addEmbeddingRoutes } from "./embedding-routes.js";
import { HttpMetrics } from "./http-metrics.js";
import { ModelPool, type ModelPoolOptions, type ServedModel } from "./model-pool.js";
import { addOllamaEmbeddingRoutes } from "./ollama-embedding-routes.js";
import { addOllamaRoutes } from "./ollama-routes.js";
import { addOpenAiRoutes } from "./openai-routes.js";
import { openApiDocument } from "./openapi.js";
import { OriginGuard, type OriginOptions } from "./origin-guard.js";
import { addPageRoutes, isPage } from "./page-routes.js";
import type {
  RequestLimits,
  RequestVariables,
  ServerContext,
  ServerEnv,
  ServerParts,
} from "./request-context.js";

/** Settings of a handler. */
export interface HandlerOptions extends ModelPoolOptions, OriginOptions, RequestLimits {
  readonly models: readonly ServedModel[];
  /** Keys that may ask; default: everybody may. With keys every route needs one but the page's files, and /health and /ready with `openProbes`. */
  readonly apiKeys?: readonly ApiKey[] | undefined;
  readonly openProbes?: boolean | undefined;
  /** Largest body in bytes. Default 8 MiB. */
  readonly maxBodyBytes?: number | undefined;
  /** Where one line a request goes; default: nowhere. */
  readonly logger?: Logger | undefined;
}

const DEFAULT_MAX_BODY = 8 * 2 ** 20;
const PROBES: readonly string[] = ["/health", "/ready"];
const SAFE_REQUEST_ID = /^[\w.:-]{1,128}$/;

/** A server without a socket. */
export class Handler {
  readonly pool: ModelPool;
  readonly #app = new Hono<ServerEnv>();
  readonly #guard: OriginGuard;
  readonly #keys: KeyRing;
  readonly #openProbes: boolean;
  readonly #log: Logger;
  readonly #metrics = new HttpMetrics();
  readonly #active = new ActiveRequests();
  #draining = false;
  #loading = false;

  /** Use createHandler. */
  constructor(pool: ModelPool, options: HandlerOptions) {
    const { apiKeys = [], maxBodyBytes = DEFAULT_MAX_BODY, openProbes = false, logger } = options;
    this.pool = pool;
    this.#guard = new OriginGuard(options);
    this.#keys = new KeyRing(apiKeys);
    this.#openProbes = openProbes;
    this.#log = logger ?? pino({ enabled: false });
    const app = this.#app;
    app.onError((error, context) => this.#failure(error, context));
    app.notFound((context) => {
      throw new MlcError(
        "ERR_NOT_FOUND",
        `Expected a route of this server but received ${context.req.method} ${context.req.path.slice(0, 200)}: /openapi.json lists them.`,
      );
    });
    app.use((context, next) => this.#observe(context, next));
    app.use((context, next) => this.#admit(context, next));
    app.use(
      bodyLimit({
        maxSize: maxBodyBytes,
        onError: () => {
          throw new MlcError(
            "ERR_BODY_TOO_LARGE",
            `Expected a body of at most ${maxBodyBytes} bytes but received a larger one: send less, or raise maxBodyBytes (--max-body).`,
          );
        },
      }),
    );
    this.#addRoutes({ pool, limits: options, version: packageVersion() });
  }

  /** Answers a request; never throws. */
  readonly fetch = async (request: Request): Promise<Response> => this.#app.fetch(request);

  /** Loads all models, one after another; /ready answers 503 until then. Errors: those of Engine.load. */
  async preload(): Promise<void> {
    this.#loading = true;
    for (const { name } of this.pool.status()) await this.pool.load(name);
    this.#loading = false;
  }

  /** Refuses new work from now on and waits for the running requests; whether all ended in time. */
  drain(limitMs: number): Promise<boolean> {
    this.#draining = true;
    return this.#active.ended(limitMs);
  }

  /** Gives the models' memory back; their requests end with an error. */
  dispose(): Promise<void> {
    this.#draining = true;
    return this.pool.dispose();
  }

  /** A name for the request, a line in the log, and the counters. */
  async #observe(context: ServerContext, next: Next): Promise<void> {
    const { req } = context;
    const given = req.header("x-request-id") ?? "";
    const requestId = SAFE_REQUEST_ID.test(given) ? given : randomUUID();
    const log = this.#log.child({ requestId });
    const left = this.#active.begin();
    this.#metrics.begin();
    const startedAt = performance.now();
    const elapsedMs = () => performance.now() - startedAt;
    const request: RequestVariables = {
      requestId,
      account: undefined,
      log,
      ended: () => {
        left();
        const { account, model, tokens } = request;
        const ms = Math.round(elapsedMs() * 10) / 10;
        const { status } = context.res;
        log.info({ method: req.method, path: req.path, status, ms, key: account?.name, model, tokens });
      },
    };
    context.set("request", request);
    await next();
    this.#metrics.end(routeOf(context), req.method, context.res.status, elapsedMs() / 1000);
    context.header("x-request-id", requestId);
    context.header("x-content-type-options", "nosniff");
    if (request.streaming !== true) request.ended();
  }

  /** Who may ask: by host and origin, by key, and while the server runs. */
  async #admit(context: ServerContext, next: Next): Promise<Response | undefined> {
    const { raw, path } = context.req;
    const allowed = this.#guard.check(raw);
    for (const [name, value] of Object.entries(allowed)) context.header(name, value);
    const preflight = this.#guard.preflight(raw, allowed);
    if (preflight !== undefined) return preflight;
    const probe = PROBES.includes(path);
    if (!isPage(path) && !(probe && this.#openProbes)) {
      const account = this.#keys.identify(raw.headers);
      context.get("request").account = account;
      if (!probe) account?.admit();
    }
    if (this.#draining && !probe)
      throw new MlcError(
        "ERR_UNAVAILABLE",
        "Expected a server that runs but it is being shut down: try another.",
      );
    await next();
    return undefined;
  }

  #addRoutes(parts: ServerParts): void {
    const app = this.#app;
    app.get("/health", (context) => context.json({ status: "ok" }));
    app.get("/ready", (context) => {
      const status = this.#draining ? "draining" : this.#loading ? "loading" : "ready";
      return context.json({ status }, status === "ready" ? 200 : 503);
    });
    app.get("/metrics", (context) => {
      const engines = [...parts.pool.loaded()].map(([model, engine]) => ({
        stats: engine.stats(),
        labels: { model },
      }));
      return context.body(prometheusText(engines) + this.#metrics.text(), 200, {
        "content-type": PROMETHEUS_CONTENT_TYPE,
      });
    });
    app.get("/openapi.json", (context) => context.json(openApiDocument(parts.version)));
    addPageRoutes(app);
    addOpenAiRoutes(app, parts);
    addOllamaRoutes(app, parts);
    addEmbeddingRoutes(app, parts);
    addOllamaEmbeddingRoutes(app, parts);
  }

  #failure(thrown: Error, context: ServerContext): Response {
    const error = isHangUp(thrown) ? hangUp(thrown) : thrown;
    const { status, error: body } = apiError(error);
    if (status >= 500) context.get("request").log.error({ err: error });
    const ollama = context.req.path.startsWith("/api/");
    return context.json(ollama ? { error: body.message } : { error: body }, status as ContentfulStatusCode, {
      ...retryHeaders(error),
      ...(status === 401 ? { "www-authenticate": "Bearer" } : {}),
    });
  }
}

/** Whether reading the body failed because the client went: no failure of the server. */
function isHangUp(error: Error & { readonly code?: unknown }): boolean {
  return error.code === "ECONNRESET";
}

function hangUp(cause: Error): MlcError {
  return new MlcError("ERR_ABORTED", "Expected a whole body but the client hung up before its end.", {
    cause,
  });
}

/** The pattern of the route that answered: of unknown paths there may be any number. */
function routeOf(context: ServerContext): string {
  const matched = matchedRoutes(context).filter(({ method, path }) => method !== "ALL" && path !== "/*");
  return matched.at(-1)?.path ?? "unknown";
}

/**
 * A handler over models that are opened, and loaded when a request wants them.
 * Errors: those of ModelPool.open, ERR_INVALID_ARGUMENT.
 */
export async function createHandler(options: HandlerOptions): Promise<Handler> {
  return new Handler(await ModelPool.open(options.models, options), options);
}
