//! From offsets in a reading back to offsets in the text that it was made of.

use std::ops::Range;

/// A stretch of a reading and where it came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Segment {
    view_start: u32,
    source_start: u32,
    source_len: u32,
    /// The bytes correspond one to one; otherwise the stretch stands for its source as a whole.
    linear: bool,
}

/// Maps byte ranges of a reading to byte ranges of its source.
///
/// Segments lie in order of the reading. What a reading left out has no segment: it belongs to a range when both its sides do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct OffsetMap {
    segments: Vec<Segment>,
    view_len: u32,
    /// Later stretches of the reading come from later ones of the source.
    ordered: bool,
}

impl Default for OffsetMap {
    fn default() -> Self {
        Self { segments: Vec::new(), view_len: 0, ordered: true }
    }
}

impl OffsetMap {
    /// The map of a reading that equals its source from `source_start` on.
    pub(crate) fn identity(source_start: usize, len: usize) -> Self {
        let mut map = Self::default();
        map.push_linear(len, source_start);
        map
    }

    /// Appends `len` bytes of the reading that equal the source's from `source_start` on in length, byte by byte.
    pub(crate) fn push_linear(&mut self, len: usize, source_start: usize) {
        if len == 0 {
            return;
        }
        self.note_order(source_start);
        if let Some(last) = self.segments.last_mut() {
            let contiguous = last.linear && last.source_start as usize + last.source_len as usize == source_start;
            if contiguous {
                last.source_len += len as u32;
                self.view_len += len as u32;
                return;
            }
        }
        self.segments.push(Segment {
            view_start: self.view_len,
            source_start: source_start as u32,
            source_len: len as u32,
            linear: true,
        });
        self.view_len += len as u32;
    }

    /// Appends `view_len` bytes of the reading that stand for `source` as a whole.
    pub(crate) fn push(&mut self, view_len: usize, source: Range<usize>) {
        if view_len == 0 {
            return;
        }
        self.note_order(source.start);
        let source_len = source.end.saturating_sub(source.start);
        self.segments.push(Segment {
            view_start: self.view_len,
            source_start: source.start as u32,
            source_len: source_len as u32,
            linear: false,
        });
        self.view_len += view_len as u32;
    }

    fn note_order(&mut self, source_start: usize) {
        self.ordered &= self.segments.last().is_none_or(|last| (last.source_start as usize) <= source_start);
    }

    /// Bytes of the reading that the map covers.
    pub(crate) fn view_len(&self) -> usize {
        self.view_len as usize
    }

    /// The source range of a range of the reading: the smallest that holds all it stands for, in whatever order.
    ///
    /// An empty range maps to an empty one. Offsets past the end are those of the end.
    pub(crate) fn to_source(&self, view: Range<usize>) -> Range<usize> {
        let start = view.start.min(self.view_len());
        let end = view.end.clamp(start, self.view_len());
        let from = self.segments.partition_point(|s| s.view_start as usize <= start).saturating_sub(1);
        if start == end {
            let at = self.segments.get(from).map_or(0, |s| {
                let inside = if s.linear { (start - s.view_start as usize).min(s.source_len as usize) } else { 0 };
                s.source_start as usize + inside
            });
            return at..at;
        }
        let to = self.segments.partition_point(|s| (s.view_start as usize) < end);
        let touched = self.segments.get(from..to).unwrap_or_default();
        let source = |s: &Segment| {
            let all = s.source_start as usize..(s.source_start + s.source_len) as usize;
            if !s.linear {
                return all;
            }
            let first = s.view_start as usize;
            all.start + start.saturating_sub(first)..all.end.min(all.start + (end - first))
        };
        // Readings that keep the order, nearly all, have their ends at their ends.
        if self.ordered {
            return match (touched.first(), touched.last()) {
                (Some(first), Some(last)) => source(first).start..source(last).end,
                _ => 0..0,
            };
        }
        let start = touched.iter().map(|s| source(s).start).min().unwrap_or(0);
        start..touched.iter().map(|s| source(s).end).max().unwrap_or(start)
    }
}

/// Converts ascending byte offsets of a text to code-point offsets, each byte read at most once.
pub(crate) struct CodePoints<'t> {
    text: &'t str,
    ascii: bool,
    byte: usize,
    point: usize,
}

impl<'t> CodePoints<'t> {
    /// A converter over `text`; `ascii` says that the text is known to be ASCII.
    pub(crate) fn new(text: &'t str, ascii: bool) -> Self {
        Self { text, ascii, byte: 0, point: 0 }
    }

    /// The code-point offset of a byte offset; one inside a character counts as that character's start.
    pub(crate) fn at(&mut self, byte: usize) -> usize {
        if self.ascii {
            return byte.min(self.text.len());
        }
        let mut byte = byte.min(self.text.len());
        while !self.text.is_char_boundary(byte) {
            byte -= 1;
        }
        if byte < self.byte {
            (self.byte, self.point) = (0, 0);
        }
        self.point += count(&self.text.as_bytes()[self.byte..byte]);
        self.byte = byte;
        self.point
    }
}

/// Code points in UTF-8 bytes.
pub(crate) fn count(utf8: &[u8]) -> usize {
    utf8.iter().filter(|&&byte| byte & 0xC0 != 0x80).count()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn linear_and_whole_segments_map_back() {
        let mut map = OffsetMap::default();
        map.push_linear(3, 0); // "abc" <- "abc"
        map.push(1, 3..5); // "e" <- "é"
        map.push_linear(2, 5);
        assert_eq!(map.to_source(0..3), 0..3);
        assert_eq!(map.to_source(3..4), 3..5);
        assert_eq!(map.to_source(2..5), 2..6);
        assert_eq!(map.to_source(6..6), 7..7);
        assert_eq!(map.to_source(0..99), 0..7);
    }

    #[test]
    fn what_was_left_out_belongs_to_a_range_that_spans_it() {
        let mut map = OffsetMap::default();
        map.push_linear(2, 0);
        map.push_linear(2, 10);
        assert_eq!(map.to_source(1..3), 1..11);
        assert_eq!(map.to_source(2..3), 10..11);
    }

    #[test]
    fn reversed_segments_give_the_hull() {
        let mut map = OffsetMap::default();
        map.push(1, 9..10);
        map.push(1, 8..9);
        map.push(1, 7..8);
        assert_eq!(map.to_source(0..3), 7..10);
        assert_eq!(map.to_source(1..2), 8..9);
    }

    #[test]
    fn code_points_go_forward_and_back() {
        let text = "aé漢😀z";
        let mut points = CodePoints::new(text, false);
        let offsets: Vec<usize> = text.char_indices().map(|(byte, _)| byte).collect();
        for (point, &byte) in offsets.iter().enumerate() {
            assert_eq!(points.at(byte), point);
        }
        assert_eq!(points.at(0), 0);
        assert_eq!(points.at(text.len()), 5);
    }
}
