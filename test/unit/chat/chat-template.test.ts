/** The choice of @huggingface/jinja, proved on the templates of 68 real models and the language's own cases. */
import { readFileSync } from "node:fs";
import path from "node:path";
import { Template } from "@huggingface/jinja";
import { describe, expect, it } from "vitest";
import { ChatTemplate } from "../../../lib/chat/chat-template.js";
import { sharedData } from "../../support/shared-data.js";

const folder = sharedData("templates");
const read = (file: string) => readFileSync(path.join(folder ?? "", file), "utf8");
const NOON = new Date(2025, 6, 10, 12);

interface Renderings {
  messages: { role: string; content: string }[];
  bos: string;
  eos: string;
  renderings: Record<string, Record<string, string>>;
}

/** What the engine cannot run yet, and why; a template that starts to work must leave this list. */
const KNOWN_GAPS: Record<string, RegExp> = {
  "ByteDance-Seed-OSS": /Object keys must be strings/, // dict literals with integer keys
  "meetkai-functionary-medium-v3.1": /selectattr/, // selectattr of None, which Jinja takes for an empty list
  "tencent-Hy3": /not a function/, // str.format
};

describe.skipIf(folder === undefined)("real templates", () => {
  const data: Renderings =
    folder === undefined
      ? { messages: [], bos: "", eos: "", renderings: {} }
      : JSON.parse(read("jinja2_renderings.json"));

  it.each(Object.entries(data.renderings))("%s renders as Python's Jinja", (name, forms) => {
    const template = new ChatTemplate(read(`llama.cpp/${name}.jinja`), {
      bosToken: data.bos,
      eosToken: data.eos,
    });
    expect(Object.keys(forms)).toHaveLength(2);
    for (const [form, expected] of Object.entries(forms)) {
      const messages = form.startsWith("with_system") ? data.messages : data.messages.slice(1);
      const render = () => template.render(messages, { now: NOON });
      const gap = KNOWN_GAPS[name];
      if (gap !== undefined) {
        expect(render).toThrow(gap);
        expect(render).toThrow(expect.objectContaining({ code: "ERR_CHAT_TEMPLATE" }));
      } else if (form.endsWith("_error")) {
        expect(render).toThrow(expect.objectContaining({ code: "ERR_CHAT_TEMPLATE" }));
      } else {
        expect(render()).toBe(expected);
      }
    }
  });

  it("gives the expected text of Hugging Face's own 53 cases", () => {
    const groups: Record<
      string,
      Record<string, { chat_template: string; data: Record<string, unknown>; target: string }>
    > = JSON.parse(read("hf_e2e_cases.json"));
    const cases = Object.values(groups).flatMap((group) => Object.entries(group));
    expect(cases).toHaveLength(53);
    for (const [name, { chat_template, data: variables, target }] of cases) {
      const { messages, bos_token, eos_token, add_generation_prompt, ...rest } = variables;
      const template = new ChatTemplate(chat_template, {
        bosToken: typeof bos_token === "string" ? bos_token : undefined,
        eosToken: typeof eos_token === "string" ? eos_token : undefined,
      });
      const rendered = template.render(messages as Record<string, unknown>[], {
        // The case leaves it undefined, and its template takes that for true; here it is always set.
        addGenerationPrompt: add_generation_prompt === true || name === "ai21labs/AI21-Jamba-Large-1.6",
        variables: rest,
        now: NOON,
      });
      expect(rendered, name).toBe(target);
    }
  });

  it("gives the expected text of the 161 syntax cases", () => {
    const cases: {
      TEST_STRINGS: Record<string, string>;
      TEST_CONTEXT: Record<string, Record<string, unknown>>;
      EXPECTED_OUTPUTS: Record<string, string>;
    } = JSON.parse(read("hf_template_syntax_cases.json"));
    // Functions of the contexts, which JSON could not hold.
    const functions: Record<string, Record<string, unknown>> = {
      NUMBERS: { add: (x: number, y: number) => x + y },
      FUNCTIONS: { func: (...values: unknown[]) => values.length },
      OBJ_METHODS: { obj: { x: (...v: string[]) => v.join(""), z: { A: (...v: string[]) => v.join("_") } } },
      IS_OPERATOR_4: { func: () => undefined },
    };
    const names = Object.keys(cases.TEST_STRINGS);
    expect(names).toHaveLength(161);
    for (const name of names) {
      const rendered = () =>
        new Template(cases.TEST_STRINGS[name] ?? "").render({
          ...cases.TEST_CONTEXT[name],
          ...functions[name],
        });
      expect(rendered(), name).toBe(cases.EXPECTED_OUTPUTS[name]);
    }
  });
});

describe("ChatTemplate", () => {
  const simple =
    "{% for m in messages %}<{{ m.role }}>{{ m.content }}{% endfor %}{% if add_generation_prompt %}<assistant>{% endif %}";

  it("adds the generation prompt unless told not to", () => {
    const template = new ChatTemplate(simple);
    const messages = [{ role: "user", content: "hi" }];
    expect(template.render(messages)).toBe("<user>hi<assistant>");
    expect(template.render(messages, { addGenerationPrompt: false })).toBe("<user>hi");
  });

  it("calls developer messages system unless the template knows them", () => {
    const messages = [{ role: "developer", content: "x" }];
    expect(new ChatTemplate(simple).render(messages)).toContain("<system>");
    expect(new ChatTemplate(`{# developer #}${simple}`).render(messages)).toContain("<developer>");
  });

  it("passes variables, and tools as None", () => {
    const template = new ChatTemplate(
      "{{ tools is none }} {{ enable_thinking }} {{ strftime_now('%d %b %Y') }}",
    );
    expect(template.render([], { variables: { enable_thinking: false }, now: NOON })).toBe(
      "true false 10 Jul 2025",
    );
  });

  it("counts with range", () => {
    const template = new ChatTemplate(
      "{% for i in range(2) %}{{ i }}{% endfor %}{% for i in range(5, 0, -2) %}{{ i }}{% endfor %}",
    );
    expect(template.render([])).toBe("01531");
  });

  it("writes constants as texts as Python does", () => {
    const template = new ChatTemplate(
      "{% for x in [none, true, false, 'a', 1, 2.5] %}{{ x | string }} {% endfor %}{{ (true | string | lower) ~ ({'a': none | string} | tojson) }}",
    );
    expect(template.render([])).toBe('None True False a 1 2.5 true{"a": "None"}');
  });

  it("repeats texts", () => {
    const template = new ChatTemplate("{{ 'ab' * 2 ~ '|' ~ 'ab' * -1 ~ '|' ~ 2 * 3 }}");
    expect(template.render([])).toBe("abab||6");
  });

  it("takes tuples of a list apart in loops", () => {
    const template = new ChatTemplate(
      "{% for name, value in [('a', 1), ('b', 2)] %}{{ name ~ value }}{% endfor %}",
    );
    expect(template.render([])).toBe("a1b2");
  });

  it("reports what the template says and what does not parse", () => {
    const refusing = new ChatTemplate("{{ raise_exception('System role not supported') }}");
    expect(() => refusing.render([])).toThrow(
      expect.objectContaining({
        code: "ERR_CHAT_TEMPLATE",
        message: expect.stringContaining("refuses them: System role not supported"),
      }),
    );
    expect(() => new ChatTemplate("{% if %}")).toThrow(
      expect.objectContaining({ code: "ERR_CHAT_TEMPLATE" }),
    );
  });
});
