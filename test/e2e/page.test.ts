// The chat page in headless Chromium, over an engine that plays a script: what a person with a mouse, a keyboard or a screen
// reader does.
import { existsSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import puppeteer, { type Browser, type Page } from "puppeteer-core";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { type RunningServer, serve } from "../../lib/server/listen.js";
import { END, type FakeNativeEngine, fakeEngine } from "../support/fake-engine.js";

const CHROMIUM = [
  process.env.CHROMIUM_PATH,
  "/usr/bin/chromium",
  "/usr/bin/google-chrome",
  "/usr/bin/chromium-browser",
].find((path) => path !== undefined && existsSync(path));
if (CHROMIUM === undefined)
  console.warn("no Chromium here (CHROMIUM_PATH, /usr/bin/chromium): the chat page's tests are skipped");

const ANSWER =
  "Use **bold** and `code`:\n\n```js\nlet a = 1 < 2;\n```\n\n1. one\n2. two\n\n<img src=x onerror=alert(1)> [bad](javascript:alert(1)) [good](https://example.org)\n\n| a | b |\n|---|---|\n| 1 | 2 |\n";

describe.skipIf(CHROMIUM === undefined)("the chat page", () => {
  let browser: Browser;
  let server: RunningServer;
  let native: FakeNativeEngine;
  let page: Page;
  let problems: string[];

  beforeAll(async () => {
    const made = await fakeEngine((request) => {
      const prompt = Buffer.from(request.tokens.filter((id) => id < 256)).toString();
      const text = prompt.includes("slow") ? "s".repeat(150) : ANSWER;
      return [
        ...[...Buffer.from(text)].map((token) => ({ tokens: [token] })),
        { tokens: [END], finish: "stop" as const },
      ];
    }, {});
    native = made.native;
    server = await serve({
      models: [{ name: "tiny", engine: made.engine }],
      port: 0,
      apiKeys: [{ key: "secret" }],
    });
    browser = await puppeteer.launch({ executablePath: CHROMIUM ?? "", args: ["--no-sandbox"] });
  });
  afterAll(async () => {
    await browser?.close();
    await server?.close();
  });
  beforeEach(async () => {
    const context = await browser.createBrowserContext();
    page = await context.newPage();
    problems = [];
    page.on("pageerror", (error) => problems.push(String(error)));
    page.on("dialog", (dialog) => {
      problems.push(`dialog: ${dialog.message()}`);
      void dialog.dismiss();
    });
    await page.goto(server.url);
  });

  const text = (selector: string) => page.$eval(selector, (found) => found.textContent ?? "");
  const signIn = async () => {
    await page.waitForSelector("#settings:not([hidden])");
    await page.type("#key", "secret");
    await page.keyboard.press("Tab");
    await page.waitForSelector("#model option");
  };
  const ask = async (message: string) => {
    await page.type("#prompt", message);
    await page.keyboard.press("Enter");
  };

  it("asks for the key, and chats with Markdown that brings nothing in", async () => {
    await signIn();
    expect(
      await page.$$eval("#model option", (options) => options.map((option) => option.textContent)),
    ).toEqual(["tiny"]);
    await ask("hi");
    await page.waitForSelector("article.assistant .stats");
    await page.waitForSelector("article.assistant table");
    expect(await text("article.user div")).toBe("hi");
    expect(await text("article.assistant strong")).toBe("bold");
    expect(await text("article.assistant pre code")).toBe("let a = 1 < 2;");
    expect(await page.$$eval("article.assistant ol li", (items) => items.length)).toBe(2);
    expect(
      await page.$$eval("article.assistant a", (links) => links.map((link) => link.getAttribute("href"))),
    ).toEqual(["https://example.org"]);
    expect(await page.$("article.assistant img")).toBeNull();
    expect(await text("article.assistant")).toContain("onerror=alert(1)");
    expect(await text(".stats")).toMatch(/\d+ \+ \d+ tokens, first after \d+ ms/);
    expect(problems).toEqual([]);
    // The next question has the conversation before it.
    await ask("again");
    await expect.poll(() => native.requests.length).toBe(2);
    const prompt = Buffer.from((native.requests[1]?.tokens ?? []).filter((id) => id < 256)).toString();
    expect(prompt).toContain("hi");
    expect(prompt).toContain("bold");
    await page.waitForFunction("document.querySelectorAll('.stats').length === 2");
  });

  it("sends the settings, and says what the server refuses", async () => {
    await signIn();
    await page.type("#system", "Be short.");
    await page.type("#temperature", "0.3");
    await page.type("#seed", "7");
    const before = native.requests.length;
    await ask("hi");
    await expect.poll(() => native.requests.length).toBe(before + 1);
    expect(native.requests.at(-1)).toMatchObject({ temperature: 0.3, seed: 7n });
    await page.waitForSelector(".stats");
    await page.$eval("#temperature", (input) => {
      (input as unknown as { value: string }).value = "-3";
    });
    await ask("hi");
    await page.waitForSelector("article.error [role=alert]");
    expect(await text("article.error [role=alert]")).toMatch(/temperature/);
  });

  it("is worked by the keyboard alone: Escape stops, the focus returns to the message", async () => {
    await signIn();
    native.hold = true;
    const aborted = native.aborted.length;
    await ask("slow");
    await page.waitForSelector("#stop:not([hidden])");
    await page.waitForFunction("document.activeElement.id === 'stop'");
    native.hold = false;
    await page.keyboard.press("Escape");
    await page.waitForSelector("#send:not([hidden])");
    expect(await text("#status")).toBe("Stopped");
    expect(await page.evaluate("document.activeElement.id")).toBe("prompt");
    await expect.poll(() => native.aborted.length).toBe(aborted + 1);
    await page.keyboard.type("line");
    await page.keyboard.down("Shift");
    await page.keyboard.press("Enter");
    await page.keyboard.up("Shift");
    expect(await page.$eval("#prompt", (field) => (field as unknown as { value: string }).value)).toBe(
      "line\n",
    );
  });

  it.each(["light", "dark"])("has no barrier that axe finds, in %s", async (scheme) => {
    await page.emulateMediaFeatures([{ name: "prefers-color-scheme", value: scheme }]);
    await signIn();
    await ask("hi");
    await page.waitForSelector("article.assistant table");
    // By the debugger, which the page's own policy does not bind.
    await page.evaluate(readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8"));
    const violations = await page.evaluate(async () => {
      const { axe } = globalThis as unknown as {
        axe: { run(): Promise<{ violations: { id: string; nodes: { html: string }[] }[] }> };
      };
      return (await axe.run()).violations.map(({ id, nodes }) => `${id}: ${nodes[0]?.html}`);
    });
    expect(violations).toEqual([]);
    const background = await page.evaluate("getComputedStyle(document.body).backgroundColor");
    expect(background).toBe(scheme === "dark" ? "rgb(22, 24, 28)" : "rgb(255, 255, 255)");
  });

  it("is plain files under a strict policy", async () => {
    const response = await fetch(server.url);
    expect(response.status).toBe(200);
    expect(response.headers.get("content-security-policy")).toContain("default-src 'none'");
    expect((await fetch(`${server.url}/page/../package.json`)).status).toBe(401);
  });
});
