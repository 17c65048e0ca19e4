import { describe, expect, it } from "vitest";
import { checkMessages } from "../../../lib/chat/message.js";
import { strftime } from "../../../lib/chat/strftime.js";

const called = (name: string, text: string) => ({
  role: "assistant",
  content: null,
  tool_calls: [{ id: "1", type: "function", function: { name, arguments: text } }],
});

describe("checkMessages", () => {
  it("keeps roles and joins text parts", () => {
    expect(
      checkMessages([
        { role: "developer", content: "be brief" },
        {
          role: "user",
          content: [
            { type: "text", text: "a" },
            { type: "text", text: "b" },
          ],
        },
        { role: "assistant", content: "c", refusal: null, tool_calls: [] },
      ]),
    ).toEqual([
      { role: "developer", content: "be brief" },
      { role: "user", content: "ab" },
      { role: "assistant", content: "c" },
    ]);
  });

  it("takes calls and results, and names the result's tool", () => {
    const answer = { ...called("f", '{"a":1}'), reasoning_content: "hm" };
    const result = { role: "tool", tool_call_id: "1", content: [{ type: "text", text: "2" }] };
    expect(checkMessages([{ role: "user", content: "x", name: "Ann" }, answer, result])).toEqual([
      { role: "user", content: "x", name: "Ann" },
      {
        role: "assistant",
        content: "",
        reasoning_content: "hm",
        tool_calls: [{ id: "1", type: "function", function: { name: "f", arguments: '{"a":1}' } }],
      },
      { role: "tool", content: "2", tool_call_id: "1", name: "f" },
    ]);
  });

  it("takes a refusal for the text of an answer", () => {
    const parts = [{ type: "refusal", refusal: "no" }];
    for (const answer of [{ refusal: "no", content: null }, { content: parts }]) {
      expect(checkMessages([{ role: "assistant", ...answer }])).toEqual([
        { role: "assistant", content: "no" },
      ]);
    }
  });

  it.each([
    [undefined, "ERR_INVALID_ARGUMENT", "messages but received nothing"],
    [[], "ERR_INVALID_ARGUMENT", "non-empty list"],
    ["hi", "ERR_INVALID_ARGUMENT", '"hi"'],
    [[null], "ERR_INVALID_ARGUMENT", "messages[0]"],
    [[{ role: "wizard", content: "x" }], "ERR_INVALID_ARGUMENT", 'messages[0].role but received "wizard"'],
    [[{ role: "user" }], "ERR_INVALID_ARGUMENT", "messages[0].content but received nothing"],
    [[{ role: "user", content: null }], "ERR_INVALID_ARGUMENT", "received null"],
    [[{ role: "user", content: [{ type: "text" }] }], "ERR_INVALID_ARGUMENT", "content[0]"],
    [[{ role: "user", content: ["x"] }], "ERR_INVALID_ARGUMENT", "content[0]"],
    [[{ role: "tool", content: "x" }], "ERR_INVALID_ARGUMENT", "messages[0].tool_call_id"],
    [[{ role: "function", content: "x", name: "f" }], "ERR_UNSUPPORTED_FIELD", "messages[0].role"],
    [[{ role: "user", content: "x", tool_calls: [1] }], "ERR_UNSUPPORTED_FIELD", "messages[0].tool_calls"],
    [[{ role: "user", content: "x", name: 1 }], "ERR_INVALID_ARGUMENT", "messages[0].name"],
    [[{ role: "assistant" }], "ERR_INVALID_ARGUMENT", "messages[0].content"],
    [[{ role: "assistant", audio: { id: "x" } }], "ERR_UNSUPPORTED_FIELD", "messages[0].audio"],
    [[{ role: "assistant", tool_calls: [{}] }], "ERR_INVALID_ARGUMENT", "tool_calls[0].id"],
    [[{ role: "assistant", tool_calls: [{ id: "1", type: "custom" }] }], "ERR_UNSUPPORTED_FIELD", "custom"],
    [[called("f g", "{}")], "ERR_INVALID_ARGUMENT", "tool_calls[0].function.name"],
    [[called("f", "[1]")], "ERR_INVALID_ARGUMENT", "tool_calls[0].function.arguments"],
    [[called("f", "{")], "ERR_INVALID_ARGUMENT", "JSON text of an object"],
    [
      [{ role: "user", content: [{ type: "image_url", image_url: { url: "x" } }] }],
      "ERR_UNSUPPORTED_FIELD",
      '"image_url"',
    ],
  ])("refuses %j", (messages, code, text) => {
    let error: unknown;
    try {
      checkMessages(messages);
    } catch (thrown) {
      error = thrown;
    }
    expect(error).toMatchObject({ code, message: expect.stringContaining(text) });
  });
});

describe("strftime", () => {
  it("writes what Python writes, in English", () => {
    const date = new Date(2025, 6, 4, 0, 5, 9);
    expect(strftime(date, "%Y-%m-%d %d %b %Y, %B %-d, %A %a %H:%M:%S %I%p %y 100%% %Q")).toBe(
      "2025-07-04 04 Jul 2025, July 4, Friday Fri 00:05:09 12AM 25 100% %Q",
    );
  });
});
