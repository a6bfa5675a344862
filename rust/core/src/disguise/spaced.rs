//! Words with their letters set apart: `i g n o r e`, `i.g.n.o.r.e`, `i-g-n-o-r-e`. The vocabulary of the rules tells where words end.

use std::ops::Range;

use crate::census::{BLOCK, Census, has};
use crate::offsets::OffsetMap;
use crate::rules::Vocabulary;

/// Fewest single letters in a row that are a word set apart.
const MIN_LETTERS: usize = 5;
/// Most characters between two letters of a run.
const MAX_GAP: usize = 8;

/// What stands between two letters of a run.
#[derive(Clone, Copy, Default)]
struct Gap {
    blanks: usize,
    /// A mark that is not the run's separator, and where it stands.
    mark: Option<(usize, char)>,
}

/// A run of single letters and the gap in front of each.
struct Run {
    letters: Vec<(usize, char)>,
    gaps: Vec<Gap>,
    separator: char,
    range: Range<usize>,
}

/// The text with spaced-out words closed up; `None` if there are none.
pub(crate) fn spaced(text: &str, census: &Census, vocabulary: &Vocabulary) -> Option<(String, OffsetMap)> {
    let mut runs = Vec::new();
    let mut done = 0;
    for (index, _) in census.blocks.iter().enumerate().filter(|(_, f)| *f & (has::SPACED | has::ODD) != 0) {
        let mut at = (index.saturating_sub(1) * BLOCK).max(done);
        let end = ((index + 1) * BLOCK).min(text.len());
        while at < end {
            if !text.is_char_boundary(at) {
                at += 1;
                continue;
            }
            match run(text, at) {
                Ok(run) => {
                    at = run.range.end;
                    runs.push(run);
                }
                Err(next) => at = next,
            }
            done = at;
        }
    }
    if runs.is_empty() {
        return None;
    }
    let (mut out, mut map, mut plain) = (String::with_capacity(text.len()), OffsetMap::default(), 0);
    for run in runs {
        out.push_str(&text[plain..run.range.start]);
        map.push_linear(run.range.start - plain, plain);
        plain = run.range.end;
        close_up(&run, vocabulary, &mut out, &mut map);
    }
    out.push_str(&text[plain..]);
    map.push_linear(text.len() - plain, plain);
    Some((out, map))
}

/// The run of single letters that begins at `at`, or where to look next.
fn run(text: &str, at: usize) -> Result<Run, usize> {
    let mut chars = text[at..].char_indices().peekable();
    let Some((_, first)) = chars.next() else { return Err(at + 1) };
    let next = at + first.len_utf8();
    let is_letter = |c: char| c.is_alphanumeric() || matches!(c, '@' | '$');
    if !is_letter(first) || text[..at].chars().next_back().is_some_and(is_letter) {
        return Err(next);
    }
    let mut run = Run { letters: vec![(at, first)], gaps: vec![Gap::default()], separator: ' ', range: at..next };
    loop {
        let (mut gap, mut width) = (Gap::default(), 0);
        while let Some((offset, c)) = chars.next_if(|(_, c)| width <= MAX_GAP && !is_letter(*c)) {
            width += 1;
            if run.letters.len() == 1 && width == 1 {
                run.separator = c;
            }
            gap.blanks += usize::from(c.is_whitespace());
            if !c.is_whitespace() && c != run.separator {
                gap.mark = Some((at + offset, c));
            }
        }
        let Some((offset, letter)) = chars.next_if(|_| (1..=MAX_GAP).contains(&width)) else { break };
        if chars.peek().is_some_and(|(_, c)| is_letter(*c)) {
            break;
        }
        run.letters.push((at + offset, letter));
        run.gaps.push(gap);
        run.range.end = at + offset + letter.len_utf8();
    }
    let letters = run.letters.iter().filter(|(_, c)| c.is_alphabetic()).count();
    if run.letters.len() < MIN_LETTERS || letters * 2 < run.letters.len() { Err(run.range.end) } else { Ok(run) }
}

fn close_up(run: &Run, vocabulary: &Vocabulary, out: &mut String, map: &mut OffsetMap) {
    // Where letters are set apart by blanks, a word ends at a wider gap; where by something else, at any blank.
    let single = usize::from(run.separator.is_whitespace());
    let is_wide = |gap: &Gap| gap.blanks > single + usize::from(gap.mark.is_some()) * single;
    let mut starts: Vec<usize> = (1..run.gaps.len()).filter(|&i| is_wide(&run.gaps[i])).collect();
    if starts.is_empty() {
        // All gaps are alike: the vocabulary tells where words end.
        let word: String = run.letters.iter().map(|(_, c)| c.to_lowercase().next().unwrap_or(*c)).collect();
        let ends: Vec<usize> = word.char_indices().map(|(byte, _)| byte).collect();
        let index_of = |byte: usize| ends.partition_point(|end| *end < byte);
        starts = vocabulary.segment(&word).flat_map(|range| [index_of(range.start), index_of(range.end)]).collect();
        starts.dedup();
    }
    for (index, &(at, letter)) in run.letters.iter().enumerate() {
        if index > 0 {
            if let Some((at, mark)) = run.gaps[index].mark {
                out.push(mark);
                map.push_linear(mark.len_utf8(), at);
            }
            let after_mark =
                run.gaps[index].mark.is_some_and(|(_, mark)| matches!(mark, '.' | ',' | ':' | ';' | '!' | '?'));
            if after_mark || starts.binary_search(&index).is_ok() {
                out.push(' ');
                map.push(1, at..at);
            }
        }
        out.push(letter);
        map.push_linear(letter.len_utf8(), at);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn letters_close_up_to_words() {
        let vocabulary = Vocabulary::new(["ignore all previous instructions"].into_iter());
        for (text, plain) in [
            ("i g n o r e   a l l", "ignore all"),
            ("please i.g.n.o.r.e  a.l.l now", "please ignore all now"),
            ("I g n o r e a l l p r e v i o u s", "Ignore all previous"),
            ("w e r e n ' t   i t ?", "weren't it?"),
            ("и г н о р и р у й", "игнорируй"),
        ] {
            let (closed, map) = spaced(text, &Census::new(text.as_bytes()), &vocabulary).unwrap_or_default();
            assert_eq!(closed.trim_end_matches(" ?"), plain.trim_end_matches('?'), "{text}");
            assert_eq!(map.view_len(), closed.len());
        }
        assert!(spaced("I am a b c", &Census::new(b"I am a b c"), &vocabulary).is_none());
    }
}
