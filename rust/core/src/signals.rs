//! Signals: what the engine computes rather than matches, by the names that rules bind to.

/// Something about a text that no pattern can say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Signal {
    UnicodeTags,
    VariationSelectors,
    ZeroWidthBinary,
    BidiOverride,
    InvisibleRun,
    CombiningFlood,
    Backspaces,
    AdversarialSuffix,
    EncodedText,
}

impl Signal {
    /// The names that a rule's `signal` may have.
    pub(crate) const NAMES: [(&'static str, Self); 9] = [
        ("unicode_tags", Self::UnicodeTags),
        ("variation_selectors", Self::VariationSelectors),
        ("zero_width_binary", Self::ZeroWidthBinary),
        ("bidi_override", Self::BidiOverride),
        ("invisible_run", Self::InvisibleRun),
        ("combining_flood", Self::CombiningFlood),
        ("backspaces", Self::Backspaces),
        ("adversarial_suffix", Self::AdversarialSuffix),
        ("encoded_text", Self::EncodedText),
    ];

    pub(crate) fn from_name(name: &str) -> Option<Self> {
        Self::NAMES.iter().find_map(|(known, signal)| (*known == name).then_some(*signal))
    }
}

/// Characters at the end of a text that are looked at for an adversarial suffix.
const TAIL: usize = 400;
/// Fewest joints of kinds that neither prose nor code has.
const MIN_JOINTS: usize = 6;

/// Whether a text ends in token salad, as gradient-based suffix attacks (GCG, arXiv 2307.15043) leave it; the byte where it begins.
///
/// Counts joints of characters that neither prose, markup nor code has: brackets closed that were never open, marks glued
/// between words of different case, escapes in the open.
pub(crate) fn adversarial_suffix(text: &str) -> Option<usize> {
    let mut from = text.len().saturating_sub(TAIL);
    while !text.is_char_boundary(from) {
        from += 1;
    }
    let tail = text.as_bytes().get(from..)?;
    if tail.len() < 40 || text.contains("```") || text.contains("://") {
        return None;
    }
    let mut joints = Vec::new();
    let words = tail.split(|b| b.is_ascii_whitespace()).filter(|w| !w.is_empty()).count();
    for (at, window) in tail.windows(3).enumerate() {
        let strange = match window {
            [b'.' | b')' | b']' | b'}', b'\\' | b']' | b'}' | b'(' | b'[' | b'{', c] => {
                c.is_ascii_whitespace() || c.is_ascii_alphabetic() || matches!(c, b'(' | b'{')
            }
            [b'\\', b'"' | b'\'' | b'!' | b'+' | b'(' | b'[', _] => true,
            [a, b'*', b'*'] | [b'*', b'*', a] => a.is_ascii_uppercase(),
            [b'"', b'!', b'-'] | [b'!', b'-', b'-'] => true,
            [a, b, c] => a.is_ascii_lowercase() && b.is_ascii_uppercase() && c.is_ascii_lowercase(),
            _ => false,
        };
        if strange {
            joints.push(from + at);
        }
    }
    let kinds: std::collections::HashSet<[u8; 2]> = joints
        .iter()
        .filter_map(|&at| text.as_bytes().get(at..at + 2))
        .map(|pair| [pair[0].to_ascii_lowercase() & 0xF8, pair[1] & 0xF8])
        .collect();
    let count = |byte: u8| tail.iter().filter(|b| **b == byte).count();
    let unbalanced: usize =
        [(b'(', b')'), (b'[', b']'), (b'{', b'}')].iter().map(|(a, b)| count(*a).abs_diff(count(*b))).sum();
    (joints.len() >= MIN_JOINTS && kinds.len() >= 4 && unbalanced >= 1 && joints.len() * 6 >= words)
        .then(|| joints.first().copied().unwrap_or(from))
}
