//! What a match must contain: literals for the prefilter, read off the syntax tree.

use std::collections::HashSet;
use std::sync::OnceLock;

use regex_syntax::hir::literal::{ExtractKind, Extractor};
use regex_syntax::hir::{Hir, HirKind};

/// Shortest literal, in bytes: the prefilter looks at four at a time.
pub(crate) const MIN_LITERAL: usize = 4;
/// Sets of literals kept for one alternative: more cost memory and hardly filter better.
const MAX_SETS: usize = 3;

/// One of these must be in a match.
pub(crate) type Set = Vec<Vec<u8>>;

/// The sets that a match of one alternative must draw from, all of them.
pub(crate) type Clause = Vec<Set>;

/// Grams of the commonest English words: literals made of these alone would wake the regexes on every line.
const COMMON: &[&str] = &[
    "that",
    "this",
    "with",
    "your",
    "have",
    "from",
    "they",
    "will",
    "what",
    "there",
    "would",
    "their",
    "about",
    "which",
    "when",
    "make",
    "like",
    "time",
    "just",
    "know",
    "take",
    "into",
    "year",
    "good",
    "some",
    "could",
    "them",
    "other",
    "than",
    "then",
    "look",
    "only",
    "come",
    "over",
    "think",
    "also",
    "back",
    "after",
    "work",
    "first",
    "well",
    "even",
    "want",
    "because",
    "these",
    "give",
    "most",
    "people",
    "here",
    "should",
    "every",
    "being",
    "those",
    "where",
    "more",
    "very",
    "been",
    "were",
    "said",
    "each",
    "many",
    "must",
    "ation",
    "tion",
    "ment",
    "ther",
    "ough",
    "question",
    "answer",
    "please",
    "write",
    "help",
    "using",
    "need",
    "following",
    "information",
    "user",
    "text",
    "data",
    "http",
    "name",
    "list",
    "code",
    "file",
    "word",
    "line",
];

/// Roughly how often a byte stands in text, in thousandths.
fn frequency(byte: u8) -> f64 {
    const LETTERS: [f64; 26] = [
        65., 12., 22., 34., 100., 18., 16., 49., 56., 1., 6., 32., 19., 56., 60., 15., 1., 48., 51., 72., 22., 8., 19.,
        1., 16., 1.,
    ];
    match byte {
        b'a'..=b'z' => LETTERS[usize::from(byte - b'a')],
        b'0'..=b'9' | b'.' | b',' | b'-' | b'_' | b'=' | b'"' | b'\'' => 8.,
        0x80.. => 25.,
        b' ' => 180.,
        _ => 3.,
    }
}

/// The four bytes of a literal that are rarest, and their cost: how often they wake the regexes.
pub(crate) fn rarest_gram(literal: &[u8]) -> Option<(usize, f64)> {
    static COMMON_GRAMS: OnceLock<HashSet<&[u8]>> = OnceLock::new();
    let common_grams =
        COMMON_GRAMS.get_or_init(|| COMMON.iter().flat_map(|word| word.as_bytes().windows(MIN_LITERAL)).collect());
    let cost = |gram: &[u8]| {
        let common = common_grams.contains(gram);
        gram.iter().map(|&byte| frequency(byte)).product::<f64>() * if common { 1e4 } else { 1. }
    };
    literal.windows(MIN_LITERAL).map(cost).enumerate().min_by(|a, b| a.1.total_cmp(&b.1))
}

/// The rarest stretch of a literal: a word if one is long enough, else several with the blanks between them.
fn piece(literal: &[u8]) -> Option<Vec<u8>> {
    let rarest = |pieces: &mut dyn Iterator<Item = &[u8]>| {
        pieces
            .filter_map(|piece| rarest_gram(piece).map(|(_, cost)| (piece.to_ascii_lowercase(), cost)))
            .min_by(|a, b| a.1.total_cmp(&b.1))
            .map(|(piece, _)| piece)
    };
    rarest(&mut literal.split(u8::is_ascii_whitespace)).or_else(|| {
        // A line break stands for itself, a blank for either: only blanks can be part of a literal.
        rarest(&mut literal.split(|&byte| byte != b' ' && byte.is_ascii_whitespace()))
    })
}

fn cost(set: &Set) -> f64 {
    set.iter().filter_map(|literal| rarest_gram(literal)).map(|(_, cost)| cost).sum()
}

/// The sets of each alternative of a pattern.
pub(crate) fn clauses(hir: &Hir) -> Result<Vec<Clause>, String> {
    match hir.kind() {
        HirKind::Alternation(alternatives) => {
            alternatives.iter().map(clauses).collect::<Result<Vec<_>, _>>().map(|all| all.concat())
        }
        HirKind::Capture(capture) => clauses(&capture.sub),
        _ => {
            let mut costly: Vec<(f64, Set)> = sets(hir).into_iter().map(|set| (cost(&set), set)).collect();
            costly.sort_by(|a, b| a.0.total_cmp(&b.0));
            costly.dedup_by(|a, b| a.1 == b.1);
            let sets: Clause = costly.into_iter().map(|(_, set)| set).take(MAX_SETS).collect();
            if sets.is_empty() {
                let mut short = Vec::new();
                too_short(hir, &mut short);
                let among = if short.is_empty() {
                    String::new()
                } else {
                    format!("; too short or too open here: {}", short.join(", "))
                };
                return Err(format!(
                    "no literal of at least {MIN_LITERAL} bytes that every match of each alternative contains{among}"
                ));
            }
            Ok(vec![sets])
        }
    }
}

/// The alternatives that keep their groups from being a set, for the error message.
fn too_short(hir: &Hir, short: &mut Vec<String>) {
    match hir.kind() {
        HirKind::Concat(parts) => parts.iter().for_each(|part| too_short(part, short)),
        HirKind::Capture(capture) => too_short(&capture.sub, short),
        HirKind::Alternation(alternatives) => {
            short.extend(
                alternatives
                    .iter()
                    .filter(|alternative| sets(alternative).is_empty())
                    .map(|alternative| format!("`{alternative}`"))
                    .take(6),
            );
        }
        _ => {}
    }
}

/// All sets of which every match of `hir` contains a member.
fn sets(hir: &Hir) -> Vec<Set> {
    match hir.kind() {
        HirKind::Literal(literal) => piece(&literal.0).map(|piece| vec![vec![piece]]).unwrap_or_default(),
        HirKind::Capture(capture) => sets(&capture.sub),
        HirKind::Repetition(repetition) if repetition.min > 0 => sets(&repetition.sub),
        HirKind::Alternation(alternatives) => {
            let best = |hir: &Hir| {
                sets(hir)
                    .into_iter()
                    .map(|set| (cost(&set), set))
                    .min_by(|a, b| a.0.total_cmp(&b.0))
                    .map(|(_, set)| set)
            };
            let union: Option<Vec<Set>> = alternatives.iter().map(best).collect();
            union.map(|sets| unique(sets.concat())).or_else(|| prefixes(hir)).into_iter().collect()
        }
        HirKind::Concat(parts) => {
            let mut all: Vec<Set> = parts.iter().flat_map(sets).collect();
            if all.is_empty() {
                // The parser factors common beginnings out (`r(?:ule|ole)`): only together are they long enough.
                all.extend((0..parts.len()).filter_map(|from| prefixes(&Hir::concat(parts[from..].to_vec()))));
            }
            all
        }
        _ => Vec::new(),
    }
}

/// The literals that a match of `hir` may begin with, if they are few and long enough.
fn prefixes(hir: &Hir) -> Option<Set> {
    let mut extractor = Extractor::new();
    extractor.kind(ExtractKind::Prefix).limit_class(12).limit_repeat(8).limit_literal_len(24).limit_total(300);
    let sequence = extractor.extract(hir);
    let literals = sequence.literals()?;
    literals
        .iter()
        .map(|literal| piece(literal.as_bytes()))
        .collect::<Option<Set>>()
        .map(unique)
        .filter(|set| !set.is_empty())
}

fn unique(mut set: Set) -> Set {
    set.sort();
    set.dedup();
    set
}
