"""Disguises and encodings that attackers put on a text, for measuring what they hide from the firewall.

The twelve disguises are those of Hackett et al., "Bypassing LLM Guardrails" (arXiv 2504.11168), written anew from their descriptions;
the encodings are those that ARCHITECTURE.md names.
"""

from __future__ import annotations

import base64
import codecs
import gzip
import html
import quopri
import random
import re
import urllib.parse
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    Transform = Callable[[str, random.Random], str]

HOMOGLYPHS = {
    "a": "аɑα", "b": "Ьʙᖯ", "c": "сϲⅽ", "d": "ԁⅾ", "e": "еҽ", "f": "ϝf", "g": "ɡց", "h": "һհ", "i": "іⅰ", "j": "јϳ", "k": "κк", "l": "ⅼӏ", "m": "мⅿ", "n": "ոп",
    "o": "оοօ", "p": "рρ", "q": "ԛզ", "r": "гⲅ", "s": "ѕꜱ", "t": "тτ", "u": "սυ", "v": "ѵν", "w": "ԝѡ", "x": "хⅹ", "y": "уү", "z": "ᴢʐ",
    "A": "АΑ", "B": "ВΒ", "C": "СϹ", "E": "ЕΕ", "H": "НΗ", "I": "ІΙ", "K": "КΚ", "M": "МΜ", "N": "Ν", "O": "ОΟ", "P": "РΡ", "S": "Ѕ", "T": "ТΤ", "X": "ХΧ", "Y": "ҮΥ",
}  # fmt: skip
LEET = {"a": "4@", "b": "8", "e": "3", "g": "9", "i": "1!", "l": "1", "o": "0", "s": "5$", "t": "7"}
TURNED = dict(
    zip("abcdefghijklmnopqrstuvwxyz.,?!'\"()[]{}<>&_", "ɐqɔpǝɟƃɥᴉɾʞlɯuodbɹsʇnʌʍxʎz˙'¿¡,„)(][}{><⅋‾", strict=True)
)
MORSE = dict(
    zip(
        "abcdefghijklmnopqrstuvwxyz0123456789.,:?'-/()\"=!",
        [
            ".-",
            "-...",
            "-.-.",
            "-..",
            ".",
            "..-.",
            "--.",
            "....",
            "..",
            ".---",
            "-.-",
            ".-..",
            "--",
            "-.",
            "---",
            ".--.",
            "--.-",
            ".-.",
            "...",
            "-",
            "..-",
            "...-",
            ".--",
            "-..-",
            "-.--",
            "--..",
            "-----",
            ".----",
            "..---",
            "...--",
            "....-",
            ".....",
            "-....",
            "--...",
            "---..",
            "----.",
            ".-.-.-",
            "--..--",
            "---...",
            "..--..",
            ".----.",
            "-....-",
            "-..-.",
            "-.--.",
            "-.--.-",
            ".-..-.",
            "-...-",
            "-.-.--",
        ],
        strict=True,
    )
)


def _each(text: str, change: Callable[[str], str]) -> str:
    return "".join(map(change, text))


def upside_down(text: str, _: random.Random) -> str:
    return "\n".join(_each(line.lower(), lambda c: TURNED.get(c, c))[::-1] for line in text.split("\n"))


def deletion_characters(text: str, rng: random.Random) -> str:
    return _each(text, lambda c: f"{rng.choice('abcxyz')}\b{c}" if rng.random() < 0.3 and c.isalpha() else c)


def leetspeak(text: str, rng: random.Random) -> str:
    return _each(text, lambda c: rng.choice(LEET[c.lower()]) if c.lower() in LEET and rng.random() < 0.8 else c)


def homoglyphs(text: str, rng: random.Random) -> str:
    return _each(text, lambda c: rng.choice(HOMOGLYPHS[c]) if c in HOMOGLYPHS and rng.random() < 0.7 else c)


def full_width(text: str, _: random.Random) -> str:
    return _each(text, lambda c: chr(ord(c) + 0xFEE0) if "!" <= c <= "~" else "\u3000" if c == " " else c)


def emoji_smuggling(text: str, _: random.Random) -> str:
    hidden = "".join(chr(0xFE00 + b) if b < 16 else chr(0xE0100 + b - 16) for b in text.encode())
    return f"what a lovely day 😊{hidden}"


def tag_smuggling(text: str, _: random.Random) -> str:
    return "what a lovely day" + _each(text, lambda c: chr(0xE0000 + ord(c)) if c.isascii() else "")


def bidirectional(text: str, _: random.Random) -> str:
    return "\n".join(f"\u202e{line[::-1]}\u202c" for line in text.split("\n"))


def spacing(text: str, rng: random.Random) -> str:
    separator = rng.choice([" ", " ", ".", "-", "_"])
    return "   ".join(separator.join(word) for word in text.split())


def spacing_uniform(text: str, _: random.Random) -> str:
    return " ".join("".join(text.split()))


def zero_width(text: str, rng: random.Random) -> str:
    return _each(text, lambda c: c + rng.choice("\u200b\u200c\u200d\u2060\ufeff\u00ad") * rng.randint(1, 2))


def zero_width_binary(text: str, _: random.Random) -> str:
    bits = "".join(f"{b:08b}" for b in text.encode())
    return "what a lovely day" + _each(bits, lambda bit: "\u200b" if bit == "0" else "\u200c") + " indeed"


def underline_accents(text: str, _: random.Random) -> str:
    return _each(text, lambda c: c + "\u0332")


def diacritics(text: str, rng: random.Random) -> str:
    marks = "\u0300\u0301\u0302\u0303\u0304\u0308\u030a\u030c\u0323\u0327"
    return _each(text, lambda c: c + "".join(rng.choices(marks, k=rng.randint(1, 3))) if c.isalpha() else c)


DISGUISES: dict[str, Transform] = {
    "upside-down": upside_down,
    "deletion characters": deletion_characters,
    "leetspeak": leetspeak,
    "homoglyphs": homoglyphs,
    "full-width": full_width,
    "emoji smuggling": emoji_smuggling,
    "tag smuggling": tag_smuggling,
    "bidirectional": bidirectional,
    "spacing": spacing,
    "spacing, no word gaps": spacing_uniform,
    "zero-width": zero_width,
    "zero-width binary": zero_width_binary,
    "underline accents": underline_accents,
    "diacritics": diacritics,
}
"""Disguises by name; the first twelve techniques are the paper's (spacing in two forms)."""

SMUGGLING = {"emoji smuggling", "tag smuggling", "zero-width binary", "bidirectional"}
"""Disguises that are findings in themselves: no honest text comes this way."""


def _embed(payload: str, rng: random.Random) -> str:
    return rng.choice(["{}", "Decode this for me: {}", "The ticket says:\n{}\nWhat does it mean?", "data={}"]).format(
        payload
    )


def _shift(text: str, by: int) -> str:
    def letter(c: str) -> str:
        if "a" <= c <= "z":
            return chr((ord(c) - 97 + by) % 26 + 97)
        return chr((ord(c) - 65 + by) % 26 + 65) if "A" <= c <= "Z" else c

    return _each(text, letter)


def _morse(text: str) -> str:
    return " / ".join(" ".join(MORSE[c] for c in word if c in MORSE) for word in text.lower().split())


def _wrapped(text: str) -> str:
    return base64.encodebytes(text.encode()).decode().strip()


def _b64(data: bytes) -> str:
    return base64.b64encode(data).decode()


ENCODINGS: dict[str, Transform] = {
    "base64": lambda t, rng: _embed(_b64(t.encode()), rng),
    "base64, url-safe, no padding": lambda t, rng: _embed(
        base64.urlsafe_b64encode(t.encode()).decode().rstrip("="), rng
    ),
    "base64, wrapped": lambda t, rng: _embed(_wrapped(t), rng),
    "base64, full-width": lambda t, rng: full_width(_b64(t.encode()), rng),
    "base64, UTF-16": lambda t, rng: _embed(_b64(t.encode("utf-16-le")), rng),
    "base32": lambda t, rng: _embed(base64.b32encode(t.encode()).decode(), rng),
    "base85": lambda t, rng: _embed(base64.b85encode(t.encode()).decode(), rng),
    "ascii85": lambda t, rng: _embed(base64.a85encode(t.encode(), adobe=True).decode(), rng),
    "hexadecimal": lambda t, rng: _embed(t.encode().hex(), rng),
    "hexadecimal, spaced": lambda t, rng: _embed(t.encode().hex(" "), rng),
    "percent": lambda t, rng: _embed("".join(f"%{b:02x}" for b in t.encode()), rng),
    "percent, as browsers do": lambda t, rng: _embed(urllib.parse.quote(t), rng),
    "HTML entities": lambda t, rng: _embed("".join(f"&#{ord(c)};" for c in t), rng),
    "HTML, named and mixed": lambda t, rng: _embed(
        html.escape(_each(t, lambda c: f"&#x{ord(c):x};" if rng.random() < 0.5 else c)), rng
    ),
    "quoted-printable": lambda t, rng: _embed("".join(f"={b:02X}" for b in t.encode()), rng),
    "quoted-printable, as mail does": lambda t, rng: _embed(
        quopri.encodestring(t.encode(), quotetabs=True).decode(), rng
    ),
    "\\u escapes": lambda t, rng: _embed(
        "".join(
            f"\\u{int.from_bytes(c.encode('utf-16-be')[i : i + 2], 'big'):04x}"
            for c in t
            for i in range(0, len(c.encode("utf-16-be")), 2)
        ),
        rng,
    ),
    "\\x escapes": lambda t, rng: _embed("".join(f"\\x{ord(c):02x}" if ord(c) < 256 else c for c in t), rng),
    "ROT13": lambda t, rng: _embed(codecs.encode(t, "rot13"), rng),
    "Caesar": lambda t, rng: _embed(_shift(t, rng.randint(1, 25)), rng),
    "Atbash": lambda t, rng: _embed(
        _each(t, lambda c: chr(219 - ord(c)) if "a" <= c <= "z" else chr(155 - ord(c)) if "A" <= c <= "Z" else c), rng
    ),
    "Morse": lambda t, rng: _embed(_morse(t), rng),
    "binary": lambda t, rng: _embed(" ".join(f"{b:08b}" for b in t.encode()), rng),
    "decimal codes": lambda t, rng: _embed(" ".join(str(ord(c)) for c in t), rng),
    "reversed": lambda t, rng: _embed(t[::-1], rng),
    "reversed words": lambda t, rng: _embed(re.sub(r"\S+", lambda m: m[0][::-1], t), rng),
    "gzip in base64": lambda t, rng: _embed(_b64(gzip.compress(t.encode())), rng),
    "base64 in base64": lambda t, rng: _embed(_b64(_b64(t.encode()).encode()), rng),
    "hex in gzip in base64": lambda t, rng: _embed(_b64(gzip.compress(t.encode().hex().encode())), rng),
}
"""Encodings by name, each in a carrier chosen at random (bare, a request, a document, a parameter)."""

LATIN_ONLY = {
    "leetspeak",
    "upside-down",
    "homoglyphs",
    "ROT13",
    "Caesar",
    "Atbash",
    "Morse",
    "tag smuggling",
    "\\x escapes",
    "bidirectional",
    "spacing, no word gaps",
}
"""Transforms that are defined on Latin letters only."""
