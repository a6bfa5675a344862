"""The firewall: checks texts and messages against a policy."""

from __future__ import annotations

import os
from collections.abc import Mapping
from functools import lru_cache
from time import perf_counter_ns
from typing import TYPE_CHECKING, NamedTuple

from promptward._decide import Segment, decide, withheld
from promptward._engine import load_engine
from promptward._inspect import inspect_segments
from promptward._messages import Unit, read_messages, write_messages
from promptward._plan import compile_plan
from promptward._policy import Policy
from promptward._types import Action, Detector, Source
from promptward._verdict import SCHEMA_VERSION, Coverage, Verdict, new_id
from promptward._version import __version__
from promptward.errors import InputError, PolicyError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from typing import TypeAlias

    from promptward._decide import Inspection, Outcome
    from promptward._messages import Conversation, Messages, Path
    from promptward._plan import Plan
    from promptward._rules import Rule

    PolicyLike: TypeAlias = Policy | str | os.PathLike[str] | Mapping[str, object]

INLINE_CHARS = 20_000
"""Up to so many code points, `acheck` checks in the event loop: a thread would cost more than the check."""

_NO_SCORES = {detector.value: 0.0 for detector in Detector}


class _Job(NamedTuple):
    plan: Plan
    units: Sequence[Unit]
    conversation: Conversation | None
    started: int


class Firewall:
    """Checks texts against a policy; immutable, thread-safe, cheap to share, safe after fork.

    Rules are compiled once for a process and shared by all firewalls and policies that have the same ones. A pickled
    firewall is its policy: it is compiled where it is loaded, and hashes evidence with another key.
    """

    __slots__ = ("_engine", "_key", "_plan")

    _engine: str | None
    _key: bytes
    _plan: Plan

    def __init__(self, policy: PolicyLike = "balanced", *, engine: str | None = None) -> None:
        """Compile a policy.

        Args:
            policy: the name of a built-in policy, the path of a policy file, a `Policy`, or the keys of one.
            engine: "auto" or "rust"; None takes it from the environment variable `PROMPTWARD_ENGINE`.

        Raises:
            PolicyError: no such policy, or one that contradicts itself.
            RuleError: the engine refuses one of the policy's rules.
            EngineUnavailable: there is no such engine.
        """
        set_once = super().__setattr__
        set_once("_engine", engine)
        set_once("_key", os.urandom(16))
        # Resolved now: a later change of the environment must not change a firewall, nor hit what another one compiled.
        set_once("_plan", compile_plan(_policy(policy), load_engine(engine).info()["engine"]))

    def check(
        self, text: str | Messages, source: Source | str = "user", *, policy: PolicyLike | None = None
    ) -> Verdict:
        """Check a text or a list of messages.

        Args:
            text: a string, or OpenAI-style messages as mappings or as objects of an SDK.
            source: who wrote the string: user, system, document, tool or assistant. Messages have roles instead.
            policy: another policy for this call. It is compiled once; a `Policy` is the cheapest way to name it, as
                files are read again each time.

        Raises:
            InputError: not a text and not messages, or an unknown source.
            PolicyError: no such policy, or one that contradicts itself.
        """
        return self._run(self._job(text, source, policy))

    def check_output(self, text: str, *, policy: PolicyLike | None = None) -> Verdict:
        """Check what a model has said: `check` with the source "assistant"."""
        return self.check(text, Source.ASSISTANT, policy=policy)

    def check_many(
        self, texts: Iterable[str | Messages], source: Source | str = "user", *, policy: PolicyLike | None = None
    ) -> list[Verdict]:
        """Check many texts; the verdicts are those that `check` would give one by one, in the same order."""
        if isinstance(texts, (str, bytes)):
            raise InputError(f"expected texts, got a single {type(texts).__name__}: use check")
        resolved = None if policy is None else _policy(policy)
        return [self.check(text, source, policy=resolved) for text in texts]

    async def acheck(
        self, text: str | Messages, source: Source | str = "user", *, policy: PolicyLike | None = None
    ) -> Verdict:
        """Check as `check` does, without holding up the event loop.

        Up to 20,000 code points are checked in the loop itself, as that takes less time than handing them to a thread;
        longer texts are checked in a thread, where the engine works beside the loop.
        """
        job = self._job(text, source, policy)
        if sum(len(segment.text) for unit in job.units for segment in unit.segments) <= INLINE_CHARS:
            return self._run(job)
        import asyncio  # noqa: PLC0415 - dear to import, and loaded already wherever this runs

        return await asyncio.to_thread(self._run, job)

    @property
    def policy(self) -> Policy:
        """The policy that holds unless a call names another."""
        return self._plan.policy

    @property
    def rules(self) -> tuple[Rule, ...]:
        """All rules that the policy has switched on, at every level of paranoia."""
        return self._plan.rules

    def info(self) -> dict[str, str]:
        """What is at work: versions, the engine's build, and the digests of policy and rules."""
        engine = load_engine(self._plan.engine_name).info()
        return {
            "version": __version__,
            **{key if key == "engine" else f"engine_{key}": value for key, value in engine.items()},
            "policy": self.policy.name,
            "policy_digest": self._plan.policy_digest,
            "rules": str(len(self.rules)),
            "rules_digest": self._plan.rules_digest,
        }

    def _job(self, text: str | Messages, source: Source | str, policy: PolicyLike | None) -> _Job:
        started = perf_counter_ns()
        plan = self._plan if policy is None else compile_plan(_policy(policy), self._plan.engine_name)
        if not isinstance(source, str) or source not in plan.sources:
            given = repr(source) if isinstance(source, str) and source.isidentifier() else type(source).__name__
            raise InputError(f"source: expected one of {', '.join(plan.sources)}, got {given}")
        if isinstance(text, str):
            return _Job(plan, (Unit(source, (Segment("text", text),), ()),), None, started)
        conversation = read_messages(text)
        if source != Source.USER:
            raise InputError("source: holds for a str only; messages say by their roles who wrote them")
        return _Job(plan, conversation.units, conversation, started)

    def _run(self, job: _Job) -> Verdict:
        plan, units, conversation, started = job
        began = perf_counter_ns()
        inspections = [inspect_segments(plan.engine, unit.segments, plan.sources[unit.source]) for unit in units]
        inspected = perf_counter_ns()
        outcomes = [
            decide(
                unit.segments, inspection, plan.sources[unit.source], plan.rules, key=self._key, enforce=plan.enforce
            )
            for unit, inspection in zip(units, inspections, strict=True)
        ]
        actions = [outcome.action for outcome in outcomes]
        text: str | list[dict[str, object]]
        if conversation is None:
            text = outcomes[0].texts[0]
        else:
            unread = plan.unread_parts if plan.enforce else min(plan.unread_parts, Action.FLAG)
            text = write_messages(conversation, _changes(conversation, outcomes, unread))
            if conversation.unread:
                actions.append(unread)
        # Most texts are checked alone; comparing actions costs more than looking at the only one.
        action = actions[0] if len(actions) == 1 else max(actions, default=Action.ALLOW)
        findings = tuple([finding for outcome in outcomes for finding in outcome.findings])
        scores = _NO_SCORES.copy()
        for finding in findings:
            scores[finding.detector] = max(scores[finding.detector], finding.score)
        coverage = _coverage(conversation, units, inspections, outcomes)
        return Verdict.model_construct(
            schema_version=SCHEMA_VERSION,
            id=new_id(),
            action=action,
            allowed=action.allowed,
            text=text,
            scores=scores,
            findings=findings,
            coverage=coverage,
            policy_digest=plan.policy_digest,
            model_digests={},
            rules_digest=plan.rules_digest,
            engine=plan.engine_name,
            timings_us={"rules": (inspected - began) / 1000, "total": (perf_counter_ns() - started) / 1000},
        )

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError(f"a Firewall is immutable: build another one to change {name!r}")

    def __delattr__(self, name: str) -> None:
        raise AttributeError(f"a Firewall is immutable: {name!r} can't be deleted")

    def __reduce__(self) -> tuple[Callable[..., Firewall], tuple[Policy, str | None]]:
        return _unpickled, (self.policy, self._engine)

    def __repr__(self) -> str:
        return f"Firewall(policy={self.policy.name!r}, engine={self._plan.engine_name!r})"


def _unpickled(policy: Policy, engine: str | None) -> Firewall:
    return Firewall(policy, engine=engine)


@lru_cache(maxsize=1)
def default_firewall() -> Firewall:
    """The firewall that `promptward.firewall` is."""
    return Firewall()


def _policy(policy: PolicyLike) -> Policy:
    if isinstance(policy, Policy):
        return policy
    if isinstance(policy, (str, os.PathLike)):
        return Policy.load(policy)
    if isinstance(policy, Mapping):
        return Policy.from_dict(policy)
    raise PolicyError(f"policy: expected a name, a path, a Policy or a mapping, got {type(policy).__name__}")


def _changes(conversation: Conversation, outcomes: Sequence[Outcome], unread: Action) -> Iterator[tuple[Path, object]]:
    for unit, outcome in zip(conversation.units, outcomes, strict=True):
        for path, segment, text in zip(unit.paths, unit.segments, outcome.texts, strict=True):
            if text is not segment.text:
                yield path, text
    if not unread.allowed:
        for item in conversation.unread:
            yield item.path, {"type": "text", "text": withheld(unread)} if item.is_part else withheld(unread)


def _coverage(
    conversation: Conversation | None,
    units: Sequence[Unit],
    inspections: Sequence[Inspection],
    outcomes: Sequence[Outcome],
) -> Coverage:
    limits = {limit for inspection in inspections for limit in inspection.limits_hit}
    unread = {f"unread_part:{item.kind}" for item in conversation.unread} if conversation else set()
    failed = any(inspection.failed for inspection in inspections)
    return Coverage.model_construct(
        complete=not unread and all(outcome.complete for outcome in outcomes),
        parts=sum(len(unit.segments) for unit in units),
        chars_seen=sum(inspection.chars_seen for inspection in inspections),
        chars_total=sum(inspection.chars_total for inspection in inspections),
        detectors={"rules": "error" if failed else "ran" if units else "skipped"},
        limits_hit=tuple(sorted(limits | unread)),
    )
