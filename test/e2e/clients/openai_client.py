"""OpenAI's own client for Python against a live server; the server's address, key and model are in the environment."""

import asyncio
import json
import os
import time
import unittest
import urllib.request
from typing import Literal

import openai
from pydantic import BaseModel

BASE = os.environ["NODE_MLC_URL"]
KEY = os.environ["NODE_MLC_API_KEY"]
MODEL = os.environ["NODE_MLC_MODEL"]
QUESTION = [{"role": "user", "content": "What is the capital of Japan?"}]
# No answer ends by itself before its limit: the end token is never drawn.
ENDLESS = {"2": -100}
SHORT = {"model": MODEL, "temperature": 0, "max_tokens": 24}
WEATHER = {
    "type": "function",
    "function": {
        "name": "weather",
        "description": "The weather of a city",
        "strict": True,
        "parameters": {
            "type": "object",
            "properties": {"city": {"type": "string", "enum": ["Paris", "Rome"]}},
            "required": ["city"],
            "additionalProperties": False,
        },
    },
}


class City(BaseModel):
    """What the typed answers hold."""

    city: Literal["Paris", "Rome"]
    big: bool


def client(key: str = KEY) -> openai.OpenAI:
    return openai.OpenAI(base_url=f"{BASE}/v1", api_key=key, max_retries=0)


def outcomes() -> dict[str, int]:
    """Requests of the engine by what became of them, from the server's metrics."""
    request = urllib.request.Request(f"{BASE}/metrics", headers={"authorization": f"Bearer {KEY}"})
    with urllib.request.urlopen(request) as response:
        lines = response.read().decode().splitlines()
    counts = {}
    for line in lines:
        if line.startswith(("node_mlc_requests{", "node_mlc_requests_total{")):
            labels, value = line.rsplit(" ", 1)
            counts[labels.rsplit('="', 1)[1].rstrip('"}')] = int(value)
    return counts


class OpenAiClient(unittest.TestCase):
    def expect_aborted(self, count: int) -> None:
        deadline = time.monotonic() + 10
        while time.monotonic() < deadline:
            seen = outcomes()
            if seen["running"] == 0 and seen["aborted"] == count:
                return
            time.sleep(0.05)
        self.fail(f"expected {count} aborted requests and none running but found {seen}")

    def test_chat_and_stream(self) -> None:
        whole = client().chat.completions.create(messages=QUESTION, **SHORT)
        text = whole.choices[0].message.content
        self.assertIn("Tokyo", text)
        self.assertGreater(whole.usage.completion_tokens, 1)
        stream = client().chat.completions.create(
            messages=QUESTION, stream=True, stream_options={"include_usage": True}, **SHORT
        )
        pieces, usage = [], None
        for chunk in stream:
            pieces += [choice.delta.content or "" for choice in chunk.choices]
            usage = chunk.usage or usage
        self.assertGreater(len(pieces), 3)
        self.assertEqual("".join(pieces), text)
        self.assertEqual(usage.completion_tokens, whole.usage.completion_tokens)

    def test_async_client_asks_several_at_a_time(self) -> None:
        async def ask() -> list[str]:
            async with openai.AsyncOpenAI(base_url=f"{BASE}/v1", api_key=KEY, max_retries=0) as many:
                asked = [many.chat.completions.create(messages=QUESTION, **SHORT) for _ in range(4)]
                return [answer.choices[0].message.content for answer in await asyncio.gather(*asked)]

        for text in asyncio.run(ask()):
            self.assertIn("Tokyo", text)

    def test_responses(self) -> None:
        asked = {"model": MODEL, "input": QUESTION[0]["content"], "temperature": 0, "max_output_tokens": 24}
        whole = client().responses.create(**asked)
        self.assertIn("Tokyo", whole.output_text)
        with client().responses.stream(**asked) as stream:
            deltas = [event.delta for event in stream if event.type == "response.output_text.delta"]
            final = stream.get_final_response()
        self.assertEqual("".join(deltas), whole.output_text)
        self.assertEqual(final.output_text, whole.output_text)

    def test_tools_in_two_turns(self) -> None:
        messages = [{"role": "user", "content": "What is the weather in Paris?"}]
        asked = {**SHORT, "max_tokens": 100, "tools": [WEATHER], "parallel_tool_calls": False}
        first = client().chat.completions.create(messages=messages, tool_choice="required", **asked)
        self.assertEqual(first.choices[0].finish_reason, "tool_calls")
        call = first.choices[0].message.tool_calls[0]
        self.assertIn(json.loads(call.function.arguments)["city"], ["Paris", "Rome"])
        messages += [
            first.choices[0].message,
            {"role": "tool", "tool_call_id": call.id, "content": "It is sunny in Paris."},
        ]
        second = client().chat.completions.create(messages=messages, tool_choice="none", **asked)
        self.assertIn("sunny", second.choices[0].message.content.lower())

    def test_streamed_tools(self) -> None:
        with client().chat.completions.stream(
            messages=[{"role": "user", "content": "What is the weather in Paris?"}],
            tools=[WEATHER],
            tool_choice={"type": "function", "function": {"name": "weather"}},
            parallel_tool_calls=False,
            **{**SHORT, "max_tokens": 100},
        ) as stream:
            deltas = [
                event.arguments_delta
                for event in stream
                if event.type == "tool_calls.function.arguments.delta"
            ]
            final = stream.get_final_completion()
        call = final.choices[0].message.tool_calls[0]
        self.assertEqual("".join(deltas), call.function.arguments)
        self.assertIn(call.function.parsed_arguments["city"], ["Paris", "Rome"])

    def test_parse(self) -> None:
        answer = client().chat.completions.parse(
            messages=[{"role": "user", "content": "Is Paris big? Answer in JSON."}],
            response_format=City,
            **{**SHORT, "max_tokens": 80},
        )
        self.assertIsInstance(answer.choices[0].message.parsed, City)
        plain = client().chat.completions.create(
            messages=[{"role": "user", "content": "Is Paris big? Answer in JSON."}],
            response_format={"type": "json_object"},
            extra_body={"top_k": 1},
            **{**SHORT, "max_tokens": 200},
        )
        self.assertEqual(plain.choices[0].message.content.lstrip()[0], "{")

    def test_abort(self) -> None:
        before = outcomes()["aborted"]
        long = {"model": MODEL, "max_tokens": 4000, "messages": [{"role": "user", "content": "A long story."}]}
        with client().chat.completions.create(stream=True, logit_bias=ENDLESS, **long) as stream:
            next(iter(stream))
        self.expect_aborted(before + 1)
        with self.assertRaises(openai.APITimeoutError):
            client().with_options(timeout=0.3).chat.completions.create(logit_bias=ENDLESS, **long)
        self.expect_aborted(before + 2)

    def test_errors(self) -> None:
        create = client().chat.completions.create
        with self.assertRaises(openai.NotFoundError):
            create(messages=QUESTION, **{**SHORT, "model": "none"})
        with self.assertRaises(openai.AuthenticationError):
            client("wrong").models.list()
        with self.assertRaises(openai.BadRequestError) as refused:
            create(messages=QUESTION, **{**SHORT, "temperature": -1})
        self.assertEqual(refused.exception.code, "ERR_INVALID_ARGUMENT")
        self.assertEqual(refused.exception.param, "temperature")
        with self.assertRaises(openai.BadRequestError) as refused:
            create(messages=[{"role": "user", "content": "word " * 9000}], stream=True, **SHORT)
        self.assertEqual(refused.exception.code, "ERR_CONTEXT_OVERFLOW")
        with self.assertRaises(openai.BadRequestError) as refused:
            create(messages=QUESTION, extra_body={"nonsense": 1}, **SHORT)
        self.assertEqual(refused.exception.code, "ERR_UNSUPPORTED_FIELD")

    def test_models(self) -> None:
        self.assertEqual([model.id for model in client().models.list()], [MODEL])
        self.assertEqual(client().models.retrieve(MODEL).owned_by, "node-mlc")


if __name__ == "__main__":
    unittest.main(verbosity=2)
