from __future__ import annotations

import copy
from types import MappingProxyType

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel

from promptward import Action, Firewall
from promptward._messages import read_messages, write_messages
from promptward.errors import InputError

IMAGE = {"type": "image_url", "image_url": {"url": "https://example.org/a.png"}}


def texts(messages: object) -> dict[str, str]:
    return {segment.part: segment.text for unit in read_messages(messages).units for segment in unit.segments}


class TestReading:
    @pytest.mark.parametrize(
        ("role", "source"),
        [
            ("user", "user"),
            ("system", "system"),
            ("developer", "system"),
            ("assistant", "assistant"),
            ("tool", "tool"),
            ("function", "tool"),
        ],
    )
    def test_roles_are_sources(self, role: str, source: str) -> None:
        (unit,) = read_messages([{"role": role, "content": "x"}]).units
        assert unit.source == source

    def test_every_text_has_a_place(self) -> None:
        messages = [
            {"role": "system", "content": "a"},
            {
                "role": "user",
                "name": "b",
                "content": [{"type": "text", "text": "c"}, {"type": "input_text", "text": "d"}],
            },
            {
                "role": "assistant",
                "content": [{"type": "output_text", "text": "e"}, {"type": "refusal", "refusal": "f"}],
                "refusal": "g",
                "reasoning_content": "h",
                "tool_calls": [
                    {"id": "1", "type": "function", "function": {"name": "find", "arguments": '{"q": 1}'}},
                    {"id": "2", "type": "custom", "custom": {"name": "run", "input": "i"}},
                ],
            },
            {"role": "tool", "tool_call_id": "1", "content": "j"},
            {"role": "assistant", "content": None, "function_call": {"name": "find", "arguments": "k"}},
        ]
        assert texts(messages) == {
            "messages[0].content": "a",
            "messages[1].name": "b",
            "messages[1].content[0].text": "c",
            "messages[1].content[1].text": "d",
            "messages[2].content[0].text": "e",
            "messages[2].content[1].refusal": "f",
            "messages[2].refusal": "g",
            "messages[2].reasoning_content": "h",
            "messages[2].tool_calls[0].function.arguments": '{"q": 1}',
            "messages[2].tool_calls[1].custom.input": "i",
            "messages[3].content": "j",
            "messages[4].function_call.arguments": "k",
        }
        assert read_messages(messages).unread == []

    def test_strings_in_fields_that_nobody_knows_are_read(self) -> None:
        messages = [{"role": "user", "content": [{"type": "text", "text": "a", "title": "b"}], "context": "c"}]
        assert set(texts(messages).values()) == {"a", "b", "c"}

    def test_what_is_not_text_is_reported(self) -> None:
        messages = [
            {"role": "user", "content": [IMAGE, {"type": "input_audio", "input_audio": {"data": "…"}}]},
            {
                "role": "assistant",
                "content": None,
                "audio": {"id": "x"},
                "tool_calls": [{"function": {"arguments": {}}}],
            },
            {"role": "assistant", "content": None, "tool_calls": [{"function": {"arguments": {"a": "b"}}}]},
        ]
        assert [item.kind for item in read_messages(messages).unread] == [
            "image_url",
            "input_audio",
            "audio",
            "arguments",
        ]

    def test_kinds_that_could_be_any_text_are_not_repeated(self) -> None:
        messages = [{"role": "user", "content": [{"type": "my password is 123"}], "Secret Key!": [1]}]
        assert {item.kind for item in read_messages(messages).unread} == {"other"}

    def test_empty_fields_are_nothing(self) -> None:
        message = {"role": "assistant", "content": "", "annotations": [], "audio": None, "tool_calls": [], "n": 1}
        conversation = read_messages([message])
        assert (conversation.units, conversation.unread) == ([], [])

    @pytest.mark.parametrize(
        ("messages", "place"),
        [
            (None, "got NoneType"),
            (b"hello", "got bytes: decode them first"),
            (bytearray(b"hello"), "got bytearray: decode them first"),
            (3, "got int"),
            ({"role": "user", "content": "x"}, "got dict: put it into a list"),
            (["hello"], r"messages\[0\]: expected a mapping, got str"),
            ([{}], r"messages\[0\]\.role"),
            ([{"role": "user"}, {"role": "robot"}], r"messages\[1\]\.role: expected one of user, system"),
            ([{"role": ["user"]}], r"messages\[0\]\.role"),
            ([{"role": "user", "content": 3}], r"messages\[0\]\.content: .*got int"),
            ([{"role": "user", "content": b"x"}], r"messages\[0\]\.content: .*got bytes"),
            ([{"role": "user", "content": {"type": "text"}}], r"messages\[0\]\.content: .*got dict"),
            ([{"role": "user", "content": ["x"]}], r"messages\[0\]\.content\[0\]: expected a mapping, got str"),
            ([{"role": "user", "content": [{"text": "x"}]}], r"content\[0\]\.type: expected a str, got NoneType"),
            ([{"role": "user", "content": [{"type": "text"}]}], r"content\[0\]\.text: expected a str, got NoneType"),
            ([{"role": "user", "content": [{"type": "text", "text": 1}]}], r"content\[0\]\.text: .*got int"),
            ([{"role": "assistant", "tool_calls": {}}], r"messages\[0\]\.tool_calls: expected a list, got dict"),
            ([{"role": "assistant", "tool_calls": ["x"]}], r"tool_calls\[0\]: expected a mapping"),
            ([{"role": "assistant", "tool_calls": [{"function": "f"}]}], r"tool_calls\[0\]\.function: expected"),
            ([{"role": "assistant", "function_call": "f"}], r"messages\[0\]\.function_call: expected a mapping"),
            ([{"role": "user", 3: "x"}], r"messages\[0\]: expected only keys that are str"),
        ],
    )
    def test_malformed(self, messages: object, place: str, firewall: Firewall) -> None:
        with pytest.raises(InputError, match=place):
            firewall.check(messages)

    def test_errors_quote_no_text(self, firewall: Firewall) -> None:
        for messages in (
            [{"role": "hunter2", "content": "x"}],
            [{"role": "user", "content": ["hunter2"]}],
            ["hunter2"],
        ):
            with pytest.raises(InputError) as caught:
                firewall.check(messages)
            assert "hunter2" not in str(caught.value)


class TestWriting:
    def test_only_the_way_to_a_change_is_copied(self) -> None:
        messages = [
            {"role": "user", "content": [{"type": "text", "text": "a"}, IMAGE], "extra": ["kept"]},
            {"role": "user", "content": "b"},
        ]
        before = copy.deepcopy(messages)
        written = write_messages(read_messages(messages), [((0, "content", 0, "text"), "A")])
        assert messages == before
        assert written[0]["content"] == [{"type": "text", "text": "A"}, IMAGE]
        assert written[1] is messages[1]
        assert written[0]["extra"] is messages[0]["extra"]

    scalars = st.none() | st.booleans() | st.integers() | st.text(max_size=8)
    part = st.fixed_dictionaries({"type": st.just("text"), "text": st.text(max_size=20)}, optional={"note": scalars})
    call = st.fixed_dictionaries(
        {"id": st.text(max_size=3), "function": st.fixed_dictionaries({"name": st.text(), "arguments": st.text()})}
    )
    message = st.fixed_dictionaries(
        {"role": st.sampled_from(["user", "system", "assistant", "tool", "developer", "function"])},
        optional={
            "content": st.none() | st.text(max_size=40) | st.lists(part | st.just(IMAGE), max_size=4),
            "tool_calls": st.none() | st.lists(call, max_size=2),
            "name": st.text(max_size=8),
            "anything": scalars,
        },
    )

    @given(messages=st.lists(message, max_size=4))
    def test_without_changes_it_is_what_was_read(self, messages: list[dict[str, object]]) -> None:
        before = copy.deepcopy(messages)
        conversation = read_messages(messages)
        assert write_messages(conversation, []) == before
        everything = [
            (path, segment.text)
            for unit in conversation.units
            for path, segment in zip(unit.paths, unit.segments, strict=True)
        ]
        assert write_messages(conversation, everything) == before


class TestChecking:
    def test_a_finding_names_its_part_and_offsets(self, firewall: Firewall, attack: str) -> None:
        part = {"type": "text", "text": "hello " + attack}
        verdict = firewall.check([{"role": "system", "content": "x"}, {"role": "user", "content": [IMAGE, part]}])
        (found,) = [f for f in verdict.findings if f.rule == "own-prompt-injection"]
        assert found.part == "messages[1].content[1].text"
        assert part["text"][found.start : found.end] == "xyzzyinject"

    def test_sources_decide(self, firewall: Firewall, attack: str) -> None:
        actions = {
            role: firewall.check([{"role": role, "content": attack}]).action
            for role in ("user", "system", "assistant", "tool", "developer", "function")
        }
        assert actions == {
            "user": "block",
            "system": "allow",
            "assistant": "flag",
            "tool": "redact",
            "developer": "allow",
            "function": "redact",
        }

    def test_only_what_is_bad_is_replaced(self, firewall: Firewall, attack: str) -> None:
        messages = [
            {"role": "user", "content": "What does the page say?"},
            {"role": "tool", "tool_call_id": "1", "content": attack},
            {"role": "user", "content": attack},
        ]
        verdict = firewall.check(messages)
        assert isinstance(verdict.text, list)
        assert verdict.text[0] is messages[0]
        assert verdict.text[1] == {
            **messages[1],
            "content": "Dear reader, [REDACTED:instruction_override] and thank you.",
        }
        assert verdict.text[2] == {"role": "user", "content": "[WITHHELD:block]"}
        assert verdict.action is Action.BLOCK

    def test_tool_calls_are_what_the_assistant_says(self, firewall: Firewall) -> None:
        call = {"id": "1", "type": "function", "function": {"name": "get", "arguments": '{"u": "xyzzyexfiltrate"}'}}
        verdict = firewall.check([{"role": "assistant", "content": None, "tool_calls": [call]}])
        assert verdict.action is Action.REDACT
        assert verdict.findings[0].part == "messages[0].tool_calls[0].function.arguments"
        assert isinstance(verdict.text, list)
        assert verdict.text[0]["tool_calls"] == [
            {**call, "function": {"name": "get", "arguments": '{"u": "[REDACTED:exfiltration_link]"}'}}
        ]

    @pytest.mark.parametrize("pieces", [["xyzzy", "inject"], ["hello xyz", "zyinject"], ["xyz", "", "zyin", "ject"]])
    def test_an_attack_cut_into_parts_is_found(self, firewall: Firewall, pieces: list[str]) -> None:
        messages = [{"role": "tool", "content": [{"type": "text", "text": piece} for piece in pieces]}]
        verdict = firewall.check(messages)
        assert verdict.action is Action.REDACT
        assert isinstance(verdict.text, list)
        assert "xyz" not in str(verdict.text)
        assert "ject" not in str(verdict.text)
        for found in verdict.findings:
            index = int(found.part.removeprefix("messages[0].content[").removesuffix("].text"))
            assert 0 <= found.start < found.end <= len(pieces[index])

    def test_parts_are_counted_without_what_joins_them(self, firewall: Firewall) -> None:
        parts = [{"type": "text", "text": text} for text in ("abc", "", "de")]
        coverage = firewall.check([{"role": "user", "content": parts}, {"role": "user", "content": "f"}]).coverage
        assert (coverage.parts, coverage.chars_seen, coverage.chars_total) == (4, 6, 6)

    def test_parts_beyond_a_limit_are_not_counted_as_seen(self) -> None:
        firewall = Firewall({"limits": {"max_chars": 4}})
        verdict = firewall.check([{"role": "user", "content": [{"type": "text", "text": t} for t in ("abc", "def")]}])
        assert verdict.coverage.chars_total == 6
        assert verdict.coverage.chars_seen == 3
        assert "max_chars" in verdict.coverage.limits_hit
        assert verdict.action is Action.BLOCK

    def test_no_messages(self, firewall: Firewall) -> None:
        verdict = firewall.check([])
        assert (verdict.action, verdict.text) == (Action.ALLOW, [])
        assert verdict.coverage.detectors == {"rules": "skipped"}

    @given(messages=st.lists(TestWriting.message, max_size=3))
    def test_without_findings_the_text_is_the_input(
        self, firewall: Firewall, messages: list[dict[str, object]]
    ) -> None:
        verdict = firewall.check(messages)
        if not verdict.findings:
            assert verdict.text == messages
        assert [firewall.check(messages).action] == [verdict.action]


class TestUnreadParts:
    MESSAGES = ({"role": "user", "content": [{"type": "text", "text": "What is this?"}, IMAGE]},)

    def test_flagged_by_default(self) -> None:
        verdict = Firewall().check(list(self.MESSAGES))
        assert verdict.action is Action.FLAG
        assert verdict.text == list(self.MESSAGES)
        assert not verdict.coverage.complete
        assert verdict.coverage.limits_hit == ("unread_part:image_url",)

    def test_can_be_let_through_without_being_hidden(self) -> None:
        verdict = Firewall({"unread_parts": "allow"}).check(list(self.MESSAGES))
        assert verdict.action is Action.ALLOW
        assert not verdict.coverage.complete

    def test_can_be_kept_out(self) -> None:
        verdict = Firewall({"unread_parts": "block"}).check(list(self.MESSAGES))
        assert verdict.action is Action.BLOCK
        assert verdict.text == [
            {
                "role": "user",
                "content": [
                    {"type": "text", "text": "What is this?"},
                    {"type": "text", "text": "[WITHHELD:block]"},
                ],
            }
        ]
        assert Firewall({"unread_parts": "block", "mode": "monitor"}).check(list(self.MESSAGES)).action == "flag"


class Function(BaseModel):
    name: str
    arguments: str


class Call(BaseModel):
    id: str
    function: Function


class SdkMessage(BaseModel):
    role: str
    content: str | None = None
    refusal: str | None = None
    tool_calls: list[Call] | None = None


class TestObjects:
    def test_of_an_sdk_become_tables(self, firewall: Firewall, attack: str) -> None:
        verdict = firewall.check([SdkMessage(role="tool", content=attack), SdkMessage(role="user", content="hi")])
        assert verdict.text == [
            {"role": "tool", "content": "Dear reader, [REDACTED:instruction_override] and thank you."},
            {"role": "user", "content": "hi"},
        ]

    def test_inside_of_tables(self, firewall: Firewall) -> None:
        call = Call(id="1", function=Function(name="get", arguments="xyzzyexfiltrate"))
        verdict = firewall.check([{"role": "assistant", "content": None, "tool_calls": [call]}])
        assert verdict.text == [
            {
                "role": "assistant",
                "content": None,
                "tool_calls": [{"id": "1", "function": {"name": "get", "arguments": "[REDACTED:exfiltration_link]"}}],
            }
        ]
        assert verdict.model_dump_json()

    def test_any_mapping_will_do(self, firewall: Firewall) -> None:
        verdict = firewall.check((MappingProxyType({"role": "user", "content": "hi"}),))
        assert verdict.text == [{"role": "user", "content": "hi"}]
