//! Rules on one reading: literals first, then the few patterns whose literals are all there, near where they are.

use std::borrow::Cow;
use std::ops::Range;

use crate::normal::MAX_PUNCTUATION_RUN;
use crate::offsets::OffsetMap;
use crate::rules::{Form, Hit, RuleSet, Source, View as Reads};
use crate::views::{Base, View};

/// Texts up to this size are folded once as a whole.
const SMALL: usize = 4096;
/// In plain text, gaps are shorter than this (longer ones are evened out before): how much farther than in folded text literals can lie apart.
const STRETCH: usize = 32;
/// A literal's place is where it begins; a match may begin before and end behind it.
const SLACK: usize = 64;

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
    pub(crate) backwards: Option<Range<usize>>,
    /// Where literals stand in ROT13.
    pub(crate) rot13: Option<Range<usize>>,
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

/// A folded stretch of a reading.
struct Region<'v> {
    text: Cow<'v, str>,
    map: OffsetMap,
}

impl<'r> Matcher<'r> {
    pub(crate) fn new(rules: &'r RuleSet, source: Source, paranoia: u8) -> Self {
        Self { rules, source, paranoia, sightings: Vec::new(), generation: 0 }
    }

    /// Runs the active rules on a reading and returns at most `room` matches.
    pub(crate) fn run(&mut self, view: &View<'_>, room: usize) -> Outcome {
        let mut outcome = Outcome::default();
        let plain = view.normal.is_none();
        let base = if plain { Base::Raw } else { Base::Folded };
        let candidates = self.candidates(view, &mut outcome);
        let folded = view.folded();
        let mut whole: [Option<Region<'_>>; 2] = [None, None];
        for (pattern, stretches) in candidates {
            let (rule, pattern) = &self.rules.patterns[pattern as usize];
            let compiled = &self.rules.compiled[*rule as usize];
            let Some(regex) = pattern.regex() else {
                outcome.failed = true;
                continue;
            };
            let cased = compiled.view == Reads::Cased;
            let radius = pattern.span + compiled.reach() + SLACK;
            let covered: usize = stretches.iter().map(|(first, last)| last - first + 2 * radius).sum();
            // Cased rules read the cased form, in which offsets differ unless the text is plain; so do conditions on the whole reading.
            let needs_whole = folded.len() <= SMALL
                || covered * 4 >= folded.len()
                || (cased && !plain)
                || !compiled.all_of.is_empty();
            let (text, base) = if cased && !plain { (view.cased(), Base::Cased) } else { (folded, base) };
            let slot = usize::from(cased);
            if needs_whole && whole[slot].is_none() {
                whole[slot] = Some(region(text, 0..text.len(), plain, cased));
            }
            let ranges: Stretches = if needs_whole {
                vec![(0, text.len())]
            } else {
                stretches.iter().map(|&(first, last)| widen(text, first, last, radius)).collect()
            };
            for (start, end) in ranges {
                let made;
                let region = match &whole[slot] {
                    Some(region) if needs_whole => region,
                    _ => {
                        made = region(text, start..end, plain, cased);
                        &made
                    }
                };
                let all = || compiled.all_of.iter().all(|pattern| pattern.is_match(&region.text));
                let mut held = None;
                for found in regex.find_iter(&region.text) {
                    let near =
                        compiled.near.as_ref().is_none_or(|near| near.holds(&region.text, found.start(), found.end()));
                    let excused = self.paranoia < 2
                        && compiled
                            .not_near
                            .as_ref()
                            .is_some_and(|near| near.holds(&region.text, found.start(), found.end()));
                    if near && !excused && *held.get_or_insert_with(all) {
                        if outcome.matches.len() >= room {
                            outcome.more = true;
                            return outcome;
                        }
                        outcome.matches.push(Match { rule: *rule, range: region.map.to_source(found.range()), base });
                    }
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
        self.generation += 1;
        let generation = self.generation;
        let sightings = &mut self.sightings;
        let stretch = if view.normal.is_none() { STRETCH } else { 1 };
        rules.prefilter.scan(view.folded().as_bytes(), |Hit { literal, at, form }| {
            let elsewhere = match form {
                Form::Plain => None,
                Form::Backwards => Some(&mut outcome.backwards),
                Form::Rot13 => Some(&mut outcome.rot13),
            };
            if let Some(elsewhere) = elsewhere {
                elsewhere.get_or_insert(at..at).end = at;
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
                let farthest = pattern.span * stretch + SLACK;
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
                let radius = pattern.span + compiled.reach() + SLACK;
                match candidates[slot].1.last_mut() {
                    Some((_, last)) if at.saturating_sub(*last) <= 2 * radius => *last = at.max(*last),
                    _ => candidates[slot].1.push((at, at)),
                }
            }
        });
        candidates
    }
}

/// A stretch widened by `radius` bytes of folded text on either side.
fn widen(text: &str, first: usize, last: usize, radius: usize) -> (usize, usize) {
    let bytes = text.as_bytes();
    let counts = |at: usize| !(bytes[at].is_ascii_whitespace() && at > 0 && bytes[at - 1].is_ascii_whitespace());
    let (mut start, mut room) = (first.min(text.len()), radius);
    while start > 0 && room > 0 {
        start -= 1;
        room -= usize::from(counts(start));
    }
    let (mut end, mut room) = (last.min(text.len()), radius);
    while end < text.len() && room > 0 {
        room -= usize::from(counts(end));
        end += 1;
    }
    while !text.is_char_boundary(start) {
        start -= 1;
    }
    while !text.is_char_boundary(end) {
        end += 1;
    }
    (start, end)
}

/// A stretch as patterns read it. What was normalised is so already; plain text is folded here, and only here.
fn region(text: &str, range: Range<usize>, plain: bool, cased: bool) -> Region<'_> {
    let stretch = &text[range.clone()];
    if !plain {
        return Region { text: Cow::Borrowed(stretch), map: OffsetMap::identity(range.start, stretch.len()) };
    }
    let mut out = String::with_capacity(stretch.len());
    let mut map = OffsetMap::default();
    let (mut previous, mut repeated) = ('\0', 0);
    let mut kept_from = range.start; // start of the stretch of bytes that are kept one by one
    for (offset, c) in stretch.char_indices() {
        let at = range.start + offset;
        let blank = c.is_ascii_whitespace();
        let again = if blank { previous.is_ascii_whitespace() } else { c == previous };
        repeated = if again { repeated + 1 } else { 0 };
        previous = c;
        if blank && repeated > 0 || !blank && !c.is_ascii_alphanumeric() && repeated >= MAX_PUNCTUATION_RUN {
            map.push_linear(at - kept_from, kept_from);
            kept_from = at + 1;
            if c == '\n' && out.ends_with(' ') {
                out.pop();
                out.push('\n');
            }
            continue;
        }
        out.push(match c {
            '\n' => '\n',
            _ if blank => ' ',
            _ if cased => c,
            _ => c.to_ascii_lowercase(),
        });
    }
    map.push_linear(range.end - kept_from, kept_from);
    Region { text: Cow::Owned(out), map }
}
