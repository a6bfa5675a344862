//! What a match must contain: literals for the prefilter, read off the syntax tree.

use std::collections::HashMap;
use std::sync::OnceLock;

use regex_syntax::hir::literal::{ExtractKind, Extractor};
use regex_syntax::hir::{Hir, HirKind};

use crate::tables::Tables;

/// Shortest literal, in bytes: the prefilter looks at four at a time.
pub(crate) const MIN_LITERAL: usize = 4;
/// Sets of literals kept for one alternative: more cost memory and hardly filter better.
const MAX_SETS: usize = 3;

/// One of these must be in a match.
pub(crate) type Set = Vec<Vec<u8>>;

/// The sets that a match of one alternative must draw from, all of them.
pub(crate) type Clause = Vec<Set>;

/// Rates of common grams in ordinary text, per million bytes (made by `scripts/generate_grams.py`).
const GRAMS: &str = include_str!("../../../../python/promptward/data/grams.tsv");
/// The rate of a gram that is not among them.
const RARE: f64 = 10.;
/// A second set of literals is looked for only if it is found no more often than this, per million bytes.
const SELDOM: f64 = 300.;

fn rate(gram: &[u8]) -> f64 {
    static RATES: OnceLock<HashMap<u32, f64>> = OnceLock::new();
    let rates = RATES.get_or_init(|| {
        let line = |line: &str| {
            let (gram, rate) = line.split_once('\t')?;
            Some((u32::from_str_radix(gram, 16).ok()?, rate.parse().ok()?))
        };
        GRAMS.lines().filter_map(line).collect()
    });
    let key = gram.iter().fold(0, |key, &byte| key << 8 | u32::from(byte));
    rates.get(&key).copied().unwrap_or(RARE)
}

/// The four bytes of a literal that are rarest, and how often they stand in a million bytes of text.
pub(crate) fn rarest_gram(literal: &[u8]) -> Option<(usize, f64)> {
    literal.windows(MIN_LITERAL).map(rate).enumerate().min_by(|a, b| a.1.total_cmp(&b.1))
}

/// The rarest stretch of a literal: a word if one is long enough, else several with the blanks between them.
fn piece(literal: &[u8]) -> Option<Vec<u8>> {
    // The prefilter reads folded text, also for patterns that read the cased form.
    let folded = Tables::get().fold(&String::from_utf8_lossy(literal));
    let literal = folded.as_bytes();
    let rarest = |pieces: &mut dyn Iterator<Item = &[u8]>| {
        pieces
            .filter_map(|piece| rarest_gram(piece).map(|(_, cost)| (piece.to_vec(), cost)))
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
            let cheap = |(index, (cost, set)): (usize, (f64, Set))| (index == 0 || cost <= SELDOM).then_some(set);
            let sets: Clause = costly.into_iter().enumerate().take(MAX_SETS).filter_map(cheap).collect();
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
    extractor.kind(ExtractKind::Prefix).limit_class(12).limit_repeat(8).limit_literal_len(24).limit_total(120);
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
