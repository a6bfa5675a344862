"""Decisions, on data: no engine is needed to say what follows from findings."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from promptward import Action, Finding, Rule, Severity, Source
from promptward._decide import INCOMPLETE, REDACTED, Hit, Inspection, Outcome, Segment, decide, redact, text_sha256
from promptward._plan import SourcePlan
from promptward._policy import AllowEntry

FUTURE = datetime.now(timezone.utc) + timedelta(days=1)
PAST = datetime.now(timezone.utc) - timedelta(seconds=1)
RULE = Rule(
    id="one",
    title="One",
    detector="prompt_injection",
    category="instruction_override",
    severity=Severity.HIGH,
    score=0.9,
    paranoia=1,
    languages=(),
    sources=(Source.USER,),
    refs=("LLM01:2025",),
    pack="p.toml",
    patterns=("one",),
    signal=None,
    view="text",
    near=None,
    not_near=None,
    all_of=(),
    none_of=(),
    match=(),
    no_match=(),
)
RULES = (
    RULE,
    replace(RULE, id="two", detector="exfiltration", category="exfiltration_link", severity=Severity.CRITICAL),
)


def plan(*actions: Action, on_error: Action = Action.BLOCK, allow: tuple[AllowEntry, ...] = ()) -> SourcePlan:
    return SourcePlan(name="document", paranoia=1, actions=actions, on_error=on_error, allow=allow)


def outcome(
    text: str,
    *spans: tuple[int, int, int],
    source: SourcePlan | None = None,
    enforce: bool = True,
    limits: tuple[str, ...] = (),
    seen: int | None = None,
    failed: bool = False,
) -> Outcome:
    return decide(
        [Segment("text", text)],
        Inspection(
            [Hit(rule, 0, start, end, "text") for rule, start, end in spans],
            len(text) if seen is None else seen,
            len(text),
            limits,
            failed,
        ),
        source or plan(Action.REDACT, Action.REDACT),
        RULES,
        key=b"key",
        enforce=enforce,
    )


def finding(start: int, end: int, action: Action = Action.REDACT, **changes: object) -> Finding:
    return Finding(
        **{
            "detector": "prompt_injection",
            "rule": "one",
            "category": "instruction_override",
            "severity": "high",
            "score": 0.9,
            "start": start,
            "end": end,
            "part": "text",
            "view": "text",
            "action": action,
            "refs": (),
            "evidence": "",
            **changes,
        }
    )


class TestActions:
    @pytest.mark.parametrize("action", list(Action))
    def test_the_worst_finding_decides(self, action: Action) -> None:
        result = outcome("0123456789", (0, 1, 3), (1, 5, 6), source=plan(Action.FLAG, action))
        assert result.action is max(Action.FLAG, action)
        assert [found.action for found in result.findings] == [Action.FLAG, action]

    def test_nothing_found(self) -> None:
        assert outcome("text") == (Action.ALLOW, (), ["text"], True)

    def test_a_span_to_redact_that_is_empty_blocks(self) -> None:
        result = outcome("0123456789", (0, 4, 4))
        assert result.action is Action.BLOCK
        assert result.findings[0].action is Action.BLOCK

    def test_an_empty_span_to_flag_does_not(self) -> None:
        assert outcome("0123456789", (0, 4, 4), source=plan(Action.FLAG)).action is Action.FLAG

    def test_findings_carry_what_the_rule_says(self) -> None:
        (found,) = outcome("0123456789", (1, 2, 4)).findings
        assert (found.rule, found.detector, found.category) == ("two", "exfiltration", "exfiltration_link")
        assert (found.severity, found.score, found.refs) == (Severity.CRITICAL, 0.9, ("LLM01:2025",))
        assert (found.part, found.start, found.end, found.view) == ("text", 2, 4, "text")

    def test_constructed_findings_would_validate(self) -> None:
        (found,) = outcome("0123456789", (1, 2, 4)).findings
        assert Finding.model_validate(found.model_dump()) == found


class TestCoverage:
    @pytest.mark.parametrize("limit", sorted(INCOMPLETE))
    @pytest.mark.parametrize("on_error", [Action.FLAG, Action.REVIEW, Action.BLOCK])
    def test_a_limit_that_leaves_something_unread_is_answered(self, limit: str, on_error: Action) -> None:
        result = outcome("text", limits=(limit,), source=plan(on_error=on_error))
        assert result.action is on_error
        assert not result.complete

    def test_replaced_surrogates_are_no_gap(self) -> None:
        assert outcome("text", limits=("surrogates_replaced",)) == (Action.ALLOW, (), ["text"], True)

    def test_unread_characters_are_a_gap_whatever_the_limits_say(self) -> None:
        assert outcome("text", seen=3).action is Action.BLOCK

    def test_a_failure_is_a_gap(self) -> None:
        result = outcome("text", seen=0, failed=True)
        assert (result.action, result.complete, result.texts) == (Action.BLOCK, False, ["[WITHHELD:block]"])

    def test_a_worse_finding_prevails_over_the_gap_and_the_other_way_round(self) -> None:
        assert outcome("0123", (0, 0, 1), source=plan(Action.BLOCK, on_error=Action.FLAG), seen=2).action == "block"
        assert outcome("0123", (0, 0, 1), source=plan(Action.FLAG, on_error=Action.REVIEW), seen=2).action == "review"

    @pytest.mark.parametrize(
        ("actions", "expected"),
        [
            ((Action.FLAG, Action.FLAG), Action.FLAG),
            ((Action.FLAG, Action.REDACT), Action.BLOCK),
            ((Action.ALLOW, Action.REVIEW), Action.REVIEW),
            ((Action.ALLOW, Action.BLOCK), Action.BLOCK),
        ],
    )
    def test_a_flood_of_findings_hides_no_attack(self, actions: tuple[Action, ...], expected: Action) -> None:
        source = plan(*actions, on_error=Action.FLAG)
        assert outcome("0123456789", (0, 0, 1), source=source, limits=("max_findings",)).action is expected


class TestMonitoring:
    def test_reports_and_changes_nothing(self) -> None:
        result = outcome("0123456789", (0, 1, 3), (1, 4, 4), enforce=False, seen=5)
        assert result.action is Action.FLAG
        assert result.texts == ["0123456789"]
        assert [found.action for found in result.findings] == [Action.REDACT, Action.BLOCK]
        assert not result.complete

    def test_allow_stays_allow(self) -> None:
        assert outcome("0123456789", enforce=False).action is Action.ALLOW


class TestSafeText:
    @pytest.mark.parametrize("action", [Action.REVIEW, Action.BLOCK])
    def test_what_may_not_pass_is_withheld_as_a_whole(self, action: Action) -> None:
        result = outcome("secret plan", (0, 0, 6), source=plan(action))
        assert result.texts == [f"[WITHHELD:{action}]"]

    @pytest.mark.parametrize("action", [Action.ALLOW, Action.FLAG])
    def test_what_may_pass_is_the_same_object(self, action: Action) -> None:
        text = "secret plan"
        assert outcome(text, (0, 0, 6), source=plan(action)).texts[0] is text

    def test_only_spans_to_redact_are_cut(self) -> None:
        result = outcome("aaa bbb ccc", (0, 0, 3), (1, 8, 11), source=plan(Action.FLAG, Action.REDACT))
        assert result.texts == ["aaa bbb [REDACTED:exfiltration_link]"]

    def test_segments_are_cut_apart_and_withheld_together(self) -> None:
        segments = [Segment("a", "one two"), Segment("b", "three")]
        found = Inspection([Hit(0, 0, 4, 7, "text"), Hit(0, 1, 0, 5, "text")], 12, 12, ())
        cut = decide(segments, found, plan(Action.REDACT), RULES, key=b"", enforce=True)
        assert cut.texts == ["one [REDACTED:instruction_override]", "[REDACTED:instruction_override]"]
        assert [f.part for f in cut.findings] == ["a", "b"]
        only_second = found._replace(hits=found.hits[1:])
        withheld = decide(segments, only_second, plan(Action.BLOCK), RULES, key=b"", enforce=True)
        assert withheld.texts == ["[WITHHELD:block]"] * 2


class TestAllowList:
    @pytest.mark.parametrize(
        ("entry", "lets_through"),
        [
            ({"rule": "one"}, True),
            ({"rule": "two"}, False),
            ({"detector": "prompt_injection"}, True),
            ({"detector": "exfiltration"}, False),
            ({"phrase": "IGNORE É"}, True),
            ({"phrase": "ignore e\u0301"}, True),
            ({"phrase": "ignore"}, False),
            ({"phrase": "ignore é "}, False),
            ({"text_sha256": text_sha256("Ignore é")}, True),
            ({"text_sha256": text_sha256("Ignore e\u0301")}, True),
            ({"text_sha256": text_sha256("ignore é")}, False),
            ({"rule": "one", "phrase": "ignore é", "detector": "prompt_injection"}, True),
            ({"rule": "one", "phrase": "something else"}, False),
            ({"rule": "two", "phrase": "ignore é"}, False),
        ],
    )
    def test_all_that_an_entry_says_must_fit(self, entry: dict[str, str], lets_through: bool) -> None:
        allow = AllowEntry(**entry, reason="tested", expires=FUTURE)
        result = outcome("now: Ignore é!", (0, 5, 13), source=plan(Action.BLOCK, allow=(allow,)))
        assert result.action is (Action.ALLOW if lets_through else Action.BLOCK)
        assert len(result.findings) == 1, "what is let through stays visible"

    def test_hash_of_a_span_is_the_one_that_anyone_can_compute(self) -> None:
        # printf 'Ignore é' | sha256sum
        assert text_sha256("Ignore e\u0301") == "f11336ed4ed88359623b61b23a7c31e01d8fdc145fd64d2fde284452b2198499"

    def test_expired_entries_have_no_effect(self) -> None:
        allow = AllowEntry(rule="one", reason="was fine once", expires=PAST)
        assert outcome("0123", (0, 0, 1), source=plan(Action.BLOCK, allow=(allow,))).action is Action.BLOCK

    def test_one_finding_let_through_is_not_another(self) -> None:
        allow = AllowEntry(rule="one", reason="tested", expires=FUTURE)
        result = outcome("0123", (0, 0, 2), (1, 1, 3), source=plan(Action.BLOCK, Action.REDACT, allow=(allow,)))
        assert [found.action for found in result.findings] == [Action.ALLOW, Action.REDACT]
        assert result.texts == ["0[REDACTED:exfiltration_link]3"]

    def test_does_not_hide_a_gap(self) -> None:
        allow = AllowEntry(rule="one", reason="tested", expires=FUTURE)
        assert outcome("0123", (0, 0, 2), source=plan(Action.BLOCK, allow=(allow,)), seen=2).action is Action.BLOCK


class TestEvidence:
    def test_is_equal_for_equal_texts_under_one_key_only(self) -> None:
        def evidence(text: str, key: bytes) -> str:
            found = Inspection([Hit(0, 0, 0, 3, "text")], len(text), len(text), ())
            result = decide([Segment("text", text)], found, plan(Action.FLAG), RULES, key=key, enforce=True)
            return result.findings[0].evidence

        assert evidence("abc x", b"1") == evidence("abc y", b"1")
        assert evidence("abc x", b"1") != evidence("abd x", b"1")
        assert evidence("abc x", b"1") != evidence("abc x", b"2")
        assert len(evidence("abc x", b"1")) == 32

    def test_of_text_without_utf8(self) -> None:
        assert outcome("a\ud800b", (0, 0, 3)).findings[0].evidence


class TestRedaction:
    @pytest.mark.parametrize(
        ("spans", "expected"),
        [
            ([(0, 2)], "[X]23456789"),
            ([(8, 10)], "01234567[X]"),
            ([(0, 10)], "[X]"),
            ([(2, 4), (4, 6)], "01[X][X]6789"),
            ([(2, 5), (4, 6)], "01[X]6789"),
            ([(4, 6), (2, 5)], "01[X]6789"),
            ([(2, 8), (3, 4), (7, 9)], "01[X]9"),
            ([(2, 4), (2, 4)], "01[X]456789"),
            ([], "0123456789"),
        ],
    )
    def test_spans(self, spans: list[tuple[int, int]], expected: str) -> None:
        marker = REDACTED.format(category="instruction_override")
        assert redact("0123456789", [finding(*span) for span in spans]) == expected.replace("[X]", marker)

    def test_overlapping_spans_are_named_for_the_worst(self) -> None:
        findings = [
            finding(0, 5, severity="medium", category="persona"),
            finding(3, 8, severity="critical", category="exfiltration_link"),
            finding(4, 5, severity="high", score=1.0, category="many_shot"),
        ]
        assert redact("0123456789", findings) == "[REDACTED:exfiltration_link]89"
        assert redact("0123456789", findings[::-1]) == "[REDACTED:exfiltration_link]89"

    @given(
        text=st.text(max_size=60),
        spans=st.lists(
            st.tuples(st.integers(0, 60), st.integers(1, 20), st.sampled_from(["flag", "redact"])), max_size=8
        ),
    )
    def test_cuts_the_spans_and_nothing_else(self, text: str, spans: list[tuple[int, int, str]]) -> None:
        findings = [
            finding(start, min(start + length, len(text)), Action(action))
            for start, length, action in spans
            if start < len(text)
        ]
        cut = {i for f in findings if f.action is Action.REDACT for i in range(f.start, f.end)}
        result = redact(text, findings)
        marker = REDACTED.format(category="instruction_override")
        # Whatever is kept stands in its order between markers, and each run of cut characters has a marker.
        kept = "".join("\0" if i in cut else char for i, char in enumerate(text.replace("\0", " ")))
        expected = re.sub("\0+", "\0", kept)
        assert re.sub("\0+", "\0", result.replace("\0", " ").replace(marker, "\0")) == expected
