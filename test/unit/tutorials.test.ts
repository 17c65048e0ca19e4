/** A tutorial shows the program that the tests run, and nothing else. */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";

const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), "../..");
const read = (...parts: string[]) => readFileSync(path.join(root, ...parts), "utf8");
const tutorials = readdirSync(path.join(root, "docs/tutorials"));

it("there are tutorials", () => expect(tutorials.length).toBeGreaterThanOrEqual(4));

describe.each(tutorials)("%s", (file) => {
  const text = read("docs/tutorials", file);

  it("shows the whole example of its name, but for the line that says how to run it", () => {
    const program = read("examples", file.replace(/\.md$/, ".ts"));
    const [, shown] = /```ts\n(.*?)```/s.exec(text) ?? [];
    expect(shown).toBe(program.slice(program.indexOf("\n") + 1));
  });

  it("links to pages that are there", () => {
    const links = [...text.matchAll(/\]\(([^)#:]+)(?:#[^)]*)?\)/g)].map(([, link = ""]) => link);
    expect(links.length).toBeGreaterThan(0);
    for (const link of links) expect(existsSync(path.join(root, "docs/tutorials", link)), link).toBe(true);
  });
});
