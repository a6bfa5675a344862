//! Character codes written as numbers: binary, octal, decimal and hexadecimal, separated or not.

use std::ops::Range;

use super::reads_as_text;
use crate::census::{BLOCK, Census, has};
use crate::views::Kind;

/// Fewest codes that make a text.
const MIN_CODES: usize = 8;

/// Finds runs of character codes and hands each that reads as text to `found`.
pub(crate) fn numbers(text: &str, census: &Census, mut found: impl FnMut(String, Kind, Range<usize>)) {
    let bytes = text.as_bytes();
    let mut at = 0;
    for (index, _) in census.blocks.iter().enumerate().filter(|(_, f)| *f & has::NUMBERS != 0) {
        // A run may begin in the block before, which holds too little of it to be marked.
        at = at.max(index.saturating_sub(1) * BLOCK);
        let end = ((index + 1) * BLOCK).min(bytes.len());
        while at < end {
            if !bytes[at].is_ascii_hexdigit() || at > 0 && bytes[at - 1].is_ascii_alphanumeric() {
                at += 1;
                continue;
            }
            let (tokens, stop) = run(bytes, at);
            // A word in front of the codes can pass for one of them (`add: 97 98`): then the longest uniform stretch is read.
            let uniform = |test: &dyn Fn(&Range<usize>) -> bool| {
                tokens.split(|t| !test(t)).max_by_key(|stretch| stretch.len()).unwrap_or_default()
            };
            let stretches = [
                &tokens[..],
                uniform(&|t| bytes[t.clone()].iter().all(u8::is_ascii_digit)),
                uniform(&|t| t.len() == 2),
            ];
            for stretch in stretches {
                let (Some(first), Some(last)) = (stretch.first(), stretch.last()) else { continue };
                if stretch.len() < MIN_CODES && stretch.iter().all(|t| t.len() < MIN_CODES * 7) {
                    continue;
                }
                if let Some((decoded, kind)) = decode(bytes, stretch) {
                    // A prefix such as `0x` belongs to the first code.
                    let start = if first.start == tokens[0].start { at } else { first.start };
                    found(decoded, kind, start..last.end);
                    break;
                }
            }
            at = stop.max(at + 1);
        }
    }
}

fn is_separator(byte: u8) -> bool {
    matches!(
        byte,
        b' ' | b'\n'
            | b'\t'
            | b'\r'
            | b','
            | b';'
            | b':'
            | b'-'
            | b'/'
            | b'|'
            | b'.'
            | b'_'
            | b'['
            | b']'
            | b'"'
            | b'\''
    )
}

/// The tokens of hexadecimal digits from `from` on, as long as at most two separators part them. A prefix `0x`, `0b`, `\x` or `U+` is left out.
fn run(bytes: &[u8], from: usize) -> (Vec<Range<usize>>, usize) {
    let mut tokens = Vec::new();
    let (mut at, mut stop) = (from, from);
    loop {
        if matches!(bytes.get(at..at + 2), Some(b"0x" | b"0X" | b"0b" | b"0o" | b"U+" | b"u+" | b"\\x")) {
            at += 2;
        }
        let len = bytes[at..].iter().take_while(|b| b.is_ascii_hexdigit()).count();
        if len == 0 || bytes.get(at + len).is_some_and(|b| b.is_ascii_alphabetic()) {
            return (tokens, stop);
        }
        tokens.push(at..at + len);
        stop = at + len;
        let gap = bytes[stop..].iter().take(3).take_while(|b| is_separator(**b)).count();
        if gap == 0 || gap > 2 {
            return (tokens, stop);
        }
        at = stop + gap;
    }
}

fn decode(bytes: &[u8], tokens: &[Range<usize>]) -> Option<(String, Kind)> {
    let digits = |range: &Range<usize>| std::str::from_utf8(bytes.get(range.clone())?).ok();
    let joined: String = tokens.iter().filter_map(&digits).collect();
    if joined.bytes().all(|b| matches!(b, b'0' | b'1')) {
        // Whole bytes, or seven bits each, however they are grouped.
        for width in [8, 7] {
            let uniform = tokens.iter().all(|t| t.len() == tokens[0].len());
            if joined.len().is_multiple_of(width)
                && (tokens.len() == 1
                    || !uniform
                    || tokens[0].len().is_multiple_of(width)
                    || width % tokens[0].len() == 0)
            {
                let codes: Vec<u8> = joined
                    .as_bytes()
                    .chunks(width)
                    .filter_map(|bits| u8::from_str_radix(std::str::from_utf8(bits).ok()?, 2).ok())
                    .collect();
                if let Some(text) = String::from_utf8(codes).ok().filter(|t| reads_as_text(t)) {
                    return Some((text, Kind::Binary));
                }
            }
        }
        return None;
    }
    if tokens.len() < MIN_CODES {
        return None;
    }
    let parse =
        |radix: u32| tokens.iter().map(|t| u32::from_str_radix(digits(t)?, radix).ok()).collect::<Option<Vec<u32>>>();
    let text = |codes: Vec<u32>| {
        codes
            .into_iter()
            .map(|code| char::from_u32(code).filter(|c| *c >= ' ' || *c == '\n'))
            .collect::<Option<String>>()
            .filter(|t| reads_as_text(t))
    };
    let longest = tokens.iter().map(ExactSizeIterator::len).max().unwrap_or(0);
    if longest <= 6
        && let Some(text) = parse(10).filter(|codes| codes.iter().all(|c| *c >= 10)).and_then(text)
    {
        return Some((text, Kind::CharCodes));
    }
    if tokens.iter().all(|t| t.len() == 3)
        && let Some(text) = parse(8).and_then(text)
    {
        return Some((text, Kind::CharCodes));
    }
    if tokens.iter().all(|t| t.len() == 2 || t.len() == 4) {
        let codes = parse(16)?;
        let bytes: Option<Vec<u8>> = codes.iter().map(|c| u8::try_from(*c).ok()).collect();
        let decoded =
            bytes.and_then(|bytes| String::from_utf8(bytes).ok()).filter(|t| reads_as_text(t)).or_else(|| text(codes));
        return decoded.map(|text| (text, Kind::Hex));
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_of_every_radix() {
        let plain = "ignore all of it";
        let coded =
            |f: &dyn Fn(u8) -> String, separator: &str| plain.bytes().map(f).collect::<Vec<_>>().join(separator);
        let cases = [
            (coded(&|b| format!("{b:08b}"), " "), Kind::Binary),
            (coded(&|b| format!("{b:08b}"), ""), Kind::Binary),
            (coded(&|b| format!("{b:07b}"), " "), Kind::Binary),
            (coded(&|b| b.to_string(), " "), Kind::CharCodes),
            (coded(&|b| b.to_string(), ", "), Kind::CharCodes),
            (coded(&|b| format!("{b:03o}"), " "), Kind::CharCodes),
            (coded(&|b| format!("{b:02x}"), " "), Kind::Hex),
            (coded(&|b| format!("0x{b:02x}"), ", "), Kind::Hex),
            (coded(&|b| format!("{b:02X}"), ":"), Kind::Hex),
        ];
        for (text, kind) in cases {
            let text = format!("read this please: {text} and then answer");
            let mut all = Vec::new();
            numbers(&text, &Census::new(text.as_bytes()), |decoded, kind, _| all.push((decoded, kind)));
            assert_eq!(all, [(plain.to_owned(), kind)], "{text}");
        }
    }
}
