//! Encodings: what decodes to readable text becomes a reading of its own.

mod blob;
mod caesar;
mod escapes;
mod morse;
mod numbers;

pub(crate) use blob::{Budget, blobs};
pub(crate) use caesar::caesar;
pub(crate) use escapes::escapes;
pub(crate) use morse::morse;
pub(crate) use numbers::numbers;

/// Fewest characters of a decoded text that are worth reading: shorter ones are words by chance.
const MIN_TEXT: usize = 6;
/// Characters of a candidate that are looked at to tell whether it reads as text.
const SAMPLE: usize = 256;

/// Whether a decoded text reads as text: printable, and mostly letters and blanks.
pub(crate) fn reads_as_text(text: &str) -> bool {
    let (mut all, mut letters, mut odd) = (0_usize, 0_usize, 0_usize);
    for c in text.chars().take(SAMPLE) {
        all += 1;
        if c.is_alphabetic() || c == ' ' {
            letters += 1;
        } else if (c.is_control() && !matches!(c, '\n' | '\r' | '\t'))
            || matches!(c, '\u{FFFD}' | '\u{E000}'..='\u{F8FF}')
        {
            odd += 1;
        }
    }
    all >= MIN_TEXT && odd * 20 <= all && letters * 10 >= all * 6
}

/// Whether decoded bytes are worth another look: readable, or one more encoding that is (base64 in base64).
pub(crate) fn is_readable(text: &str) -> bool {
    reads_as_text(text) || is_encoded(text)
}

/// Whether the text is nothing but one more encoded blob.
fn is_encoded(text: &str) -> bool {
    let text = text.trim();
    text.len() >= 16 && text.bytes().all(|b| b.is_ascii_graphic() || b.is_ascii_whitespace()) && {
        let odd = text
            .bytes()
            .filter(|b| {
                !(b.is_ascii_alphanumeric()
                    || matches!(
                        b,
                        b'+' | b'/' | b'-' | b'_' | b'=' | b'%' | b' ' | b'\\' | b'&' | b';' | b'#' | b',' | b'\n'
                    ))
            })
            .count();
        odd * 5 <= text.len()
    }
}
