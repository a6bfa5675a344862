"""What a rule means, in words: made from the rule's own data, for `rules show` and for the help texts in SARIF."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from promptward import Rule

CATEGORIES = {
    "instruction_override": "Instructions that came before are to be dropped, so that the writer's take their place.",
    "system_prompt_extraction": "The model is asked for its system prompt, which shows an attacker what to get around.",
    "forged_turn": "Text that imitates the marks between turns, to pass for the system, the user or the model.",
    "fake_authority": "A claim to be someone whom the model should obey, which a text can't prove.",
    "encoded_payload": "Instructions that are encoded, and the model is to decode and follow them.",
    "payload_splitting": "Instructions in pieces that are harmless one by one, and the model is to put them together.",
    "embedded_instruction": "Text in a document or a tool's result that speaks to the model that reads it.",
    "tool_abuse": "Text that wants a tool to be used against the interest of the user.",
    "persona": "A role that is described as free of the model's rules.",
    "developer_mode": "A mode without rules that doesn't exist, so that the model behaves as if it did.",
    "refusal_suppression": "The model is forbidden to refuse, to warn or to apologise.",
    "answer_prefix": "The beginning of the answer is dictated, so that a refusal would not fit it.",
    "fiction_frame": "What would be refused is asked for as part of a story or a game.",
    "many_shot": "Made-up turns in which a model obeys, for this one to go on like that.",
    "adversarial_suffix": "Characters that an optimiser has found to push a model off its rules.",
    "pressure": "Threats, bribes or urgency that are meant to outweigh the model's rules.",
    "exfiltration_link": "A link or an image whose address carries data away as soon as it is loaded.",
    "exfiltration_request": "The model is asked to send what it knows to somebody else.",
    "invisible_text": "Characters that a reader doesn't see and a model reads.",
    "encoded_text": "Text in an encoding that a reader doesn't read and a model does.",
}
"""Why a find of each category matters."""

_OWASP = (
    "Prompt Injection",
    "Sensitive Information Disclosure",
    "Supply Chain",
    "Data and Model Poisoning",
    "Improper Output Handling",
    "Excessive Agency",
    "System Prompt Leakage",
    "Vector and Embedding Weaknesses",
    "Misinformation",
    "Unbounded Consumption",
)


def why(rule: Rule) -> str:
    """Why what a rule finds matters."""
    return CATEGORIES.get(rule.category, "")


def finds(rule: Rule) -> str:
    """What a rule looks for, and in which readings of a text."""
    if rule.signal is not None:
        return f"What the engine computes as the signal {rule.signal!r}."
    count = len(rule.patterns)
    patterns = "a pattern" if count == 1 else f"any of {count} patterns"
    readings = {
        "text": "in the text as a person reads it, and in what is decoded from it",
        "cased": "in the text with its capitals, and in what is decoded from it",
        "hidden": "only in what a person would not see or could not read",
    }
    return f"A match of {patterns}, {readings.get(rule.view, rule.view)}."


def conditions(rule: Rule) -> list[str]:
    """What else must hold for a match to count."""
    lines = []
    if rule.near:
        lines.append(f"within {rule.near.within} bytes, one of {len(rule.near.patterns)} context patterns matches")
    if rule.all_of:
        lines.append(f"each of {len(rule.all_of)} other patterns matches somewhere in the same reading")
    if rule.none_of:
        lines.append(
            f"none of {len(rule.none_of)} patterns of harmless context matches in the reading (at paranoia 1 only)"
        )
    if rule.not_near:
        lines.append(
            f"none of {len(rule.not_near.patterns)} patterns of harmless context matches within {rule.not_near.within} "
            "bytes (at paranoia 1 only)"
        )
    return lines


def reference(ref: str) -> tuple[str, str]:
    """What a reference is called, and its address; "" if it has none that we know."""
    if ref.startswith("LLM") and ref.endswith(":2025") and ref[3:5].isdigit() and 1 <= int(ref[3:5]) <= len(_OWASP):
        return f"OWASP LLM Top 10, {_OWASP[int(ref[3:5]) - 1]}", "https://genai.owasp.org/llm-top-10/"
    if ref.startswith("AML.T"):
        return "MITRE ATLAS", f"https://atlas.mitre.org/techniques/{ref}"
    if ref.startswith("CWE-") and ref[4:].isdigit():
        return "CWE", f"https://cwe.mitre.org/data/definitions/{ref[4:]}.html"
    return "", ""


def help_text(rule: Rule) -> str:
    """Everything above as plain text."""
    lines = [f"{rule.title}.", why(rule), finds(rule)]
    lines += [f"Condition: {line}." for line in conditions(rule)]
    if rule.match:
        lines.append(f"Example: {rule.match[0]}")
    if rule.no_match:
        lines.append(f"Not found: {rule.no_match[0]}")
    lines += [" ".join(filter(None, (ref, *reference(ref)))) for ref in rule.refs]
    return "\n".join(line for line in lines if line)
