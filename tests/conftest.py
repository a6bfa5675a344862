"""A firewall with rules of its own for each detector, so that the tests here don't depend on the built-in packs."""

from __future__ import annotations

import os

import pytest
from hypothesis import settings

from promptward import Firewall
from promptward._types import CATEGORIES

WORDS = {
    "prompt_injection": "xyzzyinject",
    "jailbreak": "xyzzyjailbreak",
    "exfiltration": "xyzzyexfiltrate",
    "obfuscation": "xyzzyobfuscate",
}
RULES: list[dict[str, object]] = [
    {
        "id": f"own-{detector.replace('_', '-')}",
        "title": "A word that means harm",
        "detector": detector,
        "category": CATEGORIES[detector][0],
        "severity": "high",
        "paranoia": 1,
        "sources": ["user", "system", "document", "tool", "assistant"],
        "refs": ["LLM01:2025"],
        "patterns": [rf"\b{word}\b", rf"\b{word[:5]} {word[5:]}\b"],
    }
    for detector, word in WORDS.items()
]


# A shared machine may be slow; the time limit of a test is that of pytest-timeout.
# A run that decides whether a change lands must not depend on chance; all others look for new cases.
settings.register_profile("promptward", deadline=None, derandomize=bool(os.environ.get("CI")))
settings.load_profile("promptward")


@pytest.fixture(scope="session")
def words() -> dict[str, str]:
    """The word that each detector looks for."""
    return dict(WORDS)


@pytest.fixture
def own_rules() -> list[dict[str, object]]:
    """The rules of `firewall`, as a policy has them."""
    return [dict(rule) for rule in RULES]


@pytest.fixture(scope="session")
def firewall() -> Firewall:
    """The policy "balanced" with those rules."""
    return Firewall({"rules": RULES})


@pytest.fixture(scope="session")
def attack() -> str:
    """A text with one prompt injection, for `firewall`."""
    return f"Dear reader, {WORDS['prompt_injection']} and thank you."


@pytest.fixture(scope="session")
def harmless() -> str:
    return "Please summarise the minutes of Monday's meeting in three sentences."
