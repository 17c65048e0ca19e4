/** Bodies that are written as they are read. */
import { once } from "node:events";
import { createServer, get, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { expect, it, onTestFinished } from "vitest";
import { TextStream } from "../../../lib/server/text-stream.js";

const decode = (value: Uint8Array | undefined) => new TextDecoder().decode(value);

it("asks its source only as it is read, and ends once", async () => {
  let asked = 0;
  let ended = 0;
  async function* source() {
    for (const text of ["a", "b"]) {
      asked++;
      yield text;
    }
  }
  const reader = new TextStream(source(), { abort: () => {}, ended: () => ended++ }).body().getReader();
  await new Promise((resolve) => setTimeout(resolve, 5));
  expect(asked).toBe(0);
  expect(decode((await reader.read()).value)).toBe("a");
  expect(asked).toBe(1);
  expect(decode((await reader.read()).value)).toBe("b");
  expect((await reader.read()).done).toBe(true);
  expect(ended).toBe(1);
});

it("says that it lives while nothing comes", async () => {
  let go = (): void => {};
  const wait = new Promise<void>((resolve) => {
    go = resolve;
  });
  async function* source() {
    await wait;
    yield "text";
  }
  const reader = new TextStream(source(), {
    abort: () => {},
    ended: () => {},
    ping: ": ping\n\n",
    pingMs: 10,
  })
    .body()
    .getReader();
  expect(decode((await reader.read()).value)).toBe(": ping\n\n");
  go();
  let text = "";
  while (!text.endsWith("text")) text += decode((await reader.read()).value);
  expect((await reader.read()).done).toBe(true);
});

it("ends where nobody reads it", async () => {
  const seen: string[] = [];
  async function* source() {
    yield "never";
  }
  const stream = new TextStream(source(), {
    abort: () => seen.push("aborted"),
    ended: () => seen.push("ended"),
  }).body();
  await stream.cancel();
  expect(seen).toEqual(["aborted", "ended"]);
});

function withResolvers() {
  let resolve = (): void => {};
  const promise = new Promise<void>((done) => {
    resolve = done;
  });
  return { promise, resolve };
}

/** What a client of Node's gets from a handler that writes to the socket itself. */
async function ask(handle: (response: ServerResponse) => void) {
  const server = createServer((_, response) => handle(response)).listen(0);
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  await once(server, "listening");
  const request = get({ port: (server.address() as AddressInfo).port });
  const [message] = await once(request, "response");
  return { request, message };
}

it("writes to a socket", async () => {
  let ended = 0;
  async function* source() {
    yield "one ";
    yield "two";
  }
  const { message } = await ask((response) => {
    void new TextStream(source(), { abort: () => {}, ended: () => ended++ }).writeTo(response);
  });
  expect(Buffer.concat(await message.toArray()).toString()).toBe("one two");
  expect(ended).toBe(1);
});

it("ends its source when the client goes, also while it waits for the next text", async () => {
  const seen: string[] = [];
  const gone = withResolvers();
  async function* source() {
    yield "first";
    await gone.promise;
    seen.push("released");
  }
  let written: Promise<void> | undefined;
  const { request, message } = await ask((response) => {
    const stream = new TextStream(source(), {
      abort: () => {
        seen.push("aborted");
        gone.resolve();
      },
      ended: () => seen.push("ended"),
    });
    written = stream.writeTo(response);
  });
  await once(message, "data");
  request.destroy();
  message.on("error", () => {});
  await written;
  expect(seen).toEqual(["aborted", "ended", "released"]);
});

it("asks for no more than a slow client takes", async () => {
  let asked = 0;
  let aborted = false;
  async function* source() {
    for (; !aborted; asked++) yield "x".repeat(65_536);
  }
  let written: Promise<void> | undefined;
  const { request, message } = await ask((response) => {
    written = new TextStream(source(), {
      abort: () => {
        aborted = true;
      },
      ended: () => {},
    }).writeTo(response);
  });
  message.pause();
  let before = -1;
  while (before !== asked) {
    before = asked;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  // What the sockets' buffers hold.
  expect(asked).toBeLessThan(1000);
  message.on("error", () => {});
  request.destroy();
  await written;
  expect(aborted).toBe(true);
});

it("closes the connection where its source fails", async () => {
  async function* source() {
    yield "first";
    throw new Error("the source failed");
  }
  const answer = ask((response) => {
    void new TextStream(source(), { abort: () => {}, ended: () => {} }).writeTo(response);
  });
  await expect(answer.then(({ message }) => message.toArray())).rejects.toThrow(/aborted|hang up/);
});
