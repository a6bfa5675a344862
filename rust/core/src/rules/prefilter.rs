//! The prefilter: one pass over a text that finds the literals of all patterns at once.
//!
//! Every literal is known by its rarest four bytes. A bitmap of hashes answers "no" for nearly all positions of ordinary text in
//! a handful of instructions; the few others are looked up and compared. An Aho–Corasick automaton of this many words in eighteen
//! languages would touch memory outside the first-level cache for every byte.

use super::literals::{MIN_LITERAL, rarest_gram};

const BITS: u32 = 17;
const NONE: u32 = u32::MAX;

/// How a literal stands in a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    Plain,
    Backwards,
    Rot13,
}

/// A literal found in a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Hit {
    /// Index of the literal.
    pub(crate) literal: u32,
    /// Where it begins.
    pub(crate) at: usize,
    /// How it stands there.
    pub(crate) form: Form,
}

struct Entry {
    gram: u32,
    /// Where the gram stands in the literal.
    offset: u32,
    literal: u32,
    form: Form,
    next: u32,
}

/// The literals and the table of their grams.
pub(crate) struct Prefilter {
    bitmap: Box<[u64]>,
    heads: Box<[u32]>,
    entries: Vec<Entry>,
    literals: Vec<Vec<u8>>,
    reversed: Vec<Vec<u8>>,
    rotated: Vec<Vec<u8>>,
}

/// ASCII letters are compared without case, which may also join other bytes: this is a filter.
#[inline]
fn fold(gram: u32) -> u32 {
    gram | 0x2020_2020
}

#[inline]
fn hash(gram: u32) -> u32 {
    gram.wrapping_mul(0x9E37_79B1) >> (32 - BITS)
}

impl Prefilter {
    /// Literals are folded; those of five or more letters are also looked for backwards, and in ROT13 if the letters are Latin.
    pub(crate) fn new(literals: Vec<Vec<u8>>) -> Self {
        let reverse =
            |literal: &Vec<u8>| String::from_utf8_lossy(literal).chars().rev().collect::<String>().into_bytes();
        let rotate = |byte: &u8| if byte.is_ascii_lowercase() { (byte - b'a' + 13) % 26 + b'a' } else { *byte };
        let mut filter = Self {
            bitmap: vec![0; 1 << (BITS - 6)].into(),
            heads: vec![NONE; 1 << 12].into(),
            entries: Vec::new(),
            reversed: literals.iter().map(reverse).collect(),
            rotated: literals.iter().map(|literal| literal.iter().map(rotate).collect()).collect(),
            literals,
        };
        for literal in 0..filter.literals.len() {
            filter.insert(literal, Form::Plain);
            let bytes = &filter.literals[literal];
            let (long, latin) = (bytes.len() > MIN_LITERAL, bytes.iter().all(u8::is_ascii_lowercase));
            if long && (latin || !bytes.is_ascii()) {
                filter.insert(literal, Form::Backwards);
            }
            if long && latin {
                filter.insert(literal, Form::Rot13);
            }
        }
        filter
    }

    fn text(&self, literal: usize, form: Form) -> &[u8] {
        match form {
            Form::Plain => &self.literals[literal],
            Form::Backwards => &self.reversed[literal],
            Form::Rot13 => &self.rotated[literal],
        }
    }

    fn insert(&mut self, literal: usize, form: Form) {
        let text = self.text(literal, form);
        let Some((offset, _)) = rarest_gram(text) else { return };
        let gram = fold(u32::from_le_bytes([text[offset], text[offset + 1], text[offset + 2], text[offset + 3]]));
        let bit = hash(gram);
        self.bitmap[(bit >> 6) as usize] |= 1 << (bit & 63);
        let head = &mut self.heads[(bit & 0xFFF) as usize];
        self.entries.push(Entry { gram, offset: offset as u32, literal: literal as u32, form, next: *head });
        *head = self.entries.len() as u32 - 1;
    }

    /// Calls `hit` for each literal in `text`, in the order of where their grams stand.
    pub(crate) fn scan(&self, text: &[u8], mut hit: impl FnMut(Hit)) {
        let bitmap: &[u64; 1 << (BITS - 6)] = match (*self.bitmap).try_into() {
            Ok(bitmap) => bitmap,
            Err(_) => return,
        };
        for (at, window) in text.windows(MIN_LITERAL).enumerate() {
            let gram = fold(u32::from_le_bytes([window[0], window[1], window[2], window[3]]));
            let bit = hash(gram);
            if bitmap[(bit >> 6) as usize] >> (bit & 63) & 1 == 1 {
                self.look_up(text, at, gram, bit, &mut hit);
            }
        }
    }

    #[inline(never)]
    fn look_up(&self, text: &[u8], at: usize, gram: u32, bit: u32, hit: &mut impl FnMut(Hit)) {
        let mut next = self.heads[(bit & 0xFFF) as usize];
        while let Some(entry) = self.entries.get(next as usize) {
            next = entry.next;
            if entry.gram != gram {
                continue;
            }
            let literal = self.text(entry.literal as usize, entry.form);
            let Some(start) = at.checked_sub(entry.offset as usize) else { continue };
            if text.get(start..start + literal.len()).is_some_and(|found| found.eq_ignore_ascii_case(literal)) {
                hit(Hit { literal: entry.literal, at: start, form: entry.form });
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scan(literals: &[&str], text: &str) -> Vec<(String, usize, Form)> {
        let filter = Prefilter::new(literals.iter().map(|l| l.as_bytes().to_vec()).collect());
        let mut all = Vec::new();
        filter.scan(text.as_bytes(), |hit| all.push((literals[hit.literal as usize].to_owned(), hit.at, hit.form)));
        all
    }

    #[test]
    fn finds_every_literal_at_every_place() {
        let all = scan(
            &["ignore", "previous", "<|im_", "игнор", "忽略"],
            "IGNORE the Previous <|IM_ игнор, 忽略 erongi vtaber",
        );
        assert_eq!(
            all,
            [
                ("ignore".to_owned(), 0, Form::Plain),
                ("previous".to_owned(), 11, Form::Plain),
                ("<|im_".to_owned(), 20, Form::Plain),
                ("игнор".to_owned(), 26, Form::Plain),
                ("忽略".to_owned(), 38, Form::Plain),
                ("ignore".to_owned(), 45, Form::Backwards),
                ("ignore".to_owned(), 52, Form::Rot13)
            ]
        );
        assert_eq!(scan(&["ignore"], "ignor"), []);
    }
}
