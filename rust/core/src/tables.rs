//! The Unicode folding table, one data file for all engines: `python/promptward/data/unicode.tsv` (made by `rust/tables`).

use std::sync::OnceLock;

const SOURCE: &str = include_str!("../../../python/promptward/data/unicode.tsv");
const PAGE: usize = 256;
const PAGES: usize = 0x11_0000 / PAGE;

/// How one code point reads.
#[derive(Clone, Debug)]
pub struct Entry {
    /// NFKC without invisible characters; case and accents kept.
    pub normalised: String,
    /// Case-folded, without accents.
    pub folded: String,
    /// The ASCII letters that it can pass for, or as `folded`.
    pub lookalike: String,
    /// The letter that it shows upside down.
    pub turned: Option<char>,
}

/// The table: pages of 256 code points, absent where no code point of a page changes.
pub struct Tables {
    pages: Vec<Option<Box<[u16; PAGE]>>>,
    entries: Vec<Entry>,
}

impl Tables {
    /// The table, parsed on first use.
    pub fn get() -> &'static Self {
        static TABLES: OnceLock<Tables> = OnceLock::new();
        TABLES.get_or_init(|| Self::parse(SOURCE))
    }

    /// The Unicode version that the table was made from.
    #[must_use]
    pub fn version() -> &'static str {
        SOURCE
            .lines()
            .next()
            .and_then(|line| line.split("UCD ").nth(1))
            .and_then(|rest| rest.split(',').next())
            .unwrap_or("unknown")
    }

    fn parse(source: &str) -> Self {
        let mut tables = Self { pages: vec![None; PAGES], entries: Vec::with_capacity(16 << 10) };
        for line in source.lines().filter(|line| !line.starts_with('#')) {
            let mut fields = line.split('\t');
            let Some(c) = fields.next().and_then(|hex| u32::from_str_radix(hex, 16).ok()).and_then(char::from_u32)
            else {
                continue;
            };
            let mut left = c.to_string();
            let mut column = || {
                left = read_column(fields.next().unwrap_or("="), &left);
                left.clone()
            };
            let (normalised, folded, lookalike) = (column(), column(), column());
            let turned =
                fields.next().filter(|text| *text != "-").and_then(|text| read_column(text, "").chars().next());
            tables.entries.push(Entry { normalised, folded, lookalike, turned });
            let index = tables.entries.len() as u16; // 0 = unchanged
            let page = tables.pages[c as usize / PAGE].get_or_insert_with(|| Box::new([0; PAGE]));
            page[c as usize % PAGE] = index;
        }
        tables
    }

    /// How `c` reads; `None` if every reading leaves it as it is.
    #[inline]
    #[must_use]
    pub fn entry(&self, c: char) -> Option<&Entry> {
        let page = self.pages.get(c as usize / PAGE)?.as_ref()?;
        let index = page[c as usize % PAGE] as usize;
        self.entries.get(index.checked_sub(1)?)
    }

    /// Appends the folded reading of `text`, which may hold anything.
    #[must_use]
    pub fn fold(&self, text: &str) -> String {
        let mut out = String::with_capacity(text.len());
        for c in text.chars() {
            match self.entry(c) {
                _ if c.is_ascii() => out.push(c.to_ascii_lowercase()),
                Some(entry) => out.push_str(&entry.folded),
                None => out.push(c),
            }
        }
        out
    }
}

/// `=`: as the column to the left; `-`: nothing; `\u{…}`: that code point.
fn read_column(text: &str, left: &str) -> String {
    match text {
        "=" => left.to_owned(),
        "-" => String::new(),
        _ if text.starts_with("\\u{") => text
            .split("\\u{")
            .filter_map(|hex| u32::from_str_radix(hex.trim_end_matches('}'), 16).ok())
            .filter_map(char::from_u32)
            .collect(),
        _ => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folds_what_it_should() {
        let tables = Tables::get();
        for (text, folded) in [
            ("ＦＵＬＬ", "full"),
            ("Überschreibe", "uberschreibe"),
            ("straße", "strasse"),
            ("İstanbul ısı", "istanbul isi"),
            ("Łódź", "lodz"),
            ("НЕТ", "нет"),
            ("한국", "한국"),
            ("𝐈𝐠𝐧𝐨𝐫𝐞", "ignore"),
            ("नहीं", "नहीं"),
            ("à", "a"),
        ] {
            assert_eq!(tables.fold(text), folded, "{text}");
        }
    }

    #[test]
    fn folding_is_idempotent_over_all_code_points() {
        let tables = Tables::get();
        for c in (0..=0x10_FFFF).filter_map(char::from_u32) {
            let once = tables.fold(&c.to_string());
            assert_eq!(tables.fold(&once), once, "U+{:04X}", c as u32);
        }
    }

    #[test]
    fn lookalikes_are_ascii() {
        let tables = Tables::get();
        for (c, letter) in
            [('а', "a"), ('І', "i"), ('ո', "n"), ('ѕ', "s"), ('к', "k"), ('🇮', "i"), ('ɡ', "g"), ('ᴛ', "t")]
        {
            assert_eq!(tables.entry(c).map(|e| e.lookalike.as_str()), Some(letter), "{c}");
        }
    }
}
