// Grammars in the native engine: xgrammar over bytes, over a real vocabulary, and what happens without the library.
import { cpSync, mkdirSync, readdirSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Grammar, resolveGrammar } from "../../lib/engine/grammar.js";
import type { NativeGrammar } from "../../lib/ffi/index.js";
import { Tokenizer } from "../../lib/tokenizer/tokenizer.js";
import {
  fakeAnswer,
  fakeModel,
  fakePrompt,
  fakeRequest,
  RunningEngine,
  scratch,
} from "../support/fake-model.js";
import {
  byteEngine,
  byteTokens,
  byteVocabulary,
  STOP,
  vocabularyEngine,
  wholeTexts,
} from "../support/grammar-engine.js";
import { runChild } from "../support/native-child.js";
import { sharedData } from "../support/shared-data.js";

const grammarOf = (grammar: Grammar): NativeGrammar => resolveGrammar(grammar) as NativeGrammar;
const stopTokens = Int32Array.of(STOP);

const SETS: readonly [string, Grammar, yes: string[], no: string[]][] = [
  [
    "json",
    { type: "json" },
    ["3", "[1, null]", '{"a":"é\\n"}', "true"],
    ["", " true", "{a:1}", "[1,]", '"\n"'],
  ],
  [
    "regex",
    { type: "regex", pattern: "^\\d+(é|[^\\w\\s])\\t?$" },
    ["1é", "12!\t", "3€", "4\0"],
    ["é", "1a", "1é\n"],
  ],
  ["choice", { type: "choice", choices: ['a"\\\n', "a", ""] }, ['a"\\\n', "a", ""], ["b", 'a"']],
  [
    "ebnf",
    { type: "ebnf", grammar: 'r ::= "(" r ")" | [0-9]', root: "r" },
    ["7", "((7))"],
    ["((7)", "()", "7)"],
  ],
  [
    "structural_tag",
    {
      type: "structural_tag",
      structuralTag: {
        type: "structural_tag",
        format: {
          type: "triggered_tags",
          triggers: ["<f="],
          tags: [
            {
              type: "tag",
              begin: "<f=a>",
              content: { type: "json_schema", json_schema: { enum: [1] } },
              end: "</f>",
            },
          ],
        },
      },
    },
    ["text", "text <f=a>1</f> more"],
    ["<f=b>1</f>", "<f=a>2</f>"],
  ],
];

describe("over bytes", () => {
  let running: RunningEngine;
  beforeAll(async () => {
    running = await byteEngine();
  });
  afterAll(() => running.engine.dispose());

  it.each(SETS)("%s: whole texts", async (_, grammar, yes, no) => {
    const texts = [...yes, ...no].map(byteTokens);
    expect(await wholeTexts(running, grammarOf(grammar), texts)).toEqual([
      ...yes.map(() => true),
      ...no.map(() => false),
    ]);
  });

  it("counts the tokens that may follow, and never allows a control token", async () => {
    const grammar = grammarOf({ type: "regex", pattern: "ab+" });
    const texts = [byteTokens("abx"), byteTokens("a"), Int32Array.of(97, 257), byteTokens("abb")];
    expect([...(await running.engine.matchGrammar(grammar, texts))]).toEqual([2, 1, 1, 4]);
  });

  it("holds answers to it, whatever the model says, and leaves others alone", async () => {
    const schema = {
      type: "object",
      properties: { n: { type: "integer", minimum: 1, maximum: 99 } },
      required: ["n"],
    };
    const grammar = grammarOf({ type: "json_schema", schema: { ...schema, additionalProperties: false } });
    const held = Array.from({ length: 6 }, (_, id) =>
      running.run(
        fakeRequest(id + 1, fakePrompt(5 + id), {
          grammar,
          stopTokens,
          maxTokens: 200,
          temperature: 4,
          seed: BigInt(id),
        }),
      ),
    );
    const free = running.run(fakeRequest(50, fakePrompt(9), { maxTokens: 20 }));
    for (const { tokens, last } of await Promise.all(held)) {
      expect(last.finish).toBe("stop");
      const text = Buffer.from(tokens).toString();
      expect(JSON.parse(text).n, text).toBeGreaterThan(0);
      expect(last.completionTokens).toBe(tokens.length);
    }
    expect((await free).tokens).toEqual(fakeAnswer(fakePrompt(9), 20, 260));
  });

  it.each<[string, NativeGrammar]>([
    ["EBNF that does not parse", { kind: "ebnf", text: 'root ::= "a" (', root: "root" }],
    ["a root that is not there", { kind: "ebnf", text: 'a ::= "a"', root: "root" }],
    ["an expression with an open group", { kind: "regex", text: "(a" }],
    ["a schema that is no JSON", { kind: "json_schema", text: "{" }],
    [
      "a structural tag of no known form",
      { kind: "structural_tag", text: '{"type":"structural_tag","format":{}}' },
    ],
  ])("%s ends its request alone", async (_, grammar) => {
    const bad = running.run(fakeRequest(60, fakePrompt(4), { grammar, stopTokens }));
    const good = running.run(fakeRequest(61, fakePrompt(4)));
    const { last } = await bad;
    expect(last).toMatchObject({ finish: "error", error: { code: "ERR_INVALID_GRAMMAR" } });
    expect(last.error?.message).not.toMatch(/\.cc:\d/);
    expect((await good).tokens).toEqual(fakeAnswer(fakePrompt(4), 8, 260));
    await expect(running.engine.matchGrammar(grammar, [])).rejects.toMatchObject({
      code: "ERR_INVALID_GRAMMAR",
    });
  });

  it("an abort while it is compiled ends the request", async () => {
    // It takes a good while to compile.
    const rules = Array.from({ length: 4000 }, (_, n) => [`"${n}" r${n}`, `r${n} ::= [a-z]{1,100} "${n}"`]);
    const text = `root ::= ${rules.map(([use]) => use).join(" | ")}\n${rules.map(([, rule]) => rule).join("\n")}`;
    const grammar = grammarOf({ type: "ebnf", grammar: text });
    const outcome = running.run(fakeRequest(70, fakePrompt(4), { grammar, stopTokens }));
    running.engine.abort(70);
    expect((await outcome).last).toMatchObject({ finish: "abort", completionTokens: 0 });
  });

  it("refuses wrong arguments", () => {
    const { bytes, lengths } = byteVocabulary(4);
    const { engine } = running;
    const wrong = { code: "ERR_INVALID_ARGUMENT" };
    const refuses = (act: () => unknown) => expect(act).toThrow(expect.objectContaining(wrong));
    refuses(() => engine.useVocabulary(bytes, lengths.slice(1), stopTokens));
    refuses(() => engine.useVocabulary(bytes.slice(1), lengths, stopTokens));
    refuses(() => engine.useVocabulary(bytes, lengths, Int32Array.of(260)));
    refuses(() =>
      engine.useVocabulary(
        bytes,
        lengths.map(() => -1),
        stopTokens,
      ),
    );
    const text = { kind: "yaml", text: "" } as unknown as NativeGrammar;
    refuses(() => engine.submit(fakeRequest(80, [1], { grammar: text })));
    refuses(() => engine.matchGrammar({ kind: "regex", text: "a" }, [Int32Array.of(260)]));
    refuses(() => engine.submit(fakeRequest(80, [1], { grammar: { kind: "ebnf", text: 'root ::= "a"' } })));
  });
});

it("a grammar needs a vocabulary, and an engine may end while one is compiled", async () => {
  const running = await RunningEngine.load(fakeModel({ vocabSize: 260 }));
  const grammar = grammarOf({ type: "regex", pattern: "([a-z]{1,30}[0-9]{1,300}){1,20}" });
  expect(() => running.engine.submit(fakeRequest(1, [1], { grammar }))).toThrow(/useVocabulary/);
  const { bytes, lengths } = byteVocabulary(4);
  running.engine.useVocabulary(bytes, lengths, stopTokens);
  const waiting = running.run(fakeRequest(1, [1], { grammar, stopTokens }));
  const matching = running.engine.matchGrammar(grammar, []).catch((error: unknown) => error);
  await running.engine.dispose();
  expect((await waiting).last.finish).toBe("abort");
  const matched = await matching;
  if (!(matched instanceof Int32Array)) expect(matched).toMatchObject({ code: "ERR_ABORTED" });
});

const vocabulary = sharedData("tokenizers", "smollm2");
it.skipIf(vocabulary === undefined)(
  "over a real vocabulary: every way to cut a text into tokens",
  async () => {
    const tokenizer = await Tokenizer.load(path.join(vocabulary ?? "", "tokenizer.json"));
    const running = await vocabularyEngine(tokenizer, tokenizer.tokenToId("<|im_end|>") ?? -1);
    const grammar = grammarOf({ type: "regex", pattern: "[a-z ]+ — für 🙂" });
    const encode = (text: string) => Int32Array.from(tokenizer.encode(text, { addSpecial: false }));
    const pieces = [..."hello there — für 🙂"].flatMap((character) => [...encode(character)]);
    const spelled = encode("hello <|im_end|> — für 🙂");
    const control = Int32Array.of(...encode("hello "), tokenizer.tokenToId("<|im_start|>") ?? -1);
    const texts = [encode("hello there — für 🙂"), Int32Array.from(pieces), spelled, control];
    expect(await wholeTexts(running, grammar, texts)).toEqual([true, true, false, false]);
    expect((await running.engine.matchGrammar(grammar, [control]))[0]).toBe(control.length - 1);
    await running.engine.dispose();
  },
);

it("without the library: engines load, a grammar fails and says what to do", async () => {
  const release = path.join(path.dirname(fileURLToPath(import.meta.url)), "../../build/Release");
  const folder = scratch("without-xgrammar");
  mkdirSync(folder);
  for (const file of readdirSync(release)) {
    if (/^(lib)?(tvm|node_mlc_core)|^node_mlc\.node$/.test(file))
      cpSync(path.join(release, file), path.join(folder, file));
  }
  const before = process.env.NODE_MLC_ADDON;
  process.env.NODE_MLC_ADDON = path.join(folder, "node_mlc.node");
  try {
    const { stdout, stderr } = await runChild(`
      (async () => {
        const engine = await native.NativeEngine.load(${JSON.stringify(fakeModel({ vocabSize: 260 }))}, () => {});
        engine.useVocabulary(new Uint8Array(260), new Int32Array(260).fill(1), Int32Array.of(3));
        const failed = await engine.matchGrammar({ kind: "regex", text: "a" }, []).catch((error) => error);
        console.log(failed.code, failed.message);
        await engine.dispose();
      })();`);
    expect(stdout, stderr).toMatch(
      /^ERR_NATIVE Expected xgrammar at .*xgrammar_bindings.*Reinstall node-mlc/,
    );
  } finally {
    if (before === undefined) delete process.env.NODE_MLC_ADDON;
    else process.env.NODE_MLC_ADDON = before;
  }
});
