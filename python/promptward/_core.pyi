# The compiled engine: what crosses from Python into Rust, and back, is plain data.

from typing import final

# An immutable set of compiled rules; thread-safe.
@final
class Engine:
    # packs: (file name, TOML text) of each rule pack.
    # custom: JSON list of rules with the same fields as in a pack, and `define`; "" for none.
    # disabled: ids of rules that are left out.
    # limits: see `limits()`; what isn't named has its default.
    #
    # Raises promptward.errors.RuleError, which names the pack, the rule, what is wrong and what to do, and
    # promptward.errors.InputError for a limit that isn't in `limits()`.
    def __init__(
        self,
        packs: list[tuple[str, str]],
        custom: str,
        disabled: list[str],
        limits: dict[str, int],
    ) -> None: ...

    # Reads a text. Lone surrogates are read as U+FFFD, one for one, and reported as the limit "surrogates_replaced".
    #
    # Returns findings as (rule index, start, end, view), with half-open offsets in code points of `text` and the chain
    # of decodings under which the rule matched ("text", "base64>gzip>text"); code points read; code points in all;
    # names of the limits that were hit. Raises promptward.errors.InputError if an argument has the wrong type.
    def inspect(
        self, text: str, source: str, paranoia: int
    ) -> tuple[list[tuple[int, int, int, str]], int, int, list[str]]: ...

    # SHA-256, in hex, over all rules as loaded.
    @property
    def digest(self) -> str: ...

    # Compiles every pattern now instead of on first use. Returns the ids of rules with a pattern that is too large.
    def compile_all(self) -> list[str]: ...

    # The rules in index order, as a JSON list of objects.
    def rules(self) -> str: ...

# What was built: "engine", "version", "profile", "unicode".
def info() -> dict[str, str]: ...

# Names and default values of the limits. max_chars: code points of a text that are read. max_findings: findings per
# text. max_views: readings made of a text. max_decode_depth: nesting of encodings. max_decoded_bytes: size of all that
# is decoded from a text.
def limits() -> dict[str, int]: ...
