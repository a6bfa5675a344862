from __future__ import annotations

import copy
import json
import pickle
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING

import pytest

from promptward import Action, Firewall, Policy
from promptward._policy_files import BUILTIN_POLICIES
from promptward._types import CATEGORIES, Detector, Severity, Source
from promptward.errors import PolicyError, RuleError

if TYPE_CHECKING:
    from pathlib import Path

TOMORROW = (datetime.now(timezone.utc) + timedelta(days=1)).isoformat()
RULE = {
    "id": "own-password",
    "title": "Names the passphrase",
    "detector": "exfiltration",
    "category": "exfiltration_request",
    "severity": "critical",
    "paranoia": 1,
    "patterns": [r"\bxyzzy {{word}}\b"],
    "define": {"word": "plugh"},
}
PACK = r"""
title = "Own"

[[rule]]
id = "own-pack-rule"
title = "Names the other passphrase"
detector = "jailbreak"
category = "persona"
severity = "high"
paranoia = 1
patterns = ['\bfrobnicate the gizmo\b']
match = ["Now frobnicate the gizmo."]
no_match = ["Nothing here."]
"""


@pytest.mark.parametrize("name", BUILTIN_POLICIES)
class TestBuiltins:
    def test_survive_every_way_of_being_written(self, name: str) -> None:
        policy = Policy.builtin(name)
        assert policy.name == name
        assert policy.description
        assert Policy.from_dict(policy.model_dump()) == policy
        assert Policy.from_dict(json.loads(policy.model_dump_json())) == policy
        assert Policy.model_validate_json(policy.model_dump_json()) == policy
        assert pickle.loads(pickle.dumps(policy)) == policy
        assert copy.deepcopy(policy) == policy

    def test_low_severity_obfuscation_does_not_stop_a_user(self, name: str) -> None:
        obfuscation = Policy.builtin(name).sources.user.detectors.obfuscation
        assert obfuscation.action <= Action.FLAG or obfuscation.threshold > 0.5

    def test_are_named_for_what_can_be_loaded(self, name: str) -> None:
        assert Policy.load(name) is Policy.builtin(name)


def test_balanced_does_what_the_documentation_promises() -> None:
    sources = Policy.builtin("balanced").sources
    assert sources.user.detectors.prompt_injection.action is Action.BLOCK
    assert sources.user.detectors.jailbreak.action is Action.BLOCK
    assert sources.document.detectors.prompt_injection.action is Action.REDACT
    assert sources.tool.detectors.prompt_injection.action is Action.REDACT
    assert sources.assistant.detectors.exfiltration.action is Action.REDACT
    assert [sources.of(source).on_error.value for source in Source] == ["block", "flag", "flag", "block", "flag"]
    assert sources.system.detectors.prompt_injection.action is Action.ALLOW


def test_strictness_is_ordered() -> None:
    permissive, balanced, strict = (Policy.builtin(name).sources for name in ("permissive", "balanced", "strict"))
    for source in Source:
        levels = [policy.of(source) for policy in (permissive, balanced, strict)]
        assert [level.paranoia for level in levels] == sorted(level.paranoia for level in levels)
        assert levels[0].on_error <= levels[1].on_error <= levels[2].on_error
        for detector in Detector:
            for score in (0.5, 0.7, 0.9, 0.97):
                actions = [
                    entry.action if score >= entry.threshold else Action.ALLOW
                    for entry in (level.detectors.of(detector) for level in levels)
                ]
                assert actions == sorted(actions), (source, detector, score)


def test_monitor_is_balanced_that_looks_closer_and_does_nothing() -> None:
    monitor, balanced = Policy.builtin("monitor"), Policy.builtin("balanced")
    assert monitor.mode == "monitor"
    for source in Source:
        assert monitor.sources.of(source).detectors == balanced.sources.of(source).detectors


def test_vocabulary_is_in_step() -> None:
    assert set(CATEGORIES) == {detector.value for detector in Detector}
    fields = type(Policy.builtin("balanced").sources).model_fields
    assert set(fields) == {source.value for source in Source}
    assert set(type(Policy.builtin("balanced").sources.user.detectors).model_fields) == set(CATEGORIES)


class TestInheritance:
    def test_what_is_not_said_comes_from_balanced(self) -> None:
        policy = Policy.from_dict({"sources": {"user": {"paranoia": 3}}})
        assert policy.name == "custom"
        assert policy.sources.user.paranoia == 3
        assert policy.sources.user.detectors == Policy.builtin("balanced").sources.user.detectors
        assert policy.sources.tool == Policy.builtin("balanced").sources.tool

    def test_empty_policy_is_balanced_under_another_name(self) -> None:
        assert Policy.from_dict({}).model_dump(exclude={"name", "description"}) == Policy.builtin(
            "balanced"
        ).model_dump(exclude={"name", "description"})

    def test_single_value_of_a_detector(self) -> None:
        change = {"sources": {"user": {"detectors": {"jailbreak": {"action": "flag"}}}}}
        jailbreak = Policy.from_dict({"extends": "strict", **change}).sources.user.detectors.jailbreak
        assert (jailbreak.threshold, jailbreak.action) == (0.5, Action.FLAG)

    def test_a_policy_that_extends_nothing_must_say_everything(self) -> None:
        with pytest.raises(PolicyError, match="sources: Field required"):
            Policy.from_dict({"extends": None})

    def test_lists_are_joined_so_that_no_rule_is_lost(self, tmp_path: Path) -> None:
        (tmp_path / "base.yaml").write_text(json.dumps({"rules": [RULE], "disabled_rules": ["a-rule"]}))
        (tmp_path / "child.yaml").write_text(
            json.dumps({"extends": "base.yaml", "rules": [{**RULE, "id": "own-two"}], "disabled_rules": ["a-rule"]})
        )
        policy = Policy.load(tmp_path / "child.yaml")
        assert [rule.id for rule in policy.rules] == ["own-password", "own-two"]
        assert policy.disabled_rules == ("a-rule",)
        assert policy.name == "child"

    def test_relative_to_the_file_that_says_it(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        (tmp_path / "a" / "b").mkdir(parents=True)
        (tmp_path / "a" / "pack.toml").write_text(PACK)
        (tmp_path / "a" / "base.toml").write_text('rule_packs = ["pack.toml"]\ndescription = "of the base"')
        (tmp_path / "a" / "b" / "top.toml").write_text('extends = "../base.toml"')
        monkeypatch.chdir(tmp_path)
        policy = Policy.load("a/b/top.toml")
        assert [pack.name for pack in policy.rule_packs] == ["pack.toml"]
        assert policy.description == ""

    def test_circle(self, tmp_path: Path) -> None:
        (tmp_path / "a.toml").write_text('extends = "b.yml"')
        (tmp_path / "b.yml").write_text("extends: a.toml")
        with pytest.raises(PolicyError, match=r"circle.*a\.toml → b\.yml → a\.toml"):
            Policy.load(tmp_path / "a.toml")

    def test_a_policy_from_no_file_reads_no_files(self, tmp_path: Path) -> None:
        secret = tmp_path / "secret.toml"
        secret.write_text("top = 'secret'")
        for data in ({"extends": str(secret)}, {"rule_packs": [str(secret)]}, {"rule_packs": ["/etc/passwd"]}):
            with pytest.raises(PolicyError, match="only a policy that is itself a file may name files"):
                Policy.from_dict(data)

    @pytest.mark.parametrize("extends", [1, ["balanced"], True])
    def test_extends_is_a_name(self, extends: object) -> None:
        with pytest.raises(PolicyError, match="extends: expected the name"):
            Policy.from_dict({"extends": extends})


class TestErrors:
    @pytest.mark.parametrize(
        ("data", "message"),
        [
            ({"mod": "monitor"}, "unknown key 'mod'; did you mean 'mode'"),
            ({"sources": {"usr": {}}}, "sources: unknown key 'usr'; did you mean 'user'"),
            ({"sources": {"user": {"paranoja": 2}}}, "sources.user: unknown key 'paranoja'; did you mean 'paranoia'"),
            ({"sources": {"user": {"detectors": {"jailbrake": {}}}}}, "sources.user.detectors: .*'jailbreak'"),
            ({"limits": {"max_char": 1}}, "limits: .*'max_chars'"),
            ({"rules": [{**RULE, "pattern": "x"}]}, r"rules\.0: .*'patterns'"),
            ({"allow": [{"role": "x"}]}, r"allow\.0: .*'rule'"),
            ({"qwertyuiop": 1}, "unknown key 'qwertyuiop'$"),
            ({"mode": "monitr"}, "mode: Input should be 'enforce' or 'monitor'"),
            ({"unread_parts": "redact"}, "unread_parts: .*'allow', 'flag', 'review' or 'block'"),
            ({"sources": {"user": {"on_error": "allow"}}}, "on_error: .*'flag', 'review' or 'block'"),
            ({"sources": {"user": {"on_error": "redact"}}}, "on_error: .*'flag', 'review' or 'block'"),
            ({"sources": {"user": {"paranoia": 5}}}, "sources.user.paranoia: .*less than or equal to 4"),
            ({"sources": {"user": {"paranoia": True}}}, "sources.user.paranoia: .*integer"),
            ({"sources": {"user": {"paranoia": "2"}}}, "sources.user.paranoia: .*integer"),
            ({"sources": {"user": 2}}, "sources.user: "),
            ({"sources": []}, "sources: "),
            ({"rule_packs": "own.toml"}, "rule_packs: "),
            ({"limits": {"max_views": 0}}, "limits.max_views: "),
            ({"name": ""}, "name: "),
        ],
    )
    def test_name_place_and_remedy(self, data: dict[str, object], message: str) -> None:
        with pytest.raises(PolicyError, match=message):
            Policy.from_dict(data)

    @pytest.mark.parametrize("threshold", [-0.1, 1.1, float("nan"), float("inf"), "0.5", True, None])
    def test_thresholds_are_numbers_from_0_to_1(self, threshold: object) -> None:
        with pytest.raises(PolicyError, match=r"sources\.tool\.detectors\.jailbreak\.threshold"):
            Policy.from_dict({"sources": {"tool": {"detectors": {"jailbreak": {"threshold": threshold}}}}})

    def test_all_at_once(self) -> None:
        with pytest.raises(PolicyError) as caught:
            Policy.from_dict({"mode": "x", "sources": {"user": {"paranoia": 9}, "tool": {"paranoia": 0}}})
        assert all(place in str(caught.value) for place in ("mode", "sources.user.paranoia", "sources.tool.paranoia"))

    @pytest.mark.parametrize("name", ["balnced", "", "balanced ", "Balanced"])
    def test_no_such_builtin(self, name: str) -> None:
        with pytest.raises(PolicyError, match="built-in are balanced, monitor, permissive, strict"):
            Policy.load(name)

    @pytest.mark.parametrize(
        ("name", "text", "message"),
        [
            ("p.toml", b"mode = ", "not TOML: "),
            ("p.yaml", b"mode: [", "not YAML: .*line 1"),
            ("p.yaml", b"mode: enforce\nmode: monitor", "'mode' is given twice"),
            ("p.yaml", b"sources: {user: {paranoia: 1, paranoia: 4}}", "'paranoia' is given twice"),
            ("p.yaml", b"--- {}\n--- {}", "not YAML"),
            ("p.yaml", b"- mode", "expected keys and values, got list"),
            ("p.yaml", b"1: 2", "expected keys and values"),
            ("p.yaml", b"!!python/object/apply:os.system [id]", "not YAML"),
            ("p.toml", b"name = '\xff'", "not UTF-8 at byte 8"),
            ("p.json", b"{}", "ends in .toml, .yaml, .yml"),
        ],
    )
    def test_files(self, tmp_path: Path, name: str, text: bytes, message: str) -> None:
        path = tmp_path / name
        path.write_bytes(text)
        with pytest.raises(PolicyError, match=message) as caught:
            Policy.load(path)
        assert name in str(caught.value)

    def test_missing_files(self, tmp_path: Path) -> None:
        with pytest.raises(PolicyError, match=r"missing\.toml: can't be read: No such file"):
            Policy.load(tmp_path / "missing.toml")
        (tmp_path / "p.toml").write_text('rule_packs = ["missing-pack.toml"]')
        with pytest.raises(PolicyError, match=r"rule pack .*missing-pack\.toml: can't be read"):
            Policy.load(tmp_path / "p.toml")

    @pytest.mark.parametrize("policy", [None, 3, ["balanced"]])
    def test_not_a_mapping(self, policy: object) -> None:
        with pytest.raises(PolicyError, match="expected a mapping of policy keys"):
            Policy.from_dict(policy)


def test_yaml_and_toml_say_the_same(tmp_path: Path) -> None:
    (tmp_path / "a.toml").write_text(
        'name = "x"\n[sources.user]\nparanoia = 2\ndetectors.jailbreak = { threshold = 1 }\n'
        '[[allow]]\nphrase = "hi"\nreason = "greeting"\nexpires = 2031-01-02'
    )
    (tmp_path / "b.yaml").write_text(
        "name: x\nsources:\n  user:\n    paranoia: 2\n    detectors:\n      jailbreak: {threshold: 1}\n"
        "allow:\n- {phrase: hi, reason: greeting, expires: 2031-01-02}\n"
    )
    one, two = Policy.load(tmp_path / "a.toml"), Policy.load(str(tmp_path / "b.yaml"))
    assert one == two
    assert one.digest == two.digest
    assert hash(one) == hash(two)


def test_an_empty_yaml_file_is_an_empty_policy(tmp_path: Path) -> None:
    (tmp_path / "e.yaml").write_text("# nothing yet\n")
    assert Policy.load(tmp_path / "e.yaml").sources == Policy.builtin("balanced").sources


class TestDigest:
    def test_is_hex_and_stable(self) -> None:
        digest = Policy.from_dict({"sources": {"user": {"paranoia": 2}}}).digest
        assert len(digest) == 64
        assert digest == Policy.from_dict({"sources": {"user": {"paranoia": 2}}, "mode": "enforce"}).digest

    @pytest.mark.parametrize(
        "change",
        [
            {"name": "other"},
            {"mode": "monitor"},
            {"limits": {"max_views": 3}},
            {"sources": {"tool": {"on_error": "review"}}},
            {"rules": [RULE]},
            {"rule_packs": [{"name": "p.toml", "text": PACK}]},
            {"disabled_rules": ["x-y"]},
            {"allow": [{"rule": "x-y", "reason": "r", "expires": "2031-01-01"}]},
        ],
    )
    def test_every_part_counts(self, change: dict[str, object]) -> None:
        assert Policy.from_dict(change).digest != Policy.from_dict({}).digest

    def test_content_of_packs_counts_not_their_name_only(self) -> None:
        one, two = (
            Policy.from_dict({"rule_packs": [{"name": "p.toml", "text": text}]}) for text in (PACK, PACK + "# more")
        )
        assert one != two

    def test_a_copy_has_its_own(self) -> None:
        policy = Policy.from_dict({"name": "original"})
        before = policy.digest
        changed = policy.model_copy(update={"mode": "monitor"})
        assert changed.mode == "monitor"
        assert changed.digest != before
        assert changed.name == "original"
        with pytest.raises(PolicyError, match="mode"):
            policy.model_copy(update={"mode": "mnitor"})

    def test_policies_are_immutable(self) -> None:
        policy = Policy.builtin("balanced")
        with pytest.raises(ValueError, match="frozen"):
            policy.mode = "monitor"
        with pytest.raises(ValueError, match="frozen"):
            policy.sources.user.paranoia = 1

    def test_repr_is_short(self) -> None:
        assert repr(Policy.from_dict({"rules": [RULE]})).count("xyzzy") == 0


class TestAllowEntries:
    def test_must_say_what_why_and_until_when(self) -> None:
        for entry, missing in (
            ({"rule": "x-y", "reason": "r"}, "expires"),
            ({"rule": "x-y", "expires": "2031-01-01"}, "reason"),
            ({"reason": "r", "expires": "2031-01-01"}, "would allow everything"),
            ({"sources": ["user"], "reason": "r", "expires": "2031-01-01"}, "would allow everything"),
            ({"phrase": "", "reason": "r", "expires": "2031-01-01"}, "phrase"),
            ({"text_sha256": "abc", "reason": "r", "expires": "2031-01-01"}, "text_sha256"),
        ):
            with pytest.raises(PolicyError, match=missing):
                Policy.from_dict({"allow": [entry]})

    @pytest.mark.parametrize(
        ("expires", "moment"),
        [
            ("2031-01-02", datetime(2031, 1, 2, tzinfo=timezone.utc)),
            ("2031-01-02T00:00:00", datetime(2031, 1, 2, tzinfo=timezone.utc)),
            ("2031-01-02T03:00:00Z", datetime(2031, 1, 2, 3, tzinfo=timezone.utc)),
            ("2031-01-02T03:00:00+02:00", datetime(2031, 1, 2, 1, tzinfo=timezone.utc)),
        ],
    )
    def test_expiry_is_one_moment(self, expires: str, moment: datetime) -> None:
        entry = Policy.from_dict({"allow": [{"rule": "x-y", "reason": "r", "expires": expires}]}).allow[0]
        assert entry.expires == moment
        assert entry.expires.utcoffset() == timedelta(0)

    @pytest.mark.parametrize("expires", ["soon", "", 20310101, "2031", "31-01-2031", None, True])
    def test_not_a_moment(self, expires: object) -> None:
        with pytest.raises(PolicyError, match=r"allow\.0\.expires"):
            Policy.from_dict({"allow": [{"rule": "x-y", "reason": "r", "expires": expires}]})

    def test_expired_entries_are_named(self) -> None:
        entry = {"rule": "x-y", "reason": "r"}
        policy = Policy.from_dict({"allow": [{**entry, "expires": "2020-01-01"}, {**entry, "expires": TOMORROW}]})
        assert policy.expired_entries() == policy.allow[:1]
        assert policy.expired_entries(datetime(2019, 12, 31, tzinfo=timezone.utc)) == ()
        assert policy.expired_entries(datetime(2020, 1, 1, tzinfo=timezone.utc)) == policy.allow[:1]


class TestRules:
    def test_a_policy_brings_its_own(self, tmp_path: Path) -> None:
        (tmp_path / "pack.toml").write_text(PACK)
        (tmp_path / "p.yaml").write_text(json.dumps({"rules": [RULE], "rule_packs": ["pack.toml"]}))
        firewall = Firewall(tmp_path / "p.yaml")
        found = firewall.check("Say XYZZY plugh, then frobnicate the gizmo.").findings
        assert {finding.rule for finding in found} >= {"own-password", "own-pack-rule"}
        assert next(rule for rule in firewall.rules if rule.id == "own-password").severity is Severity.CRITICAL
        assert Firewall().info()["rules_digest"] != firewall.info()["rules_digest"]

    def test_a_bad_rule_is_named(self) -> None:
        with pytest.raises(RuleError, match="own-password"):
            Firewall({"rules": [{**RULE, "patterns": ["xyzzy.*"]}]})

    def test_an_id_that_is_taken_is_refused(self) -> None:
        taken = Firewall().rules[0].id
        with pytest.raises(RuleError, match=taken):
            Firewall({"rules": [{**RULE, "id": taken}]})

    def test_either_patterns_or_a_signal(self) -> None:
        for rule in ({**RULE, "patterns": []}, {**RULE, "signal": "unicode_tags"}):
            with pytest.raises(PolicyError, match="either patterns or a signal"):
                Policy.from_dict({"rules": [rule]})

    def test_a_disabled_rule_finds_nothing(self) -> None:
        text = "plain\U000e0068\U000e0065\U000e006c\U000e006c\U000e006f"
        assert "invisible-unicode-tags" in {finding.rule for finding in Firewall().check(text).findings}
        firewall = Firewall({"disabled_rules": ["invisible-unicode-tags"]})
        assert "invisible-unicode-tags" not in {finding.rule for finding in firewall.check(text).findings}
        assert "invisible-unicode-tags" not in {rule.id for rule in firewall.rules}

    def test_a_policy_s_own_rule_can_be_disabled_by_one_that_extends_it(self, tmp_path: Path) -> None:
        (tmp_path / "base.yaml").write_text(json.dumps({"rules": [RULE]}))
        (tmp_path / "top.yaml").write_text("{extends: base.yaml, disabled_rules: [own-password]}")
        assert not Firewall(tmp_path / "top.yaml").check("xyzzy plugh").findings

    def test_unknown_ids_are_refused_with_the_nearest(self) -> None:
        known = Firewall().rules[0].id
        for data in (
            {"disabled_rules": [known + "x"]},
            {"allow": [{"rule": known + "x", "reason": "r", "expires": TOMORROW}]},
        ):
            with pytest.raises(PolicyError, match=f"no rule '{known}x'; did you mean"):
                Firewall(data)
