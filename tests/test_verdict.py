from __future__ import annotations

import json
import operator
import time
import uuid

import pytest

from promptward import Action, Coverage, Finding, Firewall, Severity, Verdict
from promptward._verdict import new_id


@pytest.fixture(scope="module")
def verdict(firewall: Firewall, attack: str) -> Verdict:
    return firewall.check(attack, source="document")


class TestActions:
    def test_are_ordered(self) -> None:
        assert sorted(set(Action)) == ["allow", "flag", "redact", "review", "block"]
        assert max(Action.BLOCK, Action.FLAG) is Action.BLOCK
        assert sorted(set(Severity)) == ["low", "medium", "high", "critical"]

    def test_order_is_never_alphabetical(self) -> None:
        assert operator.lt(Action.FLAG, "block")
        assert operator.gt("block", Action.FLAG)
        assert operator.ge(Action.BLOCK, "review")
        assert operator.le(Action.REDACT, "redact")
        assert not operator.lt("block", Action.FLAG)

    @pytest.mark.parametrize("other", ["blok", 3, None, Severity.HIGH])
    def test_what_is_no_action_cannot_be_compared(self, other: object) -> None:
        for compare in (operator.lt, operator.le, operator.gt, operator.ge):
            with pytest.raises(TypeError, match="can't compare Action"):
                compare(Action.FLAG, other)

    def test_up_to_redact_is_allowed(self) -> None:
        assert [action for action in Action if action.allowed] == ["allow", "flag", "redact"]

    def test_are_plain_strings_in_text_and_json(self) -> None:
        assert f"{Action.BLOCK}" == str(Action.BLOCK) == "block"
        assert json.dumps(Action.BLOCK) == '"block"'
        assert {Action.BLOCK: 1}["block"] == 1


class TestDump:
    def test_is_complete_and_validates(self, verdict: Verdict) -> None:
        dump = verdict.model_dump()
        assert set(dump) == set(Verdict.model_fields)
        assert Verdict.model_validate(dump) == verdict
        assert Verdict.model_validate_json(verdict.model_dump_json()) == verdict
        assert json.loads(verdict.model_dump_json()) == verdict.model_dump(mode="json")

    def test_of_what_it_holds(self, verdict: Verdict) -> None:
        assert verdict.findings
        for found in verdict.findings:
            assert Finding.model_validate(found.model_dump()) == found
            assert set(found.model_dump()) == set(Finding.model_fields)
        assert Coverage.model_validate(verdict.coverage.model_dump()) == verdict.coverage

    def test_has_a_version(self, verdict: Verdict) -> None:
        assert verdict.schema_version == 1

    def test_of_lone_surrogates(self, firewall: Firewall) -> None:
        messages = [{"role": "user", "content": [{"type": "text", "text": "a\udfffb"}], "\ud800": ("\ud800", 1)}]
        verdict = firewall.check("a\ud800b")
        assert verdict.text == "a\ud800b"
        assert json.loads(verdict.model_dump_json())["text"] == "a\ufffdb"
        dump = json.loads(firewall.check(messages).model_dump_json())["text"]
        assert dump == [{"role": "user", "content": [{"type": "text", "text": "a\ufffdb"}], "\ufffd": ["\ufffd", 1]}]

    def test_of_bytes_in_an_unread_part(self, firewall: Firewall) -> None:
        message = {"role": "user", "content": [{"type": "blob", "data": b"\xff\x00"}]}
        assert json.loads(firewall.check([message]).model_dump_json())["text"][0]["content"][0]["data"] == "_wA="

    def test_unknown_fields_of_a_later_release_are_ignored(self, verdict: Verdict) -> None:
        assert Verdict.model_validate({**verdict.model_dump(), "new": 1}) == verdict

    def test_a_dump_that_contradicts_itself_is_refused(self, verdict: Verdict) -> None:
        with pytest.raises(ValueError, match="contradicts"):
            Verdict.model_validate({**verdict.model_dump(), "action": "block"})


class TestVerdict:
    def test_truth_is_allowed(self, firewall: Firewall, attack: str, harmless: str) -> None:
        assert firewall.check(harmless)
        assert firewall.check(harmless).allowed
        assert not firewall.check(attack)
        assert not firewall.check(attack).allowed

    def test_is_immutable(self, verdict: Verdict) -> None:
        with pytest.raises(ValueError, match="frozen"):
            verdict.action = Action.ALLOW
        with pytest.raises(ValueError, match="frozen"):
            verdict.findings[0].action = Action.ALLOW

    def test_repr_holds_no_text(self, firewall: Firewall) -> None:
        for source in ("user", "document", "assistant"):
            for shown in (repr, str):
                assert "hunter2" not in shown(firewall.check("hunter2 xyzzyinject", source=source))
        for found in firewall.check("xyzzyinject").findings:
            assert "xyzzyinject" not in found.model_dump_json()

    def test_names_what_made_it(self, firewall: Firewall, verdict: Verdict) -> None:
        assert verdict.policy_digest == firewall.policy.digest
        assert verdict.rules_digest == firewall.info()["rules_digest"]
        assert verdict.engine == firewall.info()["engine"]
        assert verdict.model_digests == {}
        assert 0 < verdict.timings_us["rules"] < verdict.timings_us["total"]

    def test_scores_are_the_highest_of_each_detector(self, firewall: Firewall, harmless: str) -> None:
        verdict = firewall.check("xyzzyinject and xyzzyobfuscate")
        assert verdict.scores == {"prompt_injection": 0.9, "jailbreak": 0, "exfiltration": 0, "obfuscation": 0.9}
        assert set(firewall.check(harmless).scores.values()) == {0.0}

    def test_verdicts_share_nothing_that_can_be_changed(self, firewall: Firewall) -> None:
        firewall.check("x").scores["jailbreak"] = 1.0
        firewall.check("x").coverage.detectors["rules"] = "error"
        assert firewall.check("x").scores["jailbreak"] == 0.0
        assert firewall.check("x").coverage.detectors == {"rules": "ran"}


class TestIds:
    def test_are_uuids_of_version_7(self) -> None:
        for _ in range(1000):
            value = uuid.UUID(hex=new_id())
            assert (value.version, value.variant) == (7, uuid.RFC_4122)
            assert abs((value.int >> 80) - time.time() * 1000) < 5000

    def test_do_not_repeat(self) -> None:
        assert len({new_id() for _ in range(10_000)}) == 10_000
