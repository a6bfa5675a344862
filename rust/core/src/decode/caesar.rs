//! Caesar ciphers of every shift, ROT13 and Atbash: found by the rules' own literals under a shift, where the letters look shifted at all.

use std::ops::Range;

use crate::census::{BLOCK, Census, has};
use crate::rules::{ATBASH, Shifted, unshift};
use crate::views::Kind;

/// Bytes around the first and last shifted literal that are read with them.
const AROUND: usize = 300;

/// Finds stretches that hold literals of the rules under a shift, and hands each to `found`, unshifted byte for byte.
pub(crate) fn caesar(
    text: &str,
    census: &Census,
    shifted: &Shifted,
    mut found: impl FnMut(String, Kind, Range<usize>),
) {
    let marked = |index: usize| census.blocks.get(index).is_some_and(|features| features & has::SHIFTED != 0);
    let mut index = 0;
    while index < census.blocks.len() {
        if !marked(index) {
            index += 1;
            continue;
        }
        // A stretch goes on into the blocks beside it, which other text may have kept from being marked.
        let start = text.floor_char_boundary(index.saturating_sub(1) * BLOCK);
        while marked(index) || marked(index + 1) {
            index += 1;
        }
        let end = text.ceil_char_boundary((index + 1) * BLOCK);
        for (shift, first, last) in shifted.scan(&text.as_bytes()[start..end]) {
            let from = text.floor_char_boundary((start + first).saturating_sub(AROUND));
            let to = text.ceil_char_boundary(start + last + AROUND);
            let kind = match shift {
                13 => Kind::Rot13,
                ATBASH => Kind::Atbash,
                _ => Kind::Caesar,
            };
            let letter = |c: char| match c {
                'a'..='z' | 'A'..='Z' => char::from(unshift(c as u8 | 0x20, shift)),
                _ => c,
            };
            found(text[from..to].chars().map(letter).collect(), kind, from..to);
        }
        index += 1;
    }
}
