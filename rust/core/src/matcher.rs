//! Rules on one reading: literals first, then the few patterns whose literals are all there, near where they are.

use std::borrow::Cow;
use std::ops::Range;

use regex_automata::Input;

use crate::rules::{Form, Hit, RuleSet, Source, View as Reads};
use crate::views::{Base, View};

/// A literal's place is where it begins; a match may begin before and end behind it.
const SLACK: usize = 64;
/// Words that stand backwards belong together up to this far apart, in bytes.
const BACKWARDS: usize = 1000;

/// A rule that matched, and where.
pub(crate) struct Match {
    pub(crate) rule: u32,
    pub(crate) range: Range<usize>,
    pub(crate) base: Base,
}

/// What the rules said of a reading.
#[derive(Default)]
pub(crate) struct Outcome {
    pub(crate) matches: Vec<Match>,
    /// Where literals stand backwards.
    pub(crate) backwards: Vec<Range<usize>>,
    /// A pattern's automaton was too large.
    pub(crate) failed: bool,
    /// There may be more matches than there was room for.
    pub(crate) more: bool,
}

#[derive(Clone, Copy)]
struct Sighting {
    generation: u32,
    last: [u32; 3],
}

/// Stretches of a reading in which a pattern may match: first and last literal of each.
type Stretches = Vec<(usize, usize)>;

/// The state of matching one text's readings, one after the other.
pub(crate) struct Matcher<'r> {
    rules: &'r RuleSet,
    source: Source,
    paranoia: u8,
    sightings: Vec<Sighting>,
    generation: u32,
}

impl<'r> Matcher<'r> {
    pub(crate) fn new(rules: &'r RuleSet, source: Source, paranoia: u8) -> Self {
        Self { rules, source, paranoia, sightings: Vec::new(), generation: 0 }
    }

    /// Runs the active rules on a reading and returns at most `room` matches.
    pub(crate) fn run(&mut self, view: &View<'_>, room: usize) -> Outcome {
        let mut outcome = Outcome::default();
        let ascii = view.text.is_ascii();
        let candidates = self.candidates(view, &mut outcome);
        // Plain text is put in lower case as a whole, and only when some pattern's literals are there.
        let lower = if candidates.is_empty() || view.normal.is_some() {
            Cow::Borrowed(view.folded())
        } else {
            Cow::Owned(view.folded().to_ascii_lowercase())
        };
        for (pattern, stretches) in candidates {
            let (rule, pattern) = &self.rules.patterns[pattern as usize];
            let compiled = &self.rules.compiled[*rule as usize];
            let Some(regex) = pattern.regex() else {
                outcome.failed = true;
                continue;
            };
            let cased = compiled.view == Reads::Cased;
            let (text, base) = if cased { (view.cased(), Base::Cased) } else { (lower.as_ref(), Base::Folded) };
            let radius = pattern.span(ascii) + SLACK;
            // Where folding changes lengths, the places of literals say nothing about the cased form: it is read as a whole.
            let as_a_whole = cased && view.normal.is_some();
            let ranges: Stretches = if as_a_whole {
                vec![(0, text.len())]
            } else {
                stretches.iter().map(|&(first, last)| widen(text, first, last, radius)).collect()
            };
            let mut all_there = None;
            for (start, end) in ranges {
                for found in regex.find_iter(Input::new(text).span(start..end)) {
                    if !compiled.conditions_hold(text, found.range(), self.paranoia) {
                        continue;
                    }
                    if !*all_there.get_or_insert_with(|| compiled.holds_in(text, self.paranoia)) {
                        continue;
                    }
                    if outcome.matches.len() >= room {
                        outcome.more = true;
                        return outcome;
                    }
                    outcome.matches.push(Match { rule: *rule, range: found.range(), base });
                }
            }
        }
        outcome
    }

    /// The patterns whose literals are there, with where.
    fn candidates(&mut self, view: &View<'_>, outcome: &mut Outcome) -> Vec<(u32, Stretches)> {
        let (rules, source, paranoia) = (self.rules, self.source, self.paranoia);
        let mut candidates: Vec<(u32, Stretches)> = Vec::new();
        let mut index: std::collections::HashMap<u32, usize> = std::collections::HashMap::new();
        let ascii = view.text.is_ascii();
        let mut backwards: Vec<Range<usize>> = Vec::new();
        self.generation += 1;
        let generation = self.generation;
        let sightings = &mut self.sightings;
        rules.prefilter(ascii).scan(view.folded().as_bytes(), |Hit { literal, at, form }| {
            if form == Form::Backwards {
                match backwards.last_mut().filter(|range| at <= range.end + BACKWARDS) {
                    Some(range) => range.end = at.max(range.end),
                    None => backwards.push(at..at),
                }
                return;
            }
            if sightings.is_empty() {
                sightings.resize(rules.branches.len(), Sighting { generation: 0, last: [0; 3] });
            }
            for &(number, set) in &rules.users[literal as usize] {
                let branch = &rules.branches[number as usize];
                let (rule, pattern) = &rules.patterns[branch.pattern as usize];
                let compiled = &rules.compiled[*rule as usize];
                if !compiled.is_active(source, paranoia) || (compiled.view == Reads::Hidden && !view.hidden) {
                    continue;
                }
                let sighting = &mut sightings[number as usize];
                if sighting.generation != generation {
                    *sighting = Sighting { generation, last: [u32::MAX; 3] };
                }
                sighting.last[usize::from(set)] = at as u32;
                // All its sets must have been seen no farther back than a match is long.
                let farthest = pattern.span(ascii) + SLACK;
                let complete = sighting.last[..usize::from(branch.sets)]
                    .iter()
                    .all(|&last| last != u32::MAX && at.abs_diff(last as usize) <= farthest);
                if !complete {
                    continue;
                }
                let slot = *index.entry(branch.pattern).or_insert_with(|| {
                    candidates.push((branch.pattern, Vec::new()));
                    candidates.len() - 1
                });
                let radius = pattern.span(ascii) + SLACK;
                match candidates[slot].1.last_mut() {
                    Some((_, last)) if at.saturating_sub(*last) <= 2 * radius => *last = at.max(*last),
                    _ => candidates[slot].1.push((at, at)),
                }
            }
        });
        outcome.backwards = backwards;
        candidates
    }
}

/// A stretch widened by `radius` bytes on either side.
fn widen(text: &str, first: usize, last: usize, radius: usize) -> (usize, usize) {
    (text.floor_char_boundary(first.saturating_sub(radius)), text.ceil_char_boundary(last.saturating_add(radius)))
}
