//! The two readings that every text has: *cased* (NFKC, nothing invisible) and *folded* (case, accents and white space evened out).

use std::ops::Range;

use crate::offsets::OffsetMap;
use crate::tables::Tables;

/// A text in its cased and folded readings, with maps back to it, and what the pass noticed on its way.
#[derive(Default)]
pub(crate) struct Normal {
    pub(crate) cased: String,
    pub(crate) cased_map: OffsetMap,
    pub(crate) folded: String,
    pub(crate) folded_map: OffsetMap,
    pub(crate) seen: Seen,
}

/// What there was in a text that some other reading may undo.
#[derive(Default, Clone, Debug)]
pub(crate) struct Seen {
    /// Characters of another script that can pass for Latin letters.
    pub(crate) lookalikes: usize,
    /// Letters outside ASCII that read as another letter upside down.
    pub(crate) turned: usize,
    /// Tag characters.
    pub(crate) tags: usize,
    /// Variation selectors.
    pub(crate) selectors: usize,
    /// Zero-width characters.
    pub(crate) zero_width: usize,
    /// Bidirectional controls.
    pub(crate) bidi: usize,
    /// Backspace and delete.
    pub(crate) backspaces: usize,
    /// Longest run of invisible characters: how many, and where.
    pub(crate) invisible_run: (usize, Range<usize>),
    /// Most marks on one character: how many, and where.
    pub(crate) mark_run: (usize, Range<usize>),
}

/// Longest run of one punctuation mark that a reading keeps.
pub(crate) const MAX_PUNCTUATION_RUN: usize = 3;

/// One of the two readings while it is being written: evens out white space and runs of punctuation.
#[derive(Default)]
struct Writer {
    text: String,
    map: OffsetMap,
    blank: bool,
    last: Option<char>,
    repeated: usize,
    /// Runs of punctuation are kept as they are: decoders count on them.
    keep_runs: bool,
}

impl Writer {
    fn push(&mut self, c: char, source: std::ops::Range<usize>) {
        if matches!(c, ' ' | '\n' | '\t' | '\r') {
            if self.blank {
                // A run of white space reads as one: a line break if it holds one.
                if c == '\n' && self.text.ends_with(' ') {
                    self.text.pop();
                    self.text.push('\n');
                }
                return;
            }
            self.blank = true;
            self.last = None;
            self.text.push(if c == '\n' { '\n' } else { ' ' });
            self.map.push_linear(1, source.start);
            return;
        }
        self.blank = false;
        if self.last == Some(c) {
            self.repeated += 1;
            if self.repeated >= MAX_PUNCTUATION_RUN && !self.keep_runs && !c.is_alphanumeric() {
                return;
            }
        } else {
            (self.last, self.repeated) = (Some(c), 0);
        }
        self.text.push(c);
        let len = c.len_utf8();
        if len == source.len() { self.map.push_linear(len, source.start) } else { self.map.push(len, source) }
    }

    /// Appends text that holds no run.
    fn copy(&mut self, text: &str, source_start: usize) {
        self.text.push_str(text);
        self.map.push_linear(text.len(), source_start);
        self.last = text.chars().next_back();
        self.blank = self.last.is_some_and(char::is_whitespace);
        let same = text.bytes().rev().take_while(|&b| Some(char::from(b)) == self.last).count();
        self.repeated = same.saturating_sub(1);
    }

    fn push_all(&mut self, text: &str, source: std::ops::Range<usize>) {
        for c in text.chars() {
            self.push(c, source.clone());
        }
    }
}

/// Composes conjoining jamo to syllables, as NFC does; Korean text from file systems arrives decomposed.
fn compose_jamo(lead: char, vowel: char, tail: Option<char>) -> Option<char> {
    let l = (lead as u32).checked_sub(0x1100).filter(|l| *l < 19)?;
    let v = (vowel as u32).checked_sub(0x1161).filter(|v| *v < 21)?;
    let t = tail.and_then(|t| (t as u32).checked_sub(0x11A7)).filter(|t| *t < 28).unwrap_or(0);
    char::from_u32(0xAC00 + (l * 21 + v) * 28 + t)
}

impl Normal {
    pub(crate) fn new(source: &str) -> Self {
        if source.bytes().all(|b| matches!(b, b'\n' | b'\t' | b'\r' | b' '..=b'~')) {
            return Self::plain(source);
        }
        let tables = Tables::get();
        let mut cased = Writer { text: String::with_capacity(source.len()), keep_runs: true, ..Writer::default() };
        let mut folded = Writer { text: String::with_capacity(source.len()), ..Writer::default() };
        let mut seen = Seen::default();
        let (mut invisible, mut marks) = (0, 0);
        let (mut invisible_from, mut marks_from) = (0, 0);
        let mut chars = source.char_indices().peekable();
        while let Some((at, c)) = chars.next() {
            let range = at..at + c.len_utf8();
            if c.is_ascii() && (c >= ' ' || matches!(c, '\n' | '\t' | '\r')) && c != '\u{7f}' {
                (invisible, marks, marks_from) = (0, 0, range.start);
                cased.push(c, range.clone());
                folded.push(c.to_ascii_lowercase(), range);
                continue;
            }
            if ('\u{1100}'..='\u{1112}').contains(&c)
                && let Some(&(_, vowel)) = chars.peek().filter(|(_, v)| ('\u{1161}'..='\u{1175}').contains(v))
            {
                chars.next();
                let tail = chars.peek().map(|&(_, t)| t).filter(|t| ('\u{11A8}'..='\u{11C2}').contains(t));
                if tail.is_some() {
                    chars.next();
                }
                let end = chars.peek().map_or(source.len(), |&(next, _)| next);
                if let Some(syllable) = compose_jamo(c, vowel, tail) {
                    cased.push(syllable, at..end);
                    folded.push(syllable, at..end);
                }
                continue;
            }
            let Some(entry) = tables.entry(c) else {
                (invisible, marks, marks_from) = (0, 0, range.start);
                cased.push(c, range.clone());
                folded.push(c, range);
                continue;
            };
            if entry.normalised.is_empty() {
                invisible += 1;
                if invisible == 1 {
                    invisible_from = range.start;
                }
                if invisible > seen.invisible_run.0 {
                    seen.invisible_run = (invisible, invisible_from..range.end);
                }
                seen.note_invisible(c);
            } else {
                invisible = 0;
                if entry.folded.is_empty() {
                    marks += 1;
                    if marks > seen.mark_run.0 {
                        seen.mark_run = (marks, marks_from..range.end);
                    }
                } else {
                    (marks, marks_from) = (0, range.start);
                }
            }
            seen.lookalikes += usize::from(entry.lookalike != entry.folded);
            seen.turned += usize::from(entry.turned.is_some() && !c.is_ascii() && c.is_alphabetic());
            cased.push_all(&entry.normalised, range.clone());
            folded.push_all(&entry.folded, range);
        }
        Self { cased: cased.text, cased_map: cased.map, folded: folded.text, folded_map: folded.map, seen }
    }

    /// The readings of plain ASCII: only runs are evened out, and stretches without one are copied as they are.
    fn plain(source: &str) -> Self {
        const STRETCH: usize = 64;
        let bytes = source.as_bytes();
        let mut cased = Writer { text: String::with_capacity(source.len()), keep_runs: true, ..Writer::default() };
        let mut folded = Writer { text: String::with_capacity(source.len()), ..Writer::default() };
        let mut at = 0;
        while at < bytes.len() {
            // Three bytes before decide whether a run goes on in the stretch.
            let look = &bytes[at.saturating_sub(3)..(at + STRETCH).min(bytes.len())];
            let twice = look.windows(2).fold(0_u8, |seen, w| seen | (u8::from(w[0] <= b' ') & u8::from(w[1] <= b' ')));
            let odd = look.iter().fold(0_u8, |seen, &b| seen | u8::from((b == b'\t') | (b == b'\r')));
            let again = look.windows(4).fold(0_u8, |seen, w| {
                seen | (u8::from(w[0] == w[1]) & u8::from(w[1] == w[2]) & u8::from(w[2] == w[3]))
            });
            let end = (at + STRETCH).min(bytes.len());
            for writer in [&mut cased, &mut folded] {
                if twice | odd | again == 0 {
                    writer.copy(&source[at..end], at);
                } else {
                    (at..end).for_each(|at| writer.push(char::from(bytes[at]), at..at + 1));
                }
            }
            at = end;
        }
        folded.text.make_ascii_lowercase();
        Self {
            cased: cased.text,
            cased_map: cased.map,
            folded: folded.text,
            folded_map: folded.map,
            seen: Seen::default(),
        }
    }

    /// The reading in which every character that passes for an ASCII letter is that letter.
    pub(crate) fn lookalikes(source: &str) -> (String, OffsetMap) {
        let tables = Tables::get();
        let mut writer = Writer { text: String::with_capacity(source.len()), ..Writer::default() };
        for (at, c) in source.char_indices() {
            let range = at..at + c.len_utf8();
            match tables.entry(c) {
                _ if c.is_ascii() && !c.is_ascii_control() => writer.push(c.to_ascii_lowercase(), range),
                Some(entry) => writer.push_all(&entry.lookalike, range),
                None => writer.push(c, range),
            }
        }
        (writer.text, writer.map)
    }
}

impl Seen {
    fn note_invisible(&mut self, c: char) {
        match c as u32 {
            0x08 | 0x7F => self.backspaces += 1,
            0xE0000..=0xE007F => self.tags += 1,
            0xFE00..=0xFE0F | 0xE0100..=0xE01EF => self.selectors += 1,
            0x202A..=0x202E | 0x2066..=0x2069 => self.bidi += 1,
            0x200B..=0x200D | 0x2060..=0x2064 | 0xFEFF | 0x180E => self.zero_width += 1,
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn readings_and_offsets() {
        let source = "Ｉｇｎｏｒｅ\u{200b}  ALL\n\n préviouſ!!!!!! e\u{301}";
        let normal = Normal::new(source);
        assert_eq!(normal.cased, "Ignore ALL\nprévious!!!!!! e\u{301}");
        assert_eq!(normal.folded, "ignore all\npreviouS!!! e".to_lowercase());
        let at = normal.folded.find("all").unwrap_or_default();
        assert_eq!(&source[normal.folded_map.to_source(at..at + 3)], "ALL");
        assert_eq!(&source[normal.folded_map.to_source(0..6)], "Ｉｇｎｏｒｅ");
    }

    #[test]
    fn the_fast_way_and_the_slow_way_agree() {
        let base = "Some text,  with runs of....... marks\t\tand\r\n blank lines\n\n\n    indented === ====== == and more words here to fill it up";
        for shift in 0..70 {
            let source = format!("{}{base}", &"x".repeat(shift));
            let fast = Normal::plain(&source);
            for (keep_runs, text, map) in
                [(true, &fast.cased, &fast.cased_map), (false, &fast.folded, &fast.folded_map)]
            {
                let mut slow = Writer { keep_runs, ..Writer::default() };
                source.char_indices().for_each(|(at, c)| slow.push(c, at..at + 1));
                assert_eq!((text.to_lowercase(), map), (slow.text.to_lowercase(), &slow.map));
            }
        }
    }

    #[test]
    fn decomposed_hangul_is_composed() {
        assert_eq!(Normal::new("\u{1112}\u{1161}\u{11ab}\u{1100}\u{1173}\u{11af}").folded, "한글");
    }
}
