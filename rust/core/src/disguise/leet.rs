//! Leetspeak: digits and symbols for letters. What a token means is decided by the vocabulary of the rules, so that `1` can be `i` or `l`.

use std::ops::Range;

use crate::census::{BLOCK, Census, LEET, has};
use crate::offsets::OffsetMap;
use crate::rules::Vocabulary;
use crate::splice::Splice;

/// Ambiguous symbols in one token that are tried both ways.
const MAX_AMBIGUOUS: u32 = 6;
/// Longest token that is looked at.
const MAX_TOKEN: usize = 40;
/// Fewest letters of a known word that prove leetspeak; shorter ones are read only beside such a word.
const MIN_WORD: usize = 3;

/// First and second letter that a symbol can stand for.
fn letters(byte: u8) -> Option<(u8, u8)> {
    Some(match byte {
        b'0' => (b'o', b'o'),
        b'1' => (b'i', b'l'),
        b'2' => (b'z', b'z'),
        b'3' => (b'e', b'e'),
        b'4' | b'@' => (b'a', b'a'),
        b'5' | b'$' => (b's', b's'),
        b'6' => (b'g', b'b'),
        b'7' => (b't', b't'),
        b'8' => (b'b', b'b'),
        b'9' => (b'g', b'g'),
        b'!' => (b'i', b'l'),
        b'|' => (b'l', b'i'),
        b'+' => (b't', b't'),
        _ => return None,
    })
}

/// The text with leetspeak undone; `None` if no token is a word of the vocabulary in disguise.
pub(crate) fn leet(text: &str, census: &Census, vocabulary: &Vocabulary) -> Option<(String, OffsetMap)> {
    let bytes = text.as_bytes();
    let mut replaced: Vec<(Range<usize>, String)> = Vec::new();
    let (mut words, mut done) = (0, 0);
    for (index, _) in census.blocks.iter().enumerate().filter(|(_, f)| *f & has::LEET != 0) {
        let mut at = (index * BLOCK).max(done);
        let end = ((index + 1) * BLOCK).min(bytes.len());
        while at < end {
            if LEET[usize::from(bytes[at])] == 0 {
                at += 1;
                continue;
            }
            let inside = |b: &u8| b.is_ascii_alphabetic() || LEET[usize::from(*b)] != 0;
            let start = bytes[done..at].iter().rposition(|b| !inside(b)).map_or(done, |i| done + i + 1);
            let stop = at + bytes[at..].iter().take_while(|b| inside(b)).count();
            (at, done) = (stop, stop);
            // Marks at the end of a sentence are marks.
            let trimmed = bytes[start..stop]
                .iter()
                .rposition(|b| !matches!(b, b'!' | b'+' | b'|' | b'$'))
                .map_or(start, |i| start + i + 1);
            let readings = [stop, trimmed].map(|stop| {
                let fits = stop > start && stop - start <= MAX_TOKEN;
                (stop, if fits { read(&bytes[start..stop], vocabulary) } else { None })
            });
            // A known word comes first, with the marks behind it or without.
            let is_known =
                |(_, reading): &&(usize, Option<(String, bool)>)| reading.as_ref().is_some_and(|(_, known)| *known);
            let best = readings.iter().find(is_known).or(readings.last());
            if let Some((stop, Some((word, known)))) = best {
                words += usize::from(*known && stop - start >= MIN_WORD);
                replaced.push((start..*stop, word.clone()));
            }
        }
    }
    if words == 0 {
        return None;
    }
    let mut splice = Splice::new(text);
    replaced.iter().for_each(|(range, word)| splice.replace(range.clone(), word.as_bytes()));
    Some(splice.finish())
}

/// The word that a token stands for, and whether the vocabulary knows it.
fn read(token: &[u8], vocabulary: &Vocabulary) -> Option<(String, bool)> {
    let symbols = token.iter().filter(|b| !b.is_ascii_alphabetic()).count();
    if symbols == 0 {
        return None;
    }
    let ambiguous: Vec<usize> = (0..token.len()).filter(|&i| letters(token[i]).is_some_and(|(a, b)| a != b)).collect();
    let choices = 1_u32 << (ambiguous.len() as u32).min(MAX_AMBIGUOUS);
    let word = |choice: u32| -> String {
        let second = |i: usize| {
            ambiguous
                .iter()
                .position(|&at| at == i)
                .is_some_and(|bit| bit < MAX_AMBIGUOUS as usize && choice >> bit & 1 == 1)
        };
        token
            .iter()
            .enumerate()
            .map(|(i, &b)| {
                char::from(
                    letters(b).map_or(b.to_ascii_lowercase(), |(first, other)| if second(i) { other } else { first }),
                )
            })
            .collect()
    };
    let number = symbols == token.len();
    let known = (0..choices).map(word).find(|word| vocabulary.contains(word));
    match known {
        Some(word) => Some((word, true)),
        // Between disguised words, others are disguised too; a number stays a number.
        _ if !number => Some((word(0), false)),
        _ => None,
    }
}
