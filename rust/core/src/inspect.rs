//! The way of a text: readings, rules on each, findings in the caller's offsets.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::ops::Range;

use crate::census::{Census, has};
use crate::decode;
use crate::disguise;
use crate::limits::{Limits, MAX_TEXT_BYTES};
use crate::matcher::{Match, Matcher};
use crate::normal::{Normal, Seen};
use crate::offsets::{CodePoints, OffsetMap, count};
use crate::rules::{RuleSet, Source};
use crate::signals::{Signal, adversarial_suffix};
use crate::views::{Base, Kind, View, chain, to_root};

/// Invisible characters in a row that no script or emoji needs.
const INVISIBLE_RUN: usize = 12;
/// Marks on one character that no script needs.
const MARK_RUN: usize = 8;
/// Disguises that may be put on one another: two for texts up to this size, one beyond.
const TWO_DISGUISES: usize = 64 << 10;
/// Bytes around backwards text that are read backwards with it.
const BACKWARDS: usize = 500;

/// What was found in a text. Offsets are half-open, in code points.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// Index of the rule.
    pub rule: u32,
    /// First code point.
    pub start: usize,
    /// One past the last code point.
    pub end: usize,
    /// The chain of transformations that led to it, or `text`.
    pub view: String,
}

/// The result of one inspection.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Inspection {
    /// Findings by where they begin.
    pub findings: Vec<Finding>,
    /// Code points that were read.
    pub chars_seen: usize,
    /// Code points of the text.
    pub chars_total: usize,
    /// Names of the limits that were hit.
    pub limits_hit: BTreeSet<&'static str>,
}

/// Reads `text` in every way that it may be meant, and runs the rules that are active for the source and the paranoia level.
#[must_use]
pub fn inspect(rules: &RuleSet, limits: &Limits, text: &str, source: Source, paranoia: u8) -> Inspection {
    let (read, mut inspection) = cap(text, limits);
    let mut run = Run {
        rules,
        limits,
        source,
        paranoia,
        matcher: Matcher::new(rules, source, paranoia),
        views: vec![View::root(read)],
        texts: HashSet::new(),
        decoded: 0,
        dropped: 0,
        found: Vec::new(),
        hit: BTreeSet::new(),
    };
    let mut next = 0;
    while next < run.views.len() && run.found.len() < limits.max_findings {
        run.process(next);
        next += 1;
    }
    if run.found.len() >= limits.max_findings {
        run.found.truncate(limits.max_findings);
        run.hit.insert("max_findings");
    }
    run.report(read, &mut inspection);
    inspection
}

/// The part of a text that is read, and the counts.
fn cap<'t>(text: &'t str, limits: &Limits) -> (&'t str, Inspection) {
    let mut inspection = Inspection::default();
    let mut read = text;
    if text.len() > MAX_TEXT_BYTES || text.len() > limits.max_chars {
        let by_chars = text.char_indices().nth(limits.max_chars).map_or(text.len(), |(at, _)| at);
        let mut end = by_chars.min(MAX_TEXT_BYTES);
        while !text.is_char_boundary(end) {
            end -= 1;
        }
        read = &text[..end];
    }
    inspection.chars_total = count(text.as_bytes());
    inspection.chars_seen = if read.len() == text.len() { inspection.chars_total } else { count(read.as_bytes()) };
    if read.len() < text.len() {
        inspection.limits_hit.insert("max_chars");
    }
    (read, inspection)
}

/// A finding in bytes of the text, with the reading that it was made in.
struct Found {
    rule: u32,
    range: Range<usize>,
    view: usize,
}

/// Pieces of decoded text that share a way of decoding: one reading for all of them, so that many small blobs are no more work than one.
#[derive(Default)]
struct Pieces {
    text: String,
    map: OffsetMap,
}

struct Run<'t, 'r> {
    rules: &'r RuleSet,
    limits: &'r Limits,
    source: Source,
    paranoia: u8,
    matcher: Matcher<'r>,
    views: Vec<View<'t>>,
    texts: HashSet<u64>,
    decoded: usize,
    /// Bytes that were decoded and did not read as text.
    dropped: usize,
    found: Vec<Found>,
    hit: BTreeSet<&'static str>,
}

impl<'t> Run<'t, '_> {
    fn process(&mut self, index: usize) {
        let census = Census::new(self.views[index].text.as_bytes());
        if census.all & (has::ODD | has::RUN) != 0 {
            self.views[index].normal = Some(Normal::new(&self.views[index].text));
        }
        let backwards = self.run_rules(index);
        let seen = self.views[index].normal.as_ref().map(|normal| normal.seen.clone()).unwrap_or_default();
        self.smuggled(index, &seen);
        self.disguised(index, &seen, &backwards);
        self.spaced(index, &census);
        self.morse(index, &census);
        // The others read the form without odd characters and long gaps.
        let census = match &self.views[index].normal {
            Some(normal) => Census::new(normal.cased.as_bytes()),
            None => census,
        };
        self.leet(index, &census);
        self.encoded(index, &census);
        if index == 0
            && let Some(at) = adversarial_suffix(self.views[0].cased())
        {
            let end = self.views[0].cased().len();
            self.signal(Signal::AdversarialSuffix, 0, Base::Cased, at..end);
        }
    }

    /// Runs the rules on a reading; returns where their literals stand backwards.
    fn run_rules(&mut self, index: usize) -> Vec<Range<usize>> {
        let view = &self.views[index];
        let room = self.limits.max_findings.saturating_sub(self.found.len());
        let outcome = self.matcher.run(view, room);
        for Match { rule, range, base } in outcome.matches {
            let range = to_root(&self.views, index, base, range);
            self.add(rule, range, index);
        }
        if outcome.failed {
            self.hit.insert("pattern_memory");
        }
        if outcome.more {
            self.hit.insert("max_findings");
        }
        outcome.backwards
    }

    fn add(&mut self, rule: u32, range: Range<usize>, view: usize) {
        // The same passage read in two ways is one finding.
        let known = self.found.iter().any(|f| {
            f.rule == rule
                && f.range.start < range.end.max(range.start + 1)
                && range.start < f.range.end.max(f.range.start + 1)
        });
        if !known {
            self.found.push(Found { rule, range, view });
        }
    }

    fn signal(&mut self, signal: Signal, view: usize, base: Base, range: Range<usize>) {
        let range = to_root(&self.views, view, base, range);
        let rules: Vec<u32> = self.rules.signal_rules(signal, self.source, self.paranoia).collect();
        for rule in rules {
            self.add(rule, range.clone(), view);
        }
    }

    /// Text in characters that show nothing.
    fn smuggled(&mut self, index: usize, seen: &Seen) {
        let mut hidden = Vec::new();
        let text = &self.views[index].text;
        if seen.tags > 0 {
            hidden.extend(
                disguise::tags(text)
                    .into_iter()
                    .map(|(text, range)| (Kind::UnicodeTags, Signal::UnicodeTags, text, range)),
            );
        }
        if seen.selectors > 0 {
            hidden.extend(
                disguise::variation_selectors(text)
                    .into_iter()
                    .map(|(text, range)| (Kind::VariationSelectors, Signal::VariationSelectors, text, range)),
            );
        }
        if seen.zero_width > 0 {
            hidden.extend(
                disguise::zero_width(text)
                    .into_iter()
                    .map(|(text, range)| (Kind::ZeroWidth, Signal::ZeroWidthBinary, text, range)),
            );
        }
        let mut pieces: BTreeMap<Vec<Kind>, Pieces> = BTreeMap::new();
        for (kind, signal, text, range) in hidden {
            self.signal(signal, index, Base::Raw, range.clone());
            pieces.entry(vec![kind]).or_default().push(&text, range);
        }
        self.push_pieces(index, Base::Raw, pieces);
        if index == 0 && seen.invisible_run.0 >= INVISIBLE_RUN {
            self.signal(Signal::InvisibleRun, index, Base::Raw, seen.invisible_run.1.clone());
        }
        if index == 0 && seen.mark_run.0 >= MARK_RUN {
            self.signal(Signal::CombiningFlood, index, Base::Raw, seen.mark_run.1.clone());
        }
    }

    /// Odd characters and odd orders.
    fn disguised(&mut self, index: usize, seen: &Seen, backwards: &[Range<usize>]) {
        let text = &self.views[index].text;
        let mut variants: Vec<(Kind, Base, String, OffsetMap)> = Vec::new();
        let mut signals: Vec<(Signal, Range<usize>)> = Vec::new();
        if seen.bidi > 0
            && let Some((text, map, range)) = disguise::bidi(text)
        {
            variants.push((Kind::Bidi, Base::Raw, text, map));
            signals.push((Signal::BidiOverride, range));
        }
        if seen.backspaces > 0
            && let Some((text, map, range)) = disguise::backspaces(text)
        {
            variants.push((Kind::Backspaces, Base::Raw, text, map));
            signals.push((Signal::Backspaces, range));
        }
        if seen.lookalikes > 0 {
            let (text, map) = Normal::lookalikes(text);
            variants.push((Kind::Lookalikes, Base::Raw, text, map));
        }
        if seen.turned > 0 {
            for right_to_left in [true, false] {
                variants.extend(
                    disguise::turned(text, right_to_left).map(|(text, map)| (Kind::UpsideDown, Base::Raw, text, map)),
                );
            }
        }
        if !backwards.is_empty() {
            let base = self.views[index].folded();
            let around = |range: &Range<usize>| lines_around(base, range.clone());
            let whole = disguise::turned_around(base, backwards.iter().map(around), disguise::backwards);
            variants.push((Kind::Reversed, Base::Folded, whole.0, whole.1));
            let words = disguise::turned_around(base, backwards.iter().map(around), disguise::word_by_word);
            variants.push((Kind::ReversedWords, Base::Folded, words.0, words.1));
        }
        for (kind, base, text, map) in variants {
            self.push_disguise(index, kind, base, text, map);
        }
        for (signal, range) in signals {
            self.signal(signal, index, Base::Raw, range);
        }
    }

    /// Letters set apart. Reads the text as it stands: how wide gaps are tells where words end.
    fn spaced(&mut self, index: usize, census: &Census) {
        if census.all & (has::SPACED | has::ODD) == 0 || !self.may_disguise(index, Kind::Spaced) {
            return;
        }
        if let Some((text, map)) = disguise::spaced(&self.views[index].text, census, self.rules.vocabulary()) {
            self.push_disguise(index, Kind::Spaced, Base::Raw, text, map);
        }
    }

    /// Morse code. Reads the text as it stands, in which runs of dots are still as long as they were.
    fn morse(&mut self, index: usize, census: &Census) {
        if census.all & (has::MORSE | has::ODD) == 0 {
            return;
        }
        let mut pieces: BTreeMap<Vec<Kind>, Pieces> = BTreeMap::new();
        decode::morse(&self.views[index].text, census, |text, range| {
            pieces.entry(vec![Kind::Morse]).or_default().push(&text, range);
        });
        self.push_pieces(index, Base::Raw, pieces);
    }

    /// Letters replaced by digits and symbols.
    fn leet(&mut self, index: usize, census: &Census) {
        if census.all & has::LEET == 0 || !self.may_disguise(index, Kind::Leetspeak) {
            return;
        }
        if let Some((text, map)) = disguise::leet(self.views[index].cased(), census, self.rules.vocabulary()) {
            self.push_disguise(index, Kind::Leetspeak, Base::Cased, text, map);
        }
    }

    fn encoded(&mut self, index: usize, census: &Census) {
        let cased = self.views[index].cased();
        let mut pieces: BTreeMap<Vec<Kind>, Pieces> = BTreeMap::new();
        let mut inline: Vec<(Kind, String, OffsetMap)> = Vec::new();
        // What is inflated and then dropped was work all the same: it comes off the budget of the whole text.
        let before = self.limits.max_decoded_bytes.saturating_sub(self.decoded + self.dropped);
        let mut budget = decode::Budget { left: before, cut: false };
        let mut kept = 0;
        if census.all & has::LONG_TOKEN != 0 {
            decode::blobs(cased, census, &mut budget, |blob| {
                kept += blob.text.len();
                pieces.entry(blob.kinds).or_default().push(&blob.text, blob.range);
            });
        }
        self.dropped += (before - budget.left).saturating_sub(kept);
        // Escapes come off before disguises do.
        if census.all & has::ESCAPE != 0 && self.views[index].disguises.is_empty() {
            inline.extend(decode::escapes(cased).map(|(text, map, kind)| (kind, text, map)));
        }
        if census.all & has::NUMBERS != 0 {
            decode::numbers(cased, census, |text, kind, range| {
                pieces.entry(vec![kind]).or_default().push(&text, range)
            });
        }
        if census.all & has::SHIFTED != 0 && !self.views[index].deciphered {
            let mut shifted: BTreeMap<(Kind, u8), Pieces> = BTreeMap::new();
            decode::caesar(cased, census, &self.rules.shifted, |text, kind, range| {
                // Stretches under one shift are one reading; a letter and what it stands for tell the shift.
                let first =
                    text.bytes().zip(cased[range.clone()].bytes()).find(|(_, cipher)| cipher.is_ascii_alphabetic());
                let shift = first.map_or(0, |(plain, cipher)| (plain + 26 - (cipher | 0x20)) % 26);
                let piece = shifted.entry((kind, if kind == Kind::Caesar { shift } else { 0 })).or_default();
                piece.text.push_str(&text);
                piece.map.push_linear(text.len(), range.start);
                piece.text.push('\n');
                piece.map.push(1, range.end..range.end);
            });
            inline.extend(shifted.into_iter().map(|((kind, _), pieces)| (kind, pieces.text, pieces.map)));
        }
        if budget.cut {
            self.hit.insert("max_decoded_bytes");
        }
        for (kind, text, map) in inline {
            self.push_decoded(index, Base::Cased, vec![kind], text, map);
        }
        for (kinds, piece) in &pieces {
            if kinds.iter().all(|kind| kind.hides()) && piece.text.len() >= 12 && decode::reads_as_text(&piece.text) {
                let range = piece.map.to_source(0..piece.map.view_len());
                self.signal(Signal::EncodedText, index, Base::Cased, range);
            }
        }
        self.push_pieces(index, Base::Cased, pieces);
    }

    fn push_pieces(&mut self, parent: usize, base: Base, pieces: BTreeMap<Vec<Kind>, Pieces>) {
        for (kinds, piece) in pieces {
            self.push_decoded(parent, base, kinds, piece.text, piece.map);
        }
    }

    fn push_decoded(&mut self, parent: usize, base: Base, kinds: Vec<Kind>, text: String, map: OffsetMap) {
        // A letter cipher is undone only once, so that it needs no cap; spurious ones must not use up the room of real encodings.
        let depth = self.views[parent].depth + kinds.iter().filter(|kind| !kind.is_cipher()).count();
        if depth > self.limits.max_decode_depth {
            self.hit.insert("max_decode_depth");
            return;
        }
        self.decoded += text.len();
        if self.decoded > self.limits.max_decoded_bytes {
            self.hit.insert("max_decoded_bytes");
            return;
        }
        let view = &self.views[parent];
        let hidden = view.hidden || kinds.iter().any(|kind| kind.hides());
        let cipher = kinds.iter().any(|kind| kind.is_cipher());
        // What hides a whole text holds one of its own; everything else is as disguised as it was before.
        let own = kinds.iter().all(|kind| kind.hides() && !kind.is_cipher());
        let disguises = if own { Vec::new() } else { view.disguises.clone() };
        let deciphered = view.deciphered || cipher;
        let text = Cow::Owned(text);
        self.push(View { kinds, parent, base, text, map, depth, disguises, hidden, deciphered, normal: None });
    }

    fn may_disguise(&self, parent: usize, kind: Kind) -> bool {
        let view = &self.views[parent];
        let most = if self.views[0].text.len() <= TWO_DISGUISES { 2 } else { 1 };
        let turned = |kind: Kind| matches!(kind, Kind::Reversed | Kind::ReversedWords);
        let in_order = view.disguises.last().is_none_or(|&last| last < kind && !(turned(last) && turned(kind)));
        view.disguises.len() < most && in_order
    }

    fn push_disguise(&mut self, parent: usize, kind: Kind, base: Base, text: String, map: OffsetMap) -> bool {
        if !self.may_disguise(parent, kind) {
            return false;
        }
        let view = &self.views[parent];
        let disguises = view.disguises.iter().copied().chain([kind]).collect();
        let (depth, hidden, deciphered) = (view.depth, view.hidden, view.deciphered);
        let (kinds, text) = (vec![kind], Cow::Owned(text));
        self.push(View { kinds, parent, base, text, map, depth, disguises, hidden, deciphered, normal: None })
    }

    fn push(&mut self, view: View<'t>) -> bool {
        // The same reading of the same place is one reading; the same words elsewhere are another finding.
        let mut hasher = DefaultHasher::new();
        view.text.hash(&mut hasher);
        to_root(&self.views, view.parent, view.base, view.map.to_source(0..view.map.view_len())).hash(&mut hasher);
        if !self.texts.insert(hasher.finish()) {
            return false;
        }
        if self.views.len() >= self.limits.max_views {
            self.hit.insert("max_views");
            return false;
        }
        self.views.push(view);
        true
    }

    fn report(self, text: &str, inspection: &mut Inspection) {
        let mut found = self.found;
        found.sort_by_key(|f| (f.range.start, f.range.end, f.rule));
        let mut points = CodePoints::new(text, inspection.chars_seen == text.len());
        inspection.findings = found
            .into_iter()
            .map(|f| {
                let start = points.at(f.range.start);
                Finding {
                    rule: f.rule,
                    start,
                    end: start + count(text.as_bytes().get(f.range.clone()).unwrap_or_default()),
                    view: chain(&self.views, f.view),
                }
            })
            .collect();
        inspection.limits_hit.extend(self.hit);
    }
}

impl Pieces {
    fn push(&mut self, text: &str, range: Range<usize>) {
        self.text.push_str(text);
        self.map.push(text.len(), range.clone());
        self.text.push('\n');
        self.map.push(1, range.end..range.end);
    }
}

/// A range with the text around it that may belong to it.
fn lines_around(text: &str, range: Range<usize>) -> Range<usize> {
    let start = text.floor_char_boundary(range.start.saturating_sub(BACKWARDS));
    start..text.ceil_char_boundary(range.end.saturating_add(BACKWARDS))
}
