//! The words that the rules are about, taken from their own examples, and the commonest English ones: what disguised words are compared with.

use std::collections::HashSet;

use aho_corasick::{AhoCorasick, MatchKind};

use crate::tables::Tables;

/// Shortest word that run-on text is split at.
const MIN_WORD: usize = 1;

/// The commonest words of English (made by `scripts/generate_statistics.py`).
const COMMON: &str = include_str!("../../../../python/promptward/data/words.txt");

/// A set of folded words in Latin letters, and an automaton that splits run-on text into them.
pub(crate) struct Vocabulary {
    words: HashSet<String>,
    splitter: Option<AhoCorasick>,
}

impl Vocabulary {
    pub(crate) fn new<'t>(texts: impl Iterator<Item = &'t str>) -> Self {
        let tables = Tables::get();
        let mut words: HashSet<String> = COMMON.lines().map(str::to_owned).collect();
        for text in texts {
            let text = tables.fold(text);
            words.extend(text.split(|c: char| !c.is_alphabetic()).filter(|w| !w.is_empty()).map(str::to_owned));
        }
        let mut sorted: Vec<&String> = words.iter().filter(|word| word.len() >= MIN_WORD).collect();
        sorted.sort();
        let splitter = AhoCorasick::builder().match_kind(MatchKind::Standard).build(sorted).ok();
        Self { words, splitter }
    }

    pub(crate) fn contains(&self, word: &str) -> bool {
        self.words.contains(word)
    }

    /// Where words begin and end in a text without gaps, in ascending order: the split with the longest words (by the sum of the squares of
    /// their lengths). Linear in the length of the text.
    pub(crate) fn split(&self, text: &str) -> Vec<usize> {
        let Some(words) = &self.splitter else { return Vec::new() };
        // For each place, the best sum up to there and where the word that ends there began (itself if none does).
        let mut best: Vec<(usize, usize)> = vec![(0, 0); text.len() + 1];
        let mut found = words.find_overlapping_iter(text).peekable();
        for end in 1..=text.len() {
            best[end] = (best[end - 1].0, end);
            while let Some(word) = found.next_if(|word| word.end() == end) {
                let sum = best[word.start()].0 + word.len() * word.len();
                if sum > best[end].0 {
                    best[end] = (sum, word.start());
                }
            }
        }
        let mut places = Vec::new();
        let mut at = text.len();
        while at > 0 {
            let start = best[at].1;
            if start == at {
                at -= 1;
                continue;
            }
            places.extend([at, start]);
            at = start;
        }
        places.reverse();
        places.dedup();
        places
    }
}
