/** Bodies that are written as they are read. */
import { expect, it } from "vitest";
import { textStream } from "../../../lib/server/text-stream.js";

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
  const reader = textStream(source(), { abort: () => {}, ended: () => ended++ }).getReader();
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
  const reader = textStream(source(), {
    abort: () => {},
    ended: () => {},
    ping: ": ping\n\n",
    pingMs: 10,
  }).getReader();
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
  const stream = textStream(source(), { abort: () => seen.push("aborted"), ended: () => seen.push("ended") });
  await stream.cancel();
  expect(seen).toEqual(["aborted", "ended"]);
});
