/** Clients that do not speak HTTP as they should: none of them takes the server down, holds it up, or leaves something behind. */
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { type RunningServer, serve } from "../../../lib/server/listen.js";
import { createMockEngine } from "../../../lib/testing/index.js";
import { exchange, head, type Sending } from "../../support/raw-client.js";

const HEADERS_MS = 600;
const REQUEST_MS = 1200;
/** How much later than its limit a slow client may be cut off, and how late another one answered: the tests share the machine. */
const LATE_MS = 3000;
const CHAT = JSON.stringify({ messages: [{ role: "user", content: "hi" }] });
const POST = "POST /v1/chat/completions";
const lengthOf = (text: string) => `Content-Length: ${Buffer.byteLength(text)}`;

let server: RunningServer;
const unhandled: unknown[] = [];
const keep = (reason: unknown) => unhandled.push(reason);

beforeAll(async () => {
  process.on("unhandledRejection", keep);
  const { engine } = await createMockEngine({
    answers: "Hello ".repeat(50),
    contextLength: 4096,
    tokenDelayMs: 1,
  });
  server = await serve({
    models: [{ name: "tiny", engine }],
    port: 0,
    headersTimeoutMs: HEADERS_MS,
    requestTimeoutMs: REQUEST_MS,
  });
  await server.loaded;
});

afterEach(async () => {
  expect((await fetch(`${server.url}/health`)).status).toBe(200);
  expect(unhandled).toEqual([]);
});

afterAll(async () => {
  await server.close();
  process.off("unhandledRejection", keep);
});

const metrics = async () => (await fetch(`${server.url}/metrics`)).text();
const countOf = (text: string, pattern: RegExp) => Number(pattern.exec(text)?.[1]);
const send = (...sending: (string | Uint8Array | number)[]) => exchange(server.url, sending);

describe("requests that are no HTTP are refused", () => {
  const cases: Record<string, string> = {
    "random bytes": "\x00\x01\x02\xff\xfe\r\n\r\n",
    "a TLS greeting": "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
    "an HTTP/2 preface": "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "another version": "GET /health HTTP/9.9\r\nHost: localhost\r\n\r\n",
    "no version": "GET /health\r\n\r\n",
    "an unknown method": "STEAL /health HTTP/1.1\r\nHost: localhost\r\n\r\n",
    "no host": "GET /health HTTP/1.1\r\nConnection: close\r\n\r\n",
    "a header without a colon": head("GET /health", ["nonsense"]),
    "a header name with a space": head("GET /health", ["bad name: 1"]),
    "a zero byte in a header": head("GET /health", ["X-A: a\x00b"]),
    "a folded header": head("GET /health", ["X-A: a\r\n b"]),
    "two lengths": head(POST, [lengthOf(CHAT), "Content-Length: 3"]) + CHAT,
    "a length and chunks": `${head(POST, [lengthOf(CHAT), "Transfer-Encoding: chunked"])}0\r\n\r\n`,
    "a negative length": head(POST, ["Content-Length: -1"]),
    "a length beyond all numbers": head(POST, ["Content-Length: 99999999999999999999999"]),
    "an unknown transfer encoding": head(POST, ["Transfer-Encoding: rot13"]) + CHAT,
    "a chunk's size that is none": `${head(POST, ["Transfer-Encoding: chunked"])}xyz\r\n${CHAT}\r\n0\r\n\r\n`,
    "a chunk's size beyond all numbers": `${head(POST, ["Transfer-Encoding: chunked"])}FFFFFFFFFFFFFFFFF\r\n`,
    "a chunk longer than it says": `${head(POST, ["Transfer-Encoding: chunked"])}2\r\n${CHAT}\r\n0\r\n\r\n`,
    "a host that is none": "GET /health HTTP/1.1\r\nHost: a b\r\nConnection: close\r\n\r\n",
    "a host of another machine": "GET /health HTTP/1.1\r\nHost: evil.example\r\nConnection: close\r\n\r\n",
    "a target with a bad host": head("GET http://[::1"),
    "a target of another machine": head("GET http://evil.example/health"),
  };
  for (const [what, bytes] of Object.entries(cases))
    it(what, async () => {
      const { statuses, closed } = await exchange(server.url, [Buffer.from(bytes, "latin1")]);
      expect(closed).toBe(true);
      expect(statuses.length).toBeLessThanOrEqual(1);
      expect([400, 403, 404, 405]).toContain(statuses[0] ?? 400);
    });
});

describe("odd requests are answered", () => {
  const cases: Record<string, readonly [bytes: string, ...statuses: number[]]> = {
    "a path that is no UTF-8": [head("GET /v1/models/%E0%A4%A"), 404],
    "a path that climbs": [head("GET /../../etc/passwd"), 404],
    "a path with two slashes": [head("GET //health"), 404],
    "a target for the whole server": [head("OPTIONS *"), 404, 400],
    TRACE: [head("TRACE /health"), 404, 405, 400, 501],
    "an upgrade": [head("GET /health", ["Upgrade: websocket", "Connection: Upgrade"], true), 200],
    "a body of GET": [head("GET /health", [lengthOf(CHAT)]) + CHAT, 200],
    "an expectation": [head(POST, [lengthOf(CHAT), "Expect: 100-continue"]) + CHAT, 100, 200],
    "chunks of one byte and a trailer": [
      `${head(POST, ["Transfer-Encoding: chunked"])}${[...CHAT].map((char) => `1\r\n${char}\r\n`).join("")}0\r\nX-A: 1\r\n\r\n`,
      200,
    ],
    "a long path": [head(`GET /${"a".repeat(8000)}`), 404],
    "a model with a long name": [head(`GET /v1/models/${"a".repeat(8000)}`), 404],
    "a long query": [head(`GET /health?${"a=1&".repeat(2000)}`), 200],
    "many headers": [
      head(
        "GET /health",
        Array.from({ length: 900 }, (_, i) => `X-${i}: ${i}`),
      ),
      200,
    ],
    "an odd origin": [head("GET /health", ["Origin: null"]), 403],
    "an odd key": [head("GET /health", ["Authorization: \xff\xfe Bearer"]), 200, 401],
  };
  for (const [what, [bytes, ...allowed]] of Object.entries(cases))
    it(what, async () => {
      const { statuses, closed } = await exchange(server.url, [Buffer.from(bytes, "latin1")]);
      expect(closed).toBe(true);
      expect(statuses.length).toBeGreaterThan(0);
      for (const status of statuses) expect(allowed).toContain(status);
    });
});

describe("floods", () => {
  it("of headers, in one and in many", async () => {
    expect((await send(head("GET /health", [`X-A: ${"a".repeat(100_000)}`]))).statuses).toEqual([431]);
    const many = Array.from({ length: 20_000 }, (_, i) => `X-${i}: ${i}`);
    expect((await send(head("GET /health", many))).statuses).toEqual([431]);
    expect((await send(head(`GET /${"a".repeat(100_000)}`))).statuses).toEqual([431]);
  });

  it("of a body that says its length, of one that does not, and of one that never ends", async () => {
    const megabyte = Buffer.alloc(2 ** 20, " ");
    const ten = Array.from({ length: 10 }, () => megabyte);
    const said = await send(head(POST, [`Content-Length: ${10 * megabyte.length}`]), ...ten);
    expect(said.statuses).toEqual([413]);
    const chunk = Buffer.concat([
      Buffer.from(`${megabyte.length.toString(16)}\r\n`),
      megabyte,
      Buffer.from("\r\n"),
    ]);
    const chunked = head(POST, ["Transfer-Encoding: chunked"]);
    expect((await send(chunked, ...ten.map(() => chunk), "0\r\n\r\n")).statuses).toEqual([413]);
    function* endless(): Sending {
      yield chunked;
      for (;;) yield chunk;
    }
    const { statuses, closed } = await exchange(server.url, endless());
    expect(closed).toBe(true);
    for (const status of statuses) expect([413, 408]).toContain(status);
  });

  it("of requests in one connection, each answered in turn; of garbage after a good one", async () => {
    const good = head("GET /health", [], false);
    const { statuses } = await send(good.repeat(200), head("GET /health"));
    expect(statuses).toEqual(Array.from({ length: 201 }, () => 200));
    const body = head(POST, [lengthOf(CHAT)], false) + CHAT;
    expect((await send(`${body}\x00\x01garbage\r\n\r\n`)).statuses.at(-1)).toBe(400);
    // A length that is too short: what is left over is no request.
    const short = head(POST, ["Content-Length: 5"], false) + CHAT;
    expect((await send(short)).statuses).toContain(400);
  });
});

describe("clients that are slow, or go", () => {
  /** Sends one byte each 50 ms. */
  function* drip(text: string): Sending {
    for (const char of text) {
      yield char;
      yield 50;
    }
  }

  it("headers and bodies that do not come in time are cut off, while others are answered", async () => {
    const headers = Array.from({ length: 100 }, () =>
      exchange(server.url, drip(head("GET /health", ["X-A: aaaaaaaaaaaaaa"]))),
    );
    function* slowBody(): Sending {
      yield head(POST, [lengthOf(CHAT)]);
      yield* drip(CHAT);
    }
    const bodies = Array.from({ length: 100 }, () => exchange(server.url, slowBody()));
    const silent = Array.from({ length: 100 }, () => send());
    const startedAt = performance.now();
    expect((await fetch(`${server.url}/health`)).status).toBe(200);
    expect(performance.now() - startedAt).toBeLessThan(LATE_MS);
    const limits = [
      [headers, HEADERS_MS],
      [bodies, REQUEST_MS],
      [silent, HEADERS_MS],
    ] as const;
    for (const [exchanges, limitMs] of limits)
      for (const { statuses, closed, ms } of await Promise.all(exchanges)) {
        expect(closed).toBe(true);
        expect([408, undefined]).toContain(statuses[0]);
        expect(ms).toBeLessThan(limitMs + LATE_MS);
      }
  });

  it("a client that goes before its request has ended", async () => {
    for (const sent of [1, 10, 60, 100, 150]) {
      const whole = head(POST, [lengthOf(CHAT)]) + CHAT;
      await exchange(server.url, [whole.slice(0, sent)], { breakOff: true });
      await exchange(server.url, [whole.slice(0, sent)], { end: true });
    }
    await exchange(server.url, [`${head(POST, ["Transfer-Encoding: chunked"])}FF\r\n{`], { breakOff: true });
  });

  it("clients that go while they are answered", async () => {
    const body = JSON.stringify({ messages: [{ role: "user", content: "hi" }], stream: true });
    const whole = head(POST, [lengthOf(body)]) + body;
    const gone = Array.from({ length: 40 }, (_, i) =>
      exchange(server.url, [whole], { breakAfterBytes: 1 + i * 50 }),
    );
    for (const { statuses } of await Promise.all(gone))
      for (const status of statuses) expect(status).toBe(200);
  });
});

it("after all that nothing runs, and no answer was an error of the server", async () => {
  // What was cut off ends by itself.
  await expect
    .poll(async () => countOf(await metrics(), /^node_mlc_requests\{.*"running"\} (\d+)$/m))
    .toBe(0);
  const text = await metrics();
  expect(countOf(text, /^node_mlc_http_requests_active\{\} (\d+)$/m)).toBe(1);
  expect(text).not.toMatch(/^node_mlc_http_requests_total\{.*status="5/m);
});
