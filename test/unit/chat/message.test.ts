import { describe, expect, it } from "vitest";
import { checkMessages } from "../../../lib/chat/message.js";
import { strftime } from "../../../lib/chat/strftime.js";

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
    [[{ role: "tool", content: "x" }], "ERR_UNSUPPORTED_FIELD", "tool results"],
    [[{ role: "user", content: "x", name: "Ann" }], "ERR_UNSUPPORTED_FIELD", "messages[0].name"],
    [[{ role: "assistant", content: "x", tool_calls: [{}] }], "ERR_UNSUPPORTED_FIELD", "tool_calls"],
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
