//! Words with their letters set apart: `i g n o r e`, `i.g.n.o.r.e`, `i-g-n-o-r-e`. The vocabulary of the rules tells where words end.

use std::ops::Range;

use crate::census::{BLOCK, Census, has};
use crate::offsets::OffsetMap;
use crate::rules::Vocabulary;

/// Fewest single letters in a row that are a word set apart.
const MIN_LETTERS: usize = 5;
/// Most separators between two letters of a word.
const MAX_GAP: usize = 4;

/// A run of single letters: where each stands, and which begin a word because the gap before them is wider.
struct Run {
    letters: Vec<(usize, char)>,
    wide: Vec<usize>,
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
    let rest = &text[at..];
    let mut chars = rest.char_indices().peekable();
    let Some((_, first)) = chars.next() else { return Err(at + 1) };
    let next = at + first.len_utf8();
    let is_letter = |c: char| c.is_alphanumeric() || matches!(c, '@' | '$' | '!');
    let before = text[..at].chars().next_back();
    if !first.is_alphanumeric() || before.is_some_and(char::is_alphanumeric) {
        return Err(next);
    }
    let mut run = Run { letters: vec![(at, first)], wide: Vec::new(), range: at..next };
    let mut gaps: Vec<usize> = vec![0];
    loop {
        // One to four separators, then one letter that stands alone.
        let (mut gap, mut width, mut spaces) = (0, 0, 0);
        while let Some(&(_, c)) = chars.peek().filter(|(_, c)| !is_letter(*c)) {
            gap += c.len_utf8();
            width += 1;
            spaces += usize::from(c.is_whitespace());
            chars.next();
            if width > MAX_GAP {
                break;
            }
        }
        let Some(&(offset, letter)) = chars.peek().filter(|_| (1..=MAX_GAP).contains(&width)) else { break };
        chars.next();
        if chars.peek().is_some_and(|(_, c)| is_letter(*c)) || !(letter.is_alphanumeric() || is_letter(letter)) {
            break;
        }
        let _ = (gap, spaces);
        run.letters.push((at + offset, letter));
        gaps.push(width);
        run.range.end = at + offset + letter.len_utf8();
    }
    let letters = run.letters.iter().filter(|(_, c)| c.is_alphabetic()).count();
    if run.letters.len() < MIN_LETTERS || letters * 2 < run.letters.len() {
        return Err(run.range.end);
    }
    let narrow = gaps.iter().skip(1).copied().min().unwrap_or(1);
    run.wide = (1..gaps.len()).filter(|&i| gaps[i] > narrow).collect();
    Ok(run)
}

fn close_up(run: &Run, vocabulary: &Vocabulary, out: &mut String, map: &mut OffsetMap) {
    let word: String = run.letters.iter().flat_map(|(_, c)| c.to_lowercase()).collect();
    // Gaps say where words begin, if any is wider than the others; else the vocabulary does.
    let mut starts: Vec<usize> = run.wide.clone();
    if starts.is_empty() && word.chars().count() == run.letters.len() {
        let index_of = |byte: usize| word[..byte].chars().count();
        for range in vocabulary.segment(&word) {
            starts.extend([index_of(range.start), index_of(range.end)]);
        }
        starts.dedup();
    }
    for (index, &(at, letter)) in run.letters.iter().enumerate() {
        if index > 0 && starts.binary_search(&index).is_ok() {
            out.push(' ');
            map.push(1, at..at);
        }
        out.push(letter);
        map.push_linear(letter.len_utf8(), at);
    }
}
