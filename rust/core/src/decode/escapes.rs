//! Escapes that stand inside running text: percent, HTML entities, backslash escapes, quoted-printable. One pass undoes them all.

use crate::offsets::OffsetMap;
use crate::splice::Splice;
use crate::views::Kind;

/// Fewest sequences of a kind that make the text worth reading again.
const MIN_SEQUENCES: usize = 1;

/// The text with its escape sequences replaced by what they stand for, and the commonest kind; `None` if there are too few.
pub(crate) fn escapes(text: &str) -> Option<(String, OffsetMap, Kind)> {
    let bytes = text.as_bytes();
    let mut splice = Splice::new(text);
    let mut counts = [0_usize; 4];
    let mut at = 0;
    while let Some(found) = bytes[at..].iter().position(|b| matches!(b, b'%' | b'&' | b'\\' | b'=')) {
        let start = at + found;
        let Some((decoded, len, kind)) = sequence(&bytes[start..]) else {
            at = start + 1;
            continue;
        };
        splice.replace(start..start + len, &decoded);
        // A soft line break counts only where it breaks a word: every padded blob ends like one.
        let word = |at: Option<usize>| at.and_then(|at| bytes.get(at)).is_some_and(u8::is_ascii_lowercase);
        let inside_word = word(start.checked_sub(1)) && word(Some(start + len));
        counts[kind] += usize::from(!decoded.is_empty() || inside_word);
        at = start + len;
    }
    let kinds = [Kind::Percent, Kind::HtmlEntities, Kind::Backslash, Kind::QuotedPrintable];
    let (best, &most) = counts.iter().enumerate().max_by_key(|(_, count)| **count)?;
    if most < MIN_SEQUENCES {
        return None;
    }
    let (text, map) = splice.finish();
    Some((text, map, kinds[best]))
}

fn hex(digits: &[u8]) -> Option<u32> {
    digits.iter().try_fold(0_u32, |value, &digit| value.checked_mul(16)?.checked_add(char::from(digit).to_digit(16)?))
}

fn utf8(code: u32) -> Option<Vec<u8>> {
    char::from_u32(code).filter(|c| *c != '\0').map(|c| c.to_string().into_bytes())
}

/// The escape sequence at the start of `bytes`: what it stands for, its length, and its kind.
fn sequence(bytes: &[u8]) -> Option<(Vec<u8>, usize, usize)> {
    match bytes {
        [b'%', b'u' | b'U', rest @ ..] if rest.len() >= 4 => Some((utf8(hex(&rest[..4])?)?, 6, 0)),
        [b'%', a, b, ..] => Some((vec![hex(&[*a, *b])? as u8], 3, 0)),
        [b'=', b'\r', b'\n', ..] => Some((Vec::new(), 3, 3)),
        [b'=', b'\n', ..] => Some((Vec::new(), 2, 3)),
        [b'=', a, b, ..] if !a.is_ascii_lowercase() && !b.is_ascii_lowercase() => {
            Some((vec![hex(&[*a, *b])? as u8], 3, 3))
        }
        [b'&', rest @ ..] => entity(rest).map(|(text, len)| (text, len + 1, 1)),
        [b'\\', rest @ ..] => backslash(rest).map(|(text, len)| (text, len + 1, 2)),
        _ => None,
    }
}

fn entity(rest: &[u8]) -> Option<(Vec<u8>, usize)> {
    if let [b'#', digits @ ..] = rest {
        let (radix, skip) = if matches!(digits.first(), Some(b'x' | b'X')) { (16, 1) } else { (10, 0) };
        let digits = &digits[skip..];
        let len = digits.iter().take(8).take_while(|b| char::from(**b).is_digit(radix)).count();
        let code = u32::from_str_radix(std::str::from_utf8(&digits[..len]).ok()?, radix).ok()?;
        let end = usize::from(digits.get(len) == Some(&b';'));
        return Some((utf8(code)?, 1 + skip + len + end));
    }
    const NAMED: [(&str, &str); 16] = [
        ("lt;", "<"),
        ("gt;", ">"),
        ("amp;", "&"),
        ("quot;", "\""),
        ("apos;", "'"),
        ("nbsp;", " "),
        ("colon;", ":"),
        ("comma;", ","),
        ("period;", "."),
        ("excl;", "!"),
        ("lpar;", "("),
        ("rpar;", ")"),
        ("Tab;", "\t"),
        ("NewLine;", "\n"),
        ("shy;", ""),
        ("zwnj;", ""),
    ];
    NAMED
        .iter()
        .find(|(name, _)| rest.starts_with(name.as_bytes()))
        .map(|(name, text)| (text.as_bytes().to_vec(), name.len()))
}

fn backslash(rest: &[u8]) -> Option<(Vec<u8>, usize)> {
    match rest {
        // What JSON and source code write for white space and quotes.
        [b'n' | b'r', ..] => Some((b"\n".to_vec(), 1)),
        [b't', ..] => Some((b" ".to_vec(), 1)),
        [quote @ (b'"' | b'\'' | b'/'), ..] => Some((vec![*quote], 1)),
        [b'x', a, b, ..] => Some((utf8(hex(&[*a, *b])?)?, 3)),
        [b'u', b'{', digits @ ..] => {
            let len = digits.iter().take(6).take_while(|b| b.is_ascii_hexdigit()).count();
            (digits.get(len) == Some(&b'}')).then_some(())?;
            Some((utf8(hex(&digits[..len])?)?, len + 3))
        }
        [b'u', digits @ ..] if digits.len() >= 4 => {
            let code = hex(&digits[..4])?;
            // A pair of surrogates is one character.
            if let (0xD800..=0xDBFF, [b'\\', b'u', low @ ..]) = (code, &digits[4..])
                && let Some(low @ 0xDC00..=0xDFFF) = low.get(..4).and_then(hex)
            {
                return Some((utf8(0x1_0000 + ((code - 0xD800) << 10) + (low - 0xDC00))?, 11));
            }
            Some((utf8(code)?, 5))
        }
        [b'U', digits @ ..] if digits.len() >= 8 => Some((utf8(hex(&digits[..8])?)?, 9)),
        [a @ b'0'..=b'3', b @ b'0'..=b'7', c @ b'0'..=b'7', ..] => {
            Some((utf8(u32::from(a - b'0') * 64 + u32::from(b - b'0') * 8 + u32::from(c - b'0'))?, 3))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_is_undone() {
        for (text, plain, kind) in [
            ("%69%67nore", "ignore", Kind::Percent),
            ("%u0069%u0067nore", "ignore", Kind::Percent),
            ("&#105;&#x67;nore", "ignore", Kind::HtmlEntities),
            ("\\u0069\\x67nore \\u{1F600}", "ignore 😀", Kind::Backslash),
            ("\\ud83d\\ude00 \\151gnore", "😀 ignore", Kind::Backslash),
            ("=69=67n=\nore", "ignore", Kind::QuotedPrintable),
            ("%C3%A9t%C3%A9", "été", Kind::Percent),
        ] {
            let (decoded, map, found) = escapes(text).unwrap_or_default();
            assert_eq!((decoded.as_str(), found), (plain, kind), "{text}");
            assert_eq!(map.view_len(), decoded.len());
        }
        assert!(escapes("50 % of a&b \\ = 3").is_none());
    }

    #[test]
    fn bad_bytes_keep_their_places() {
        let (decoded, map, _) = escapes("%ff%feab%69").unwrap_or_default();
        assert_eq!(decoded, "  abi");
        assert_eq!(map.to_source(2..4), 6..8);
    }
}
