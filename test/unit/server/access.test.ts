/** Who may use the server: keys and their limits, hosts, web pages. */
import { describe, expect, it } from "vitest";
import type { ApiKey } from "../../../lib/server/api-keys.js";
import { KeyRing } from "../../../lib/server/api-keys.js";
import { createHandler, type HandlerOptions } from "../../../lib/server/handler.js";
import { TokenBucket } from "../../../lib/server/rate-limit.js";
import { fakeEngine, textScript } from "../../support/fake-engine.js";

async function started(options: Partial<HandlerOptions>) {
  const { engine } = await fakeEngine(textScript("Hello"));
  return createHandler({ models: [{ name: "tiny", engine }], ...options });
}

const ask = (headers: Record<string, string>, path = "/v1/completions", url = "http://localhost") =>
  new Request(`${url}${path}`, {
    headers,
    ...(path === "/v1/completions" ? { method: "POST", body: '{"prompt":"a"}' } : {}),
  });

describe("keys", () => {
  it("are needed on every route, in any of three headers", async () => {
    const handler = await started({ apiKeys: [{ key: "one" }, { key: "two" }] });
    const routes = ["/v1/models", "/metrics", "/health", "/openapi.json", "/api/tags", "/nowhere"];
    for (const path of routes) {
      const refused = await handler.fetch(ask({}, path));
      expect(refused.status, path).toBe(401);
      expect(refused.headers.get("www-authenticate")).toBe("Bearer");
    }
    for (const headers of [{ authorization: "Bearer two" }, { "x-api-key": "one" }, { "api-key": "one" }])
      expect((await handler.fetch(ask(headers))).status).toBe(200);
    for (const authorization of ["Bearer three", "Bearer on", "Bearer onee", "Basic one", "one", "Bearer "])
      expect((await handler.fetch(ask({ authorization }))).status).toBe(401);
  });

  it("are not needed by probes where they are opened", async () => {
    const handler = await started({ apiKeys: [{ key: "one" }], openProbes: true });
    expect((await handler.fetch(ask({}, "/health"))).status).toBe(200);
    expect((await handler.fetch(ask({}, "/metrics"))).status).toBe(401);
  });

  it("have limits of requests and tokens, and a quota", async () => {
    const keys: ApiKey[] = [
      { key: "few", requestsPerMinute: 2 },
      { key: "small", tokensPerMinute: 5 },
      { key: "spent", name: "trial", tokenQuota: 5 },
    ];
    const handler = await started({ apiKeys: keys });
    const status = async (key: string) => handler.fetch(ask({ "x-api-key": key }));
    for (const expected of [200, 200, 429]) expect((await status("few")).status).toBe(expected);
    for (const key of ["small", "spent"]) {
      // One request of seven tokens takes more than there is: only the next is refused.
      expect((await status(key)).status).toBe(200);
      expect((await status(key)).status).toBe(429);
    }
    expect(Number((await status("few")).headers.get("retry-after"))).toBeGreaterThan(10);
    const { error } = (await (await status("spent")).json()) as { error: { code: string; message: string } };
    expect(error.code).toBe("ERR_RATE_LIMITED");
    expect(error.message).toContain("trial");
  });

  it.each([[{ key: "" }], [{}], ["key"], [{ key: "a", limit: 5 }], [{ key: "a", tokenQuota: -1 }], [null]])(
    "refuses %j",
    (key) => {
      expect(() => new KeyRing([key as never])).toThrow(
        expect.objectContaining({ code: "ERR_INVALID_ARGUMENT" }),
      );
    },
  );
});

it("a bucket fills by the minute and may go below zero", () => {
  let now = 0;
  const bucket = new TokenBucket(60, () => now);
  bucket.take(90);
  expect(bucket.waitMs(1)).toBeCloseTo(31_000, 6);
  now = 31_001;
  expect(bucket.waitMs(1)).toBe(0);
  now = 1e9;
  expect(bucket.waitMs(60)).toBe(0);
  expect(bucket.waitMs(61)).toBeCloseTo(1000, 6);
});

describe("web pages", () => {
  it("of other origins are refused, also where no preflight asks", async () => {
    const handler = await started({});
    const foreign = await handler.fetch(ask({ origin: "https://evil.example" }));
    expect(foreign.status).toBe(403);
    expect(foreign.headers.get("access-control-allow-origin")).toBeNull();
    expect((await handler.fetch(ask({ origin: "null" }))).status).toBe(403);
    expect((await handler.fetch(ask({ origin: "http://localhost" }))).status).toBe(200);
    expect((await handler.fetch(ask({ origin: "http://localhost:1234" }))).status).toBe(403);
  });

  it("that are named may read answers and errors, and their preflights need no key", async () => {
    const handler = await started({ corsOrigins: ["https://App.example/"], apiKeys: [{ key: "one" }] });
    const origin = "https://app.example";
    const preflight = await handler.fetch(
      new Request("http://localhost/v1/completions", {
        method: "OPTIONS",
        headers: {
          origin,
          "access-control-request-method": "POST",
          "access-control-request-headers": "authorization",
        },
      }),
    );
    expect(preflight.status).toBe(204);
    expect(preflight.headers.get("access-control-allow-headers")).toBe("authorization");
    for (const headers of [{ origin }, { origin, "x-api-key": "one" }]) {
      const response = await handler.fetch(ask(headers));
      expect(response.headers.get("access-control-allow-origin")).toBe(origin);
      expect(response.headers.get("vary")).toContain("Origin");
    }
  });

  it("cannot reach it by a name of their own", async () => {
    const handler = await started({ allowedHosts: ["localhost", "127.0.0.1", "[::1]"] });
    expect((await handler.fetch(ask({}, "/v1/models", "http://rebound.example:8080"))).status).toBe(403);
    for (const url of ["http://localhost:8080", "http://127.0.0.1", "http://[::1]:9"])
      expect((await handler.fetch(ask({}, "/v1/models", url))).status).toBe(200);
  });
});
