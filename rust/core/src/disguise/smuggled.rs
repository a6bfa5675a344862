//! Text hidden in characters that show nothing: tags (ASCII at U+E0000), bytes in variation selectors, bits in zero-width
//! characters; and text that shows in another order or with parts deleted.

use std::ops::Range;

use crate::offsets::OffsetMap;

/// Fewest hidden characters that are a message rather than an accident.
const MIN_HIDDEN: usize = 4;

/// The flags that are spelled in tags (RGI_Emoji_Tag_Sequence).
const TAG_FLAGS: [&str; 3] = ["gbeng", "gbsct", "gbwls"];

/// Text in tag characters. Runs that visible text interrupts are one message all the same; the tags of flag emoji are not text.
pub(crate) fn tags(text: &str) -> Option<(String, Range<usize>)> {
    let (mut message, mut range): (String, Option<Range<usize>>) = (String::new(), None);
    let (mut run, mut run_range, mut flag, mut previous) = (String::new(), 0..0, false, ' ');
    for (at, c) in text.char_indices().chain([(text.len(), '\n')]) {
        if let Some(hidden) = (c as u32).checked_sub(0xE0000).filter(|code| *code < 0x80) {
            if run_range.is_empty() {
                (run_range, flag) = (at..at, previous == '\u{1F3F4}');
            }
            // U+E0001 begins and U+E007F ends a run; the other controls show nothing either way.
            run.extend(char::from_u32(hidden).filter(|c| !c.is_control() || *c == '\n'));
            run_range.end = at + c.len_utf8();
        } else if !run_range.is_empty() {
            if !(run.is_empty() || flag && TAG_FLAGS.contains(&run.as_str())) {
                message.push_str(&run);
                range = Some(range.map_or(run_range.clone(), |range| range.start..run_range.end));
            }
            run.clear();
            run_range = 0..0;
        }
        previous = c;
    }
    range.filter(|_| message.len() >= MIN_HIDDEN).map(|range| (message, range))
}

/// Bytes in variation selectors (1–16 are 0–15, 17–256 are 16–255), each run of more than one on its own.
pub(crate) fn variation_selectors(text: &str) -> Vec<(String, Range<usize>)> {
    let mut found = Vec::new();
    let (mut bytes, mut start): (Vec<u8>, usize) = (Vec::new(), 0);
    for (at, c) in text.char_indices().chain([(text.len(), '\n')]) {
        let byte = match c as u32 {
            code @ 0xFE00..=0xFE0F => code - 0xFE00,
            code @ 0xE0100..=0xE01EF => code - 0xE0100 + 16,
            _ => {
                if bytes.len() >= MIN_HIDDEN {
                    let readable = String::from_utf8(std::mem::take(&mut bytes)).or_else(|error| {
                        // Some encoders count from 32 up instead.
                        String::from_utf8(error.into_bytes().iter().map(|b| b.wrapping_add(16)).collect())
                    });
                    found.extend(
                        readable
                            .ok()
                            .filter(|t| t.chars().filter(|c| !c.is_control()).count() >= MIN_HIDDEN)
                            .map(|t| (t, start..at)),
                    );
                }
                bytes.clear();
                continue;
            }
        };
        if bytes.is_empty() {
            start = at;
        }
        bytes.push(byte as u8);
    }
    found
}

/// Bits in zero-width characters: runs of exactly two kinds, eight to the byte, either kind being the one.
pub(crate) fn zero_width(text: &str) -> Vec<(String, Range<usize>)> {
    let is_hidden = |c: char| matches!(c, '\u{200B}'..='\u{200F}' | '\u{2060}'..='\u{2064}' | '\u{FEFF}' | '\u{180E}' | '\u{034F}' | '\u{061C}');
    let mut found = Vec::new();
    let (mut run, mut start): (Vec<char>, usize) = (Vec::new(), 0);
    for (at, c) in text.char_indices().chain([(text.len(), '\n')]) {
        if is_hidden(c) {
            if run.is_empty() {
                start = at;
            }
            run.push(c);
            continue;
        }
        if run.len() >= MIN_HIDDEN * 7 {
            found.extend(bits(&run).map(|text| (text, start..at)));
        }
        run.clear();
    }
    found
}

fn bits(run: &[char]) -> Option<String> {
    // The rarest kind parts letters in some encoders; two kinds make the bits.
    let mut kinds: Vec<(char, usize)> = Vec::new();
    for &c in run {
        match kinds.iter_mut().find(|(kind, _)| *kind == c) {
            Some((_, count)) => *count += 1,
            None => kinds.push((c, 1)),
        }
    }
    kinds.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
    let (a, b) = (kinds.first()?.0, kinds.get(1)?.0);
    let digits: Vec<char> = run.iter().copied().filter(|c| *c == a || *c == b).collect();
    for (zero, width) in [(a, 8), (b, 8), (a, 7), (b, 7), (a, 16), (b, 16)] {
        if !digits.len().is_multiple_of(width) {
            continue;
        }
        let codes =
            digits.chunks(width).map(|bits| bits.iter().fold(0_u32, |value, bit| value << 1 | u32::from(*bit != zero)));
        let text: Option<String> = if width == 8 {
            String::from_utf8(codes.map(|c| c as u8).collect()).ok()
        } else {
            codes.map(char::from_u32).collect()
        };
        if let Some(text) = text.filter(|t| {
            t.chars().count() >= MIN_HIDDEN
                && t.chars().filter(|c| c.is_alphanumeric() || *c == ' ').count() * 10 >= t.chars().count() * 8
        }) {
            return Some(text);
        }
    }
    None
}

/// The text in the order in which it shows, where explicit bidirectional controls change that order (UAX #9).
///
/// The range is what shows from right to left.
pub(crate) fn bidi(text: &str) -> Option<(String, OffsetMap, Range<usize>)> {
    let is_control = |c: char| matches!(c, '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}');
    let (mut out, mut map) = (String::with_capacity(text.len()), OffsetMap::default());
    let mut changed: Option<Range<usize>> = None;
    let mut line_start = 0;
    for line in text.split_inclusive('\n') {
        let start = line_start;
        line_start += line.len();
        if !line.contains(is_control) {
            out.push_str(line);
            map.push_linear(line.len(), start);
            continue;
        }
        let info = unicode_bidi::BidiInfo::new(line, None);
        for paragraph in &info.paragraphs {
            let (levels, runs) = info.visual_runs(paragraph, paragraph.range.clone());
            for run in runs {
                let rtl = levels.get(run.start).is_some_and(unicode_bidi::Level::is_rtl);
                let chars: Vec<(usize, char)> =
                    line[run.clone()].char_indices().filter(|(_, c)| !is_control(*c)).collect();
                let mut push = |&(at, c): &(usize, char)| {
                    out.push(c);
                    map.push(c.len_utf8(), start + run.start + at..start + run.start + at + c.len_utf8());
                };
                if rtl {
                    if let (Some(first), Some(last)) = (chars.first(), chars.last())
                        && chars.iter().any(|(_, c)| c.is_ascii_alphanumeric())
                    {
                        let from = start + run.start;
                        let turned = from + first.0..from + last.0 + last.1.len_utf8();
                        changed =
                            Some(changed.map_or(turned.clone(), |c| c.start.min(turned.start)..c.end.max(turned.end)));
                    }
                    chars.iter().rev().for_each(&mut push);
                } else {
                    chars.iter().for_each(&mut push);
                }
            }
        }
    }
    changed.map(|range| (out, map, range))
}

/// The text as a terminal shows it: each backspace or delete takes the character before it away. The range holds all that is taken away.
pub(crate) fn backspaces(text: &str) -> Option<(String, OffsetMap, Range<usize>)> {
    let mut kept: Vec<(usize, char)> = Vec::with_capacity(text.len());
    let mut changed: Option<Range<usize>> = None;
    for (at, c) in text.char_indices() {
        if !matches!(c, '\u{8}' | '\u{7f}') {
            kept.push((at, c));
            continue;
        }
        let taken = kept.pop().map_or(at, |(taken, _)| taken);
        changed = Some(changed.map_or(taken, |c| c.start.min(taken))..at + 1);
    }
    let (mut out, mut map) = (String::with_capacity(text.len()), OffsetMap::default());
    for (at, c) in kept {
        out.push(c);
        map.push_linear(c.len_utf8(), at);
    }
    changed.map(|range| (out, map, range))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tag_characters() {
        let hidden: String = "ignore it".chars().filter_map(|c| char::from_u32(0xE0000 + c as u32)).collect();
        let found = tags(&format!("hi {hidden}!"));
        assert_eq!(found, Some(("ignore it".to_owned(), 3..3 + hidden.len())));
        assert!(tags("🏴\u{E0067}\u{E0062}\u{E0065}\u{E006E}\u{E0067}\u{E007F} won").is_none());
    }

    #[test]
    fn selector_bytes() {
        let encode = |byte: u8| {
            char::from_u32(if byte < 16 { 0xFE00 + u32::from(byte) } else { 0xE0100 + u32::from(byte) - 16 })
        };
        let hidden: String = "gehört ignoriert".bytes().filter_map(encode).collect();
        assert_eq!(variation_selectors(&format!("😀{hidden}")), [("gehört ignoriert".to_owned(), 4..4 + hidden.len())]);
        assert!(variation_selectors("❤\u{FE0F}❤\u{FE0F} ☎\u{FE0E}").is_empty());
    }

    #[test]
    fn zero_width_bits() {
        for (zero, one) in [('\u{200B}', '\u{200C}'), ('\u{200C}', '\u{200B}'), ('\u{2062}', '\u{2064}')] {
            let hidden: String = "obey"
                .bytes()
                .flat_map(|b| (0..8).rev().map(move |bit| if b >> bit & 1 == 1 { one } else { zero }))
                .collect();
            assert_eq!(zero_width(&format!("a{hidden}b")), [("obey".to_owned(), 1..1 + hidden.len())]);
        }
        assert!(zero_width("नमस्\u{200d}ते \u{200c}می\u{200c}خواهم").is_empty());
    }

    #[test]
    fn displayed_order() {
        let (shown, map, range) =
            bidi("say \u{202E}erongi\u{202C} now").unwrap_or((String::new(), OffsetMap::default(), 0..0));
        assert_eq!(shown, "say ignore now");
        assert_eq!((map.to_source(4..10), range), (7..13, 7..13));
        assert!(bidi("ordinary \u{2068}text\u{2069}").is_none());
    }

    #[test]
    fn deleted_characters() {
        let (shown, map, range) =
            backspaces("igX\u{8}noY\u{7f}re").unwrap_or((String::new(), OffsetMap::default(), 0..0));
        assert_eq!(shown, "ignore");
        assert_eq!((map.to_source(0..6), range), (0..10, 2..8));
    }
}
