"""Compiles a policy into what the hot path needs: an engine, and tables that are looked up by rule index and source."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

from promptward._engine import load_engine
from promptward._policy_files import nearest
from promptward._rules import builtin_packs, parse_rules
from promptward._types import Action, Source
from promptward.errors import PolicyError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from promptward._engine import CompiledEngine
    from promptward._policy import AllowEntry, DetectorPolicies, Policy
    from promptward._rules import Rule

MAX_PLANS = 32
"""Policies that are kept compiled in a process; the least recently used one goes first."""
MAX_ENGINES = 8
"""Sets of rules that are kept compiled in a process. Policies that differ in thresholds and actions only share one."""


@dataclass(frozen=True, slots=True)
class SourcePlan:
    """How texts of one source are treated; `actions` has one entry for each rule."""

    name: str
    paranoia: int
    actions: tuple[Action, ...]
    on_error: Action
    allow: tuple[AllowEntry, ...]


@dataclass(frozen=True, slots=True)
class Plan:
    """A compiled policy; immutable."""

    policy: Policy
    policy_digest: str
    engine: CompiledEngine
    engine_name: str
    rules: tuple[Rule, ...]
    rules_digest: str
    sources: Mapping[str, SourcePlan]
    unread_parts: Action
    enforce: bool


@lru_cache(maxsize=MAX_PLANS)
def compile_plan(policy: Policy, engine: str) -> Plan:
    """Compile a policy for an engine that was loaded before, or return what was compiled for an equal policy.

    Raises:
        PolicyError: the policy names a rule that doesn't exist.
        RuleError: the engine refuses one of the policy's rules.
    """
    _check_rule_ids(policy, engine)
    compiled, rules = _compile(policy, policy.disabled_rules, engine)
    return Plan(
        policy=policy,
        policy_digest=policy.digest,
        engine=compiled,
        engine_name=engine,
        rules=rules,
        rules_digest=compiled.digest,
        sources={source.value: _source_plan(policy, source, rules) for source in Source},
        unread_parts=policy.unread_parts,
        enforce=policy.mode == "enforce",
    )


def _source_plan(policy: Policy, source: Source, rules: Iterable[Rule]) -> SourcePlan:
    settings = policy.sources.of(source)
    return SourcePlan(
        name=source.value,
        paranoia=settings.paranoia,
        actions=tuple(_action(settings.detectors, rule) for rule in rules),
        on_error=settings.on_error,
        allow=tuple(entry for entry in policy.allow if not entry.sources or source in entry.sources),
    )


def _action(detectors: DetectorPolicies, rule: Rule) -> Action:
    settings = detectors.of(rule.detector)
    return settings.action if rule.score >= settings.threshold else Action.ALLOW


def _check_rule_ids(policy: Policy, engine: str) -> None:
    named = [("disabled_rules", rule) for rule in policy.disabled_rules]
    named += [("allow", entry.rule) for entry in policy.allow if entry.rule is not None]
    if not named:
        return
    # With every rule on: what is disabled must exist too. Other policies share this engine.
    known = {rule.id for rule in _compile(policy, (), engine)[1]}
    for place, rule_id in named:
        if rule_id not in known:
            raise PolicyError(f"policy {policy.name!r}: {place}: no rule {rule_id!r}{nearest(rule_id, known)}")


def _compile(policy: Policy, disabled: tuple[str, ...], engine: str) -> tuple[CompiledEngine, tuple[Rule, ...]]:
    packs = (*builtin_packs(), *((pack.name, pack.text) for pack in policy.rule_packs))
    custom = [rule.model_dump(mode="json", exclude_none=True, exclude_unset=True) for rule in policy.rules]
    limits = tuple(sorted(policy.limits.model_dump().items()))
    return _compile_rules(packs, json.dumps(custom) if custom else "", tuple(sorted(set(disabled))), limits, engine)


@lru_cache(maxsize=MAX_ENGINES)
def _compile_rules(
    packs: tuple[tuple[str, str], ...],
    custom: str,
    disabled: tuple[str, ...],
    limits: tuple[tuple[str, int], ...],
    engine: str,
) -> tuple[CompiledEngine, tuple[Rule, ...]]:
    compiled = load_engine(engine).Engine(list(packs), custom, list(disabled), dict(limits))
    return compiled, parse_rules(compiled.rules())
