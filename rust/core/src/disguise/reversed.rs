//! Text written backwards, as a whole or word by word. The prefilter finds the rules' literals backwards; this turns the lines around.

use std::ops::Range;

use crate::offsets::OffsetMap;

/// The stretch from last character to first. Parts of a combining sequence change places; the folded reading has none left.
pub(crate) fn backwards(text: &str, range: Range<usize>) -> (String, OffsetMap) {
    let (mut out, mut map) = (String::with_capacity(range.len()), OffsetMap::default());
    for (at, c) in text[range.clone()].char_indices().rev() {
        out.push(c);
        map.push(c.len_utf8(), range.start + at..range.start + at + c.len_utf8());
    }
    (out, map)
}

/// The stretch with the letters of each word from last to first and the words where they are.
pub(crate) fn word_by_word(text: &str, range: Range<usize>) -> (String, OffsetMap) {
    let (mut out, mut map) = (String::with_capacity(range.len()), OffsetMap::default());
    let mut at = range.start;
    for word in text[range].split_inclusive(|c: char| !c.is_alphanumeric()) {
        let letters = word.trim_end_matches(|c: char| !c.is_alphanumeric());
        for (offset, c) in letters.char_indices().rev() {
            out.push(c);
            map.push(c.len_utf8(), at + offset..at + offset + c.len_utf8());
        }
        out.push_str(&word[letters.len()..]);
        map.push_linear(word.len() - letters.len(), at + letters.len());
        at += word.len();
    }
    (out, map)
}
