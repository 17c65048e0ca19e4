/** Conversations over a scripted native engine: history, pins, expiry, files. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { afterAll, afterEach, describe, expect, it, vi } from "vitest";
import { fakeEngine, fakeManifest, textScript } from "../../support/fake-engine.js";

const folder = mkdtempSync(path.join(os.tmpdir(), "node-mlc-session-"));
afterAll(() => rmSync(folder, { recursive: true }));
afterEach(() => void vi.useRealTimers());

const file = (name: string) => path.join(folder, name);
const message = (role: "system" | "user" | "assistant", content: string) => ({ role, content });

describe("a session", () => {
  it("sends the whole conversation each time and pins what was computed", async () => {
    const { engine, native } = await fakeEngine(textScript("yes"));
    const session = engine.session({ messages: [message("system", "Be short.")] });
    const { text, tokens } = await session.send("a?").result;
    expect(text).toBe("yes");
    const [first] = native.requests;
    expect([...native.pinned.values()]).toEqual([[...(first?.tokens ?? []), ...tokens]]);
    // At once: what was said before is known as soon as the result is.
    await session.send(message("user", "b?")).result;
    expect(session.messages).toEqual([
      message("system", "Be short."),
      message("user", "a?"),
      message("assistant", "yes"),
      message("user", "b?"),
      message("assistant", "yes"),
    ]);
    const prompt = engine.detokenize(native.requests[1]?.tokens ?? [], { special: true });
    expect(prompt).toBe(
      engine.applyChatTemplate(session.messages.slice(0, -1), { addGenerationPrompt: true }),
    );
    expect(native.pinned.size).toBe(1);
    session.dispose();
    session.dispose();
    expect(native.pinned.size).toBe(0);
    expect(() => session.send("c?")).toThrow(/disposed/);
  });

  it("answers one question at a time, and forgets the ones that failed", async () => {
    const { engine, native } = await fakeEngine(textScript("a long answer"));
    const session = engine.session();
    const signal = new AbortController();
    const failing = session.send("a?", { signal: signal.signal });
    expect(() => session.send("b?")).toThrow(/under way/);
    signal.abort();
    await expect(failing.result).rejects.toMatchObject({ code: "ERR_ABORTED" });
    expect(session.messages).toEqual([]);
    expect(() => session.send("b?", { temperature: -1 })).toThrow(/temperature/);
    for await (const { text } of session.send("c?")) if (text !== "") break;
    expect(session.messages.map(({ role }) => role)).toEqual(["user", "assistant"]);
    expect(native.pinned.size).toBe(1);
  });

  it("forks: both go on for themselves", async () => {
    const { engine, native } = await fakeEngine(textScript("yes"));
    const session = engine.session();
    await session.send("a?").result;
    const fork = await session.fork();
    expect([...native.pinned.values()][1]).toEqual([...native.pinned.values()][0]);
    await fork.send("b?").result;
    expect(fork.messages).toHaveLength(4);
    expect(session.messages).toHaveLength(2);
    session.dispose();
    expect(native.pinned.size).toBe(1);
  });

  it("lets its pages go after a while, and takes them again with the next turn", async () => {
    const { engine, native } = await fakeEngine(textScript("yes"));
    const session = engine.session({ ttlMs: 30 });
    await session.send("a?").result;
    expect(native.pinned.size).toBe(1);
    await vi.waitFor(() => expect(native.pinned.size).toBe(0));
    await session.send("b?").result;
    expect(session.messages).toHaveLength(4);
    expect(native.pinned.size).toBe(1);
  });

  it.each([
    [{ ttlMs: 0 }, /ttlMs/],
    [{ ttlMs: 2 ** 31 }, /ttlMs/],
    [{ messages: "hello" }, /messages/],
    [{ messages: [{ role: "clown", content: "" }] }, /role/],
    [{ pages: 3 }, /"pages"/],
  ])("refuses %j", async (options, expected) => {
    const { engine } = await fakeEngine(textScript("yes"));
    expect(() => engine.session(options as never)).toThrow(expected);
  });

  it("outlives nothing: without its engine it is an error, and its timer harms nobody", async () => {
    const { engine } = await fakeEngine(textScript("yes"));
    const session = engine.session({ ttlMs: 10 });
    await session.send("a?").result;
    await engine.dispose();
    await new Promise((resolve) => setTimeout(resolve, 30));
    expect(() => session.send("b?")).toThrow(/disposed/);
    session.dispose();
  });
});

describe("a saved session", () => {
  async function saved(name: string) {
    const { engine, native } = await fakeEngine(textScript("yes"));
    const session = engine.session();
    await session.send("a?").result;
    await session.save(file(name));
    return { session, tokens: [...native.pinned.values()][0] ?? [] };
  }

  it("is restored with its tokens, pages and messages", async () => {
    const { session, tokens } = await saved("one");
    const { engine, native } = await fakeEngine(textScript("yes"));
    const restored = await engine.restoreSession(file("one"));
    expect(restored.messages).toEqual(session.messages);
    expect(native.written).toEqual({ tokens, data: tokens.map((token) => token % 256) });
    await restored.send("b?").result;
    expect(restored.messages).toHaveLength(4);
  });

  it("of another package is refused by name", async () => {
    await saved("two");
    const { files } = fakeManifest();
    const weights = { ...files["weights.bin"], bytes: 64, sha256: "f".repeat(64) };
    const manifest = fakeManifest({ files: { ...files, "weights.bin": weights } });
    const { engine } = await fakeEngine(textScript("yes"), { manifest });
    await expect(engine.restoreSession(file("two"))).rejects.toMatchObject({
      code: "ERR_INVALID_SESSION",
      message: expect.stringContaining("another package (fake"),
    });
  });

  it("that is damaged is refused, wherever", async () => {
    await saved("three");
    const { engine } = await fakeEngine(textScript("yes"));
    const bytes = readFileSync(file("three"));
    const broken: Buffer[] = [
      Buffer.alloc(0),
      Buffer.from("something else entirely"),
      bytes.subarray(0, 9),
      bytes.subarray(0, 40),
      bytes.subarray(0, -1),
      Buffer.concat([bytes.subarray(0, -1), Buffer.from([255])]),
      Buffer.concat([bytes.subarray(0, 12), Buffer.from("!"), bytes.subarray(13)]),
      Buffer.concat([bytes.subarray(0, 8), Buffer.from([255, 255, 255, 255]), bytes.subarray(12)]),
    ];
    for (const [index, content] of broken.entries()) {
      writeFileSync(file("broken"), content);
      await expect(engine.restoreSession(file("broken")), `${index}`).rejects.toMatchObject({
        code: "ERR_INVALID_SESSION",
      });
    }
    await expect(engine.restoreSession(file("nowhere"))).rejects.toMatchObject({ code: "ERR_IO" });
  });

  it("that cannot be written leaves nothing behind", async () => {
    const { engine } = await fakeEngine(textScript("yes"));
    const session = engine.session();
    await expect(session.save(file("no/such/folder"))).rejects.toMatchObject({ code: "ERR_IO" });
  });
});
