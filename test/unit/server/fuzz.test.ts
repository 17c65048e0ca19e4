/**
 * Every operation of the server's OpenAPI document, asked with good and with broken bodies: the answers are what the document says, and
 * no request brings an error of the server's own.
 */
import { Ajv2020, type ValidateFunction } from "ajv/dist/2020.js";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type RunningServer, serve } from "../../../lib/server/listen.js";
import { openApiDocument } from "../../../lib/server/openapi.js";
import { createMockEngine } from "../../../lib/testing/index.js";
import { BodyMaker, type BodySchema, type MutatedBody, mutations } from "../../support/body-mutations.js";
import { Random } from "../../support/random.js";

const MODEL = "tiny";
const AT_ONCE = 8;
/** Random bodies of each operation. */
const RANDOM_BODIES = 40;

interface Content {
  readonly content: Readonly<Record<string, { schema: object }>>;
}
interface Operation {
  readonly requestBody?: { content: { "application/json": { schema: BodySchema } } };
  readonly responses: Readonly<Record<string, Content>>;
}
type Document = { readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>> };

const document = openApiDocument("test") as Document;
const operations = Object.entries(document.paths).flatMap(([path, methods]) =>
  Object.entries(methods).map(([method, operation]) => ({ method: method.toUpperCase(), path, operation })),
);
const withBodies = operations.filter(({ operation }) => operation.requestBody !== undefined);

let server: RunningServer;
const unhandled: unknown[] = [];
const keep = (reason: unknown) => unhandled.push(reason);

beforeAll(async () => {
  process.on("unhandledRejection", keep);
  const { engine } = await createMockEngine({ answers: "Hello", contextLength: 4096 });
  server = await serve({ models: [{ name: MODEL, engine }], port: 0 });
  await server.loaded;
});

afterAll(async () => {
  await server.close();
  process.off("unhandledRejection", keep);
});

const ajv = new Ajv2020({ strict: false });
ajv.addSchema(document, "document");
const pointer = (part: string) => encodeURIComponent(part.replaceAll("~", "~0").replaceAll("/", "~1"));

/** The check of a response's JSON; of streams, of each event. */
function schemaOf(path: string, method: string, status: number, type: string): ValidateFunction {
  const place = ["paths", path, method.toLowerCase(), "responses", String(status), "content", type, "schema"];
  const check = ajv.getSchema(`document#/${place.map(pointer).join("/")}`);
  if (check === undefined) throw new Error(`the document has no ${type} for ${method} ${path} ${status}`);
  return check;
}

/** The values in a body of one of the server's content types. */
function valuesIn(text: string, type: string): unknown[] {
  if (type === "text/event-stream")
    return [...text.matchAll(/^data: (.*)$/gm)]
      .filter(([, data]) => data !== "[DONE]")
      .map(([, data = ""]) => JSON.parse(data) as unknown);
  if (type === "application/x-ndjson")
    return text
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line) as unknown);
  return [type === "application/json" ? JSON.parse(text) : text];
}

/** Asks, and says what is not as the document has it; and the status. */
async function ask(
  { method, path, operation }: (typeof operations)[number],
  body?: string | Uint8Array<ArrayBuffer>,
  headers: Record<string, string> = { "content-type": "application/json" },
): Promise<{ status: number; faults: string[] }> {
  const response = await fetch(`${server.url}${path.replace("{model}", MODEL)}`, {
    method,
    ...(body === undefined ? {} : { body, headers }),
  });
  const text = await response.text();
  const { status } = response;
  if (operation.responses[status] === undefined) return { status, faults: [`status ${status}: ${text}`] };
  if (status >= 500 && path !== "/ready") return { status, faults: [text] };
  const type = (response.headers.get("content-type") ?? "").split(";")[0] ?? "";
  const check = schemaOf(path, method, status, type);
  const faults = valuesIn(text, type).filter((value) => !check(value));
  return {
    status,
    faults: faults.map((value) => `${status}: ${JSON.stringify(value)}: ${ajv.errorsText(check.errors)}`),
  };
}

/** What is wrong with the answers to these bodies, a few at once. */
async function faultsOf(
  asked: (typeof operations)[number],
  bodies: readonly MutatedBody[],
): Promise<string[]> {
  const waiting = [...bodies];
  const found: string[] = [];
  const worker = async () => {
    for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
      const { what, text } = next;
      const { faults } = await ask(asked, text);
      found.push(...faults.map((fault) => `${what} -> ${fault.slice(0, 500)}`));
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
  return found;
}

const bodySchema = ({ operation }: (typeof operations)[number]): BodySchema =>
  operation.requestBody?.content["application/json"].schema ?? {};

describe("operations without a body", () => {
  for (const asked of operations.filter(({ operation }) => operation.requestBody === undefined))
    it(`${asked.method} ${asked.path}`, async () => {
      expect(await ask(asked)).toEqual({ status: 200, faults: [] });
    });
});

describe("operations with a body", () => {
  for (const asked of withBodies) {
    const { method, path } = asked;
    const maker = new BodyMaker(new Random(withBodies.indexOf(asked)), MODEL);
    const least = maker.least(bodySchema(asked));

    it(`${method} ${path} takes its required fields`, async () => {
      const { status, faults } = await ask(asked, JSON.stringify(least));
      expect(faults).toEqual([]);
      // An engine that was handed over is not the server's to unload.
      expect(status).toBe(path === "/models/unload" ? 400 : 200);
    });

    it(`${method} ${path} answers random bodies as documented`, async () => {
      const bodies = Array.from({ length: RANDOM_BODIES }, () => {
        const text = JSON.stringify(maker.any(bodySchema(asked)));
        return { what: text, text };
      });
      expect(await faultsOf(asked, bodies)).toEqual([]);
    });

    it(`${method} ${path} answers broken bodies as documented`, async () => {
      const bodies = mutations(least, bodySchema(asked));
      expect(bodies.length).toBeGreaterThan(20);
      expect(await faultsOf(asked, bodies)).toEqual([]);
    });

    it(`${method} ${path} refuses bytes that are no UTF-8, and what is too large`, async () => {
      const good = new TextEncoder().encode(JSON.stringify(least));
      const bad = Uint8Array.from([
        ...good.subarray(0, -1),
        ...new TextEncoder().encode(',"a":"'),
        0xc3,
        0x28,
        0xff,
        0x22,
        0x7d,
      ]);
      expect(await ask(asked, bad)).toEqual({ status: 400, faults: [] });
      expect(await ask(asked, good.subarray(0, -1))).toEqual({ status: 400, faults: [] });
      expect(await ask(asked, " ".repeat(10 * 2 ** 20))).toEqual({ status: 413, faults: [] });
      for (const type of [
        "text/plain",
        "multipart/form-data; boundary=x",
        "application/json; charset=utf-16",
        "x",
      ])
        expect((await ask(asked, good, { "content-type": type })).faults).toEqual([]);
    });
  }
});

it("after all that the server is as it was", async () => {
  expect(unhandled).toEqual([]);
  expect(Object.hasOwn(Object.prototype, "polluted")).toBe(false);
  const metrics = await (await fetch(`${server.url}/metrics`)).text();
  const lines = (pattern: RegExp) => metrics.split("\n").filter((line) => pattern.test(line));
  // The request for the metrics itself.
  expect(lines(/^node_mlc_http_requests_active/)).toEqual(["node_mlc_http_requests_active{} 1"]);
  expect(lines(/^node_mlc_requests\{.*state="running"/)).toEqual([
    'node_mlc_requests{model="tiny",state="running"} 0',
  ]);
  expect(lines(/^node_mlc_http_requests_total\{.*status="5/)).toEqual([]);
  expect(
    (await ask(operations.find(({ path }) => path === "/health") as (typeof operations)[number])).status,
  ).toBe(200);
});
