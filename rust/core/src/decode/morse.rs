//! Morse code (ITU-R M.1677-1), with `.`, `-`, `_` and their Unicode variants, words parted by `/`, `|` or wide gaps.

use std::ops::Range;

use crate::census::{BLOCK, Census, has};

/// Fewest signs that make a text.
const MIN_SIGNS: usize = 8;

const SIGNS: [(&str, char); 48] = [
    (".-", 'a'),
    ("-...", 'b'),
    ("-.-.", 'c'),
    ("-..", 'd'),
    (".", 'e'),
    ("..-.", 'f'),
    ("--.", 'g'),
    ("....", 'h'),
    ("..", 'i'),
    (".---", 'j'),
    ("-.-", 'k'),
    (".-..", 'l'),
    ("--", 'm'),
    ("-.", 'n'),
    ("---", 'o'),
    (".--.", 'p'),
    ("--.-", 'q'),
    (".-.", 'r'),
    ("...", 's'),
    ("-", 't'),
    ("..-", 'u'),
    ("...-", 'v'),
    (".--", 'w'),
    ("-..-", 'x'),
    ("-.--", 'y'),
    ("--..", 'z'),
    ("-----", '0'),
    (".----", '1'),
    ("..---", '2'),
    ("...--", '3'),
    ("....-", '4'),
    (".....", '5'),
    ("-....", '6'),
    ("--...", '7'),
    ("---..", '8'),
    ("----.", '9'),
    (".-.-.-", '.'),
    ("--..--", ','),
    ("---...", ':'),
    ("..--..", '?'),
    (".----.", '\''),
    ("-....-", '-'),
    ("-..-.", '/'),
    ("-.--.", '('),
    ("-.--.-", ')'),
    (".-..-.", '"'),
    ("-...-", '='),
    ("-.-.--", '!'),
];

/// Finds stretches of Morse code and hands each to `found`.
pub(crate) fn morse(text: &str, census: &Census, mut found: impl FnMut(String, Range<usize>)) {
    let inside = |c: char| is_sign(c) || matches!(c, ' ' | '/' | '|' | '\n' | '\t' | '\r');
    let mut at = 0;
    for (index, _) in census.blocks.iter().enumerate().filter(|(_, f)| *f & (has::MORSE | has::ODD) != 0) {
        at = at.max(index.saturating_sub(1) * BLOCK);
        let end = ((index + 1) * BLOCK).min(text.len());
        while at < end {
            if !text.is_char_boundary(at) || !text[at..].starts_with(is_sign) {
                at += 1;
                continue;
            }
            let len = text[at..].find(|c| !inside(c)).unwrap_or(text.len() - at);
            if let Some(decoded) = decode(&text[at..at + len]) {
                found(decoded, at..at + len);
            }
            at += len;
        }
    }
}

fn is_sign(c: char) -> bool {
    matches!(c, '.' | '-' | '_' | '·' | '•' | '−' | '–' | '—')
}

fn decode(text: &str) -> Option<String> {
    let text = text
        .replace(['_', '−', '–', '—'], "-")
        .replace(['·', '•'], ".")
        .replace(['/', '|', '\n'], " / ")
        .replace("   ", " / ");
    let (mut out, mut signs, mut unknown) = (String::new(), 0, 0);
    for token in text.split_ascii_whitespace() {
        if token == "/" {
            if !out.ends_with(' ') && !out.is_empty() {
                out.push(' ');
            }
            continue;
        }
        signs += 1;
        match SIGNS.iter().find(|(sign, _)| *sign == token) {
            Some((_, letter)) => out.push(*letter),
            None => unknown += 1,
        }
    }
    let letters = out.bytes().filter(u8::is_ascii_lowercase).count();
    (signs >= MIN_SIGNS && unknown * 8 <= signs && letters * 4 >= signs * 3).then_some(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_and_gaps() {
        for (code, plain) in [
            (".. --. -. --- .-. . / .- .-.. .-.. / .. -", "ignore all it"),
            ("..  --.  -.  ---  .-.  .  .-  .-..  .-..", "ignoreall"),
            (".. --. -. --- .-. .   .- .-.. .-..", "ignore all"),
        ] {
            let mut all = Vec::new();
            morse(code, &Census::new(code.as_bytes()), |decoded, _| all.push(decoded));
            assert_eq!(all, [plain]);
        }
        assert_eq!(decode("-----------------------"), None);
        assert_eq!(decode("........................"), None);
    }
}
