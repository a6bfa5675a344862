//! Words with their letters set apart: `i g n o r e`, `i.g.n.o.r.e`, `i-g-n-o-r-e`. The vocabulary of the rules tells where words end.

use std::collections::BTreeMap;
use std::ops::Range;

use crate::census::{BLOCK, Census, has};
use crate::offsets::OffsetMap;
use crate::rules::Vocabulary;
use crate::splice::Splice;

/// Fewest single letters in a row that are a word set apart.
const MIN_LETTERS: usize = 5;
/// Most characters between two letters of a run.
const MAX_GAP: usize = 8;

/// What stands between two letters of a run.
#[derive(Clone, Default)]
struct Gap {
    chars: Vec<(usize, char)>,
}

impl Gap {
    fn blanks(&self) -> usize {
        self.chars.iter().filter(|(_, c)| c.is_whitespace()).count()
    }

    /// A mark that is not the run's separator, and where it stands.
    fn mark(&self, separator: char) -> Option<(usize, char)> {
        self.chars.iter().copied().find(|(_, c)| !c.is_whitespace() && *c != separator)
    }
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
    let mut splice = Splice::new(text);
    for run in runs {
        splice.unchanged(run.range.start);
        close_up(&run, vocabulary, &mut splice);
        splice.skip_to(run.range.end);
    }
    Some(splice.finish())
}

/// The run of single letters that begins at `at`, or where to look next.
fn run(text: &str, at: usize) -> Result<Run, usize> {
    let mut chars = text[at..].char_indices().peekable();
    let Some((_, first)) = chars.next() else { return Err(at + 1) };
    let next = at + first.len_utf8();
    let is_letter = |c: char| c.is_alphanumeric() || matches!(c, '@' | '$' | '!' | '|' | '+' | '€');
    if !is_letter(first) || text[..at].chars().next_back().is_some_and(is_letter) {
        return Err(next);
    }
    let mut run = Run { letters: vec![(at, first)], gaps: vec![Gap::default()], separator: ' ', range: at..next };
    loop {
        let mut gap = Gap::default();
        while let Some((offset, c)) = chars.next_if(|(_, c)| gap.chars.len() <= MAX_GAP && !is_letter(*c)) {
            gap.chars.push((at + offset, c));
        }
        let width = gap.chars.len();
        let Some((offset, letter)) = chars.next_if(|_| (1..=MAX_GAP).contains(&width)) else { break };
        if chars.peek().is_some_and(|(_, c)| is_letter(*c)) {
            break;
        }
        run.letters.push((at + offset, letter));
        run.gaps.push(gap);
        run.range.end = at + offset + letter.len_utf8();
    }
    let letters = run.letters.iter().filter(|(_, c)| c.is_alphabetic()).count();
    if run.letters.len() < MIN_LETTERS || letters * 2 < run.letters.len() {
        return Err(run.range.end);
    }
    // What most gaps begin with sets the letters apart.
    let marks = run.gaps.iter().filter_map(|gap| gap.chars.first()).map(|(_, c)| *c).filter(|c| !c.is_whitespace());
    let mut counts: BTreeMap<char, usize> = BTreeMap::new();
    marks.for_each(|mark| *counts.entry(mark).or_default() += 1);
    let commonest =
        counts.into_iter().max_by_key(|(_, count)| *count).filter(|(_, count)| count * 2 > run.letters.len());
    run.separator = commonest.map_or(' ', |(mark, _)| mark);
    // What sets the last letter apart from the mark behind it belongs to the run.
    let rest = &text[run.range.end..];
    let apart = rest.len() - rest.trim_start_matches(run.separator).len();
    if rest[apart..].starts_with(|c: char| c.is_ascii_punctuation()) {
        run.range.end += apart;
    }
    Ok(run)
}

fn close_up(run: &Run, vocabulary: &Vocabulary, splice: &mut Splice<'_>) {
    let mut push = |c: char, at: usize, len: usize| splice.append(at..at + len, c.encode_utf8(&mut [0; 4]).as_bytes());
    // Where letters are set apart by blanks, a word ends at a wider gap; where by something else, at any blank.
    let single = usize::from(run.separator.is_whitespace());
    let is_wide = |gap: &Gap| gap.blanks() > single + usize::from(gap.mark(run.separator).is_some()) * single;
    let mut starts: Vec<usize> = (1..run.gaps.len()).filter(|&i| is_wide(&run.gaps[i])).collect();
    if starts.is_empty() {
        // All gaps are alike: the vocabulary tells where words end.
        let word: String = run.letters.iter().map(|(_, c)| c.to_lowercase().next().unwrap_or(*c)).collect();
        let ends: Vec<usize> = word.char_indices().map(|(byte, _)| byte).collect();
        starts = vocabulary.split(&word).into_iter().map(|byte| ends.partition_point(|end| *end < byte)).collect();
    }
    for (index, &(at, letter)) in run.letters.iter().enumerate() {
        if index > 0 {
            let mark = run.gaps[index].mark(run.separator);
            if let Some((at, mark)) = mark {
                push(mark, at, mark.len_utf8());
            }
            let ends_clause = |(_, mark): (usize, char)| matches!(mark, '.' | ',' | ':' | ';' | '!' | '?');
            if mark.map_or(starts.binary_search(&index).is_ok(), |mark| ends_clause(mark) || is_wide(&run.gaps[index]))
            {
                push(' ', at, 0);
            }
        }
        push(letter, at, letter.len_utf8());
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
            assert_eq!(closed, plain, "{text}");
            assert_eq!(map.view_len(), closed.len());
        }
        assert!(spaced("I am a b c", &Census::new(b"I am a b c"), &vocabulary).is_none());
    }
}
