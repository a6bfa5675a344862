//! A text with some of its stretches replaced: what inline escapes, leetspeak and spaced letters come down to.

use std::ops::Range;

use crate::offsets::OffsetMap;

/// Bytes of unchanged text that are kept on either side of a change. Farther ones say nothing that the text itself does not, and reading
/// them again would double the work for one changed word; no rule looks farther.
const AROUND: usize = 2048;

/// Writes the reading, change by change.
pub(crate) struct Splice<'t> {
    source: &'t str,
    out: Vec<u8>,
    map: OffsetMap,
    done: usize,
}

impl<'t> Splice<'t> {
    pub(crate) fn new(source: &'t str) -> Self {
        Self { source, out: Vec::new(), map: OffsetMap::default(), done: 0 }
    }

    /// Replaces a range, which must not begin before the last one ended.
    pub(crate) fn replace(&mut self, range: Range<usize>, by: &[u8]) {
        self.unchanged(range.start);
        self.append(range.clone(), by);
        self.done = range.end;
    }

    /// Appends a part of what replaces a range that [`Self::skip_to`] will end.
    pub(crate) fn append(&mut self, source: Range<usize>, by: &[u8]) {
        self.out.extend(by);
        if by.len() == source.len() {
            self.map.push_linear(by.len(), source.start);
        } else {
            self.map.push(by.len(), source);
        }
    }

    /// Copies the text up to `end`, or as much of it as is near a change.
    pub(crate) fn unchanged(&mut self, end: usize) {
        let gap = self.done..end;
        if gap.len() <= 2 * AROUND {
            self.copy(gap);
        } else {
            // Nothing changed before the first change or behind the last one.
            if !self.out.is_empty() {
                self.copy(gap.start..self.source.floor_char_boundary(gap.start + AROUND));
                self.append(gap.end..gap.end, b"\n");
            }
            self.copy(self.source.floor_char_boundary(gap.end - AROUND)..gap.end);
        }
        self.done = end;
    }

    /// Goes on behind what was appended.
    pub(crate) fn skip_to(&mut self, end: usize) {
        self.done = end;
    }

    fn copy(&mut self, range: Range<usize>) {
        self.out.extend(&self.source.as_bytes()[range.clone()]);
        self.map.push_linear(range.len(), range.start);
    }

    /// The reading. Bytes that are not UTF-8, which decoding can leave, read as blanks, byte for byte.
    pub(crate) fn finish(mut self) -> (String, OffsetMap) {
        let end = self.source.len().min(self.source.floor_char_boundary(self.done + AROUND));
        self.copy(self.done..end);
        let text = String::from_utf8(self.out).unwrap_or_else(|error| {
            let mut text = String::with_capacity(error.as_bytes().len());
            for chunk in error.as_bytes().utf8_chunks() {
                text.push_str(chunk.valid());
                text.extend(chunk.invalid().iter().map(|_| ' '));
            }
            text
        });
        (text, self.map)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn near_text_is_kept_and_far_text_is_not() {
        let source = format!("{}a1b{}", "x".repeat(9000), "y".repeat(9000));
        let mut splice = Splice::new(&source);
        splice.replace(9001..9002, b"i");
        let (text, map) = splice.finish();
        assert_eq!(text.len(), 2 * AROUND + 1);
        let at = text.find("aib").unwrap_or_default();
        assert_eq!(map.to_source(at..at + 3), 9000..9003);
        assert_eq!(map.view_len(), text.len());
    }
}
