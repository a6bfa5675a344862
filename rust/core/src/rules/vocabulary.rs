//! The words that the rules are about, taken from their own examples: what disguised words are compared with.

use std::collections::HashSet;
use std::ops::Range;

use aho_corasick::{AhoCorasick, MatchKind};

use crate::tables::Tables;

/// Shortest word that run-on text is split at.
const MIN_WORD: usize = 3;

/// A set of folded words in Latin letters, and an automaton that splits run-on text into them.
pub(crate) struct Vocabulary {
    words: HashSet<String>,
    splitter: Option<AhoCorasick>,
}

impl Vocabulary {
    pub(crate) fn new<'t>(texts: impl Iterator<Item = &'t str>) -> Self {
        let tables = Tables::get();
        let mut words = HashSet::new();
        for text in texts {
            let text = tables.fold(text);
            words.extend(text.split(|c: char| !c.is_alphabetic()).filter(|w| !w.is_empty()).map(str::to_owned));
        }
        let mut sorted: Vec<&String> = words.iter().filter(|word| word.len() >= MIN_WORD).collect();
        sorted.sort();
        let splitter = AhoCorasick::builder().match_kind(MatchKind::LeftmostLongest).build(sorted).ok();
        Self { words, splitter }
    }

    pub(crate) fn contains(&self, word: &str) -> bool {
        self.words.contains(word)
    }

    /// The words in a text without gaps, the longest that begins first. Linear in the length.
    pub(crate) fn segment<'a>(&'a self, text: &'a str) -> impl Iterator<Item = Range<usize>> + 'a {
        self.splitter.iter().flat_map(move |splitter| splitter.find_iter(text)).map(|found| found.start()..found.end())
    }
}
