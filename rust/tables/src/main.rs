//! Prints the folding table `python/promptward/data/unicode.tsv` (`make tables`).
//!
//! One line a code point that any reading changes: `hex TAB normalised TAB folded TAB lookalike TAB turned`.
//!
//! * *normalised*: NFKC, default-ignorables dropped, case kept;
//! * *folded*: compatibility-decomposed, combining marks of Latin, Greek, Cyrillic, Arabic, Hebrew and kana dropped, case-folded,
//!   Latin letters with strokes and small capitals reduced to the plain letter;
//! * *lookalike*: the ASCII letter or digit that the character can pass for (UTS #39 confusables and the additions below);
//! * *turned*: the letter that the character shows when the text is turned by 180 degrees.
//!
//! `=` stands for the column to its left (for *normalised*: the character itself), `-` for nothing.
//! Interpreters differ in the Unicode version that they know; engines that read one table can't.

use std::io::Write as _;
use unicode_normalization::UnicodeNormalization as _;
use unicode_security::confusable_detection::skeleton;

/// Latin letters without a decomposition and without a confusable prototype, small capitals, and negative squared and circled letters.
const LATIN: &[(&str, &str)] = &[
    ("łŁƚɫ", "l"),
    ("đĐðÐɖƌ", "d"),
    ("øØɵƟ", "o"),
    ("æÆ", "ae"),
    ("œŒ", "oe"),
    ("ıɪ", "i"),
    ("þÞ", "th"),
    ("ħĦʜ", "h"),
    ("ŋŊɴ", "n"),
    ("ᴀ", "a"),
    ("ʙƀ", "b"),
    ("ᴄ", "c"),
    ("ᴅ", "d"),
    ("ᴇ", "e"),
    ("ꜰƒ", "f"),
    ("ɢǥ", "g"),
    ("ᴊ", "j"),
    ("ᴋƙ", "k"),
    ("ʟ", "l"),
    ("ᴍ", "m"),
    ("ᴏ", "o"),
    ("ᴘ", "p"),
    ("ꞯ", "q"),
    ("ʀɍ", "r"),
    ("ꜱ", "s"),
    ("ᴛŧŦ", "t"),
    ("ᴜʉ", "u"),
    ("ᴠ", "v"),
    ("ᴡ", "w"),
    ("ʏɏ", "y"),
    ("ᴢƶ", "z"),
];

/// Letters of other scripts that pass for a Latin letter in running text though the confusables data do not say so.
const LOOSE: &[(&str, &str)] = &[
    ("αаɑ", "a"),
    ("βвВьЬᖯ", "b"),
    ("сϲ", "c"),
    ("ԁ", "d"),
    ("εеєЄёҽ", "e"),
    ("ғϝ", "f"),
    ("ɡցᶃ", "g"),
    ("нһհ", "h"),
    ("ιіїɩ", "i"),
    ("јϳ", "j"),
    ("κкҝ", "k"),
    ("ⅼӏ", "l"),
    ("мϻ", "m"),
    ("ηпոή", "n"),
    ("οоσөθ", "o"),
    ("ρр", "p"),
    ("ԛզ", "q"),
    ("гяⲅ", "r"),
    ("ѕ", "s"),
    ("τт", "t"),
    ("υսμиц", "u"),
    ("νѵ", "v"),
    ("ωшщԝ", "w"),
    ("χхҳ", "x"),
    ("γуүў", "y"),
    ("ᴢʐ", "z"),
    ("‚٫", ","),
];

/// Turned letters, as the generators of upside-down text write them.
const TURNED: &[(char, char)] = &[
    ('ɐ', 'a'),
    ('q', 'b'),
    ('ɔ', 'c'),
    ('p', 'd'),
    ('ǝ', 'e'),
    ('ɟ', 'f'),
    ('ƃ', 'g'),
    ('ɓ', 'g'),
    ('ᵷ', 'g'),
    ('ɥ', 'h'),
    ('ᴉ', 'i'),
    ('ı', 'i'),
    ('ɾ', 'j'),
    ('ſ', 'j'),
    ('ɿ', 'j'),
    ('ʞ', 'k'),
    ('ן', 'l'),
    ('ꞁ', 'l'),
    ('l', 'l'),
    ('ʅ', 'l'),
    ('ɯ', 'm'),
    ('u', 'n'),
    ('d', 'p'),
    ('b', 'q'),
    ('ɹ', 'r'),
    ('ʇ', 't'),
    ('n', 'u'),
    ('ʌ', 'v'),
    ('ʍ', 'w'),
    ('ʎ', 'y'),
    ('∀', 'a'),
    ('Ɐ', 'a'),
    ('𐐒', 'b'),
    ('ᗺ', 'b'),
    ('Ɔ', 'c'),
    ('◖', 'd'),
    ('ᗡ', 'd'),
    ('ᗭ', 'd'),
    ('Ǝ', 'e'),
    ('Ⅎ', 'f'),
    ('⅁', 'g'),
    ('פ', 'g'),
    ('ſ', 'j'),
    ('ᒋ', 'j'),
    ('⋊', 'k'),
    ('ʞ', 'k'),
    ('˥', 'l'),
    ('⅂', 'l'),
    ('Ꞁ', 'l'),
    ('W', 'm'),
    ('Ԁ', 'p'),
    ('Ό', 'q'),
    ('Ὁ', 'q'),
    ('ᴚ', 'r'),
    ('ᖈ', 'r'),
    ('⊥', 't'),
    ('┴', 't'),
    ('∩', 'u'),
    ('Ո', 'u'),
    ('Λ', 'v'),
    ('M', 'w'),
    ('⅄', 'y'),
    ('⅋', '&'),
    ('¡', '!'),
    ('¿', '?'),
    ('˙', '.'),
    ('\'', ','),
    (',', '\''),
    ('؛', ';'),
    ('„', '"'),
    ('‾', '_'),
    ('⇂', '1'),
    ('Ɩ', '1'),
    ('ᄅ', '2'),
    ('Ɛ', '3'),
    ('ㄣ', '4'),
    ('ϛ', '5'),
    ('9', '6'),
    ('ㄥ', '7'),
    ('6', '9'),
    ('(', ')'),
    (')', '('),
    ('[', ']'),
    (']', '['),
    ('{', '}'),
    ('}', '{'),
    ('<', '>'),
    ('>', '<'),
];

/// Six-dot Braille cells of the 26 letters (Unicode offsets from U+2800).
const BRAILLE: &[u32] =
    &[1, 3, 9, 25, 17, 11, 27, 19, 10, 26, 5, 7, 13, 29, 21, 15, 31, 23, 14, 30, 37, 39, 58, 45, 61, 53];

/// Marks that carry no consonant or vowel of their own in the scripts where they are used: dropped by the folded reading.
fn is_dropped_mark(c: char) -> bool {
    matches!(u32::from(c),
        0x0300..=0x036F | 0x0483..=0x0489 | 0x1AB0..=0x1AFF | 0x1DC0..=0x1DFF | 0x20D0..=0x20FF | 0xFE20..=0xFE2F
        | 0x0591..=0x05C7 | 0x0610..=0x061A | 0x0640 | 0x064B..=0x065F | 0x0670 | 0x06D6..=0x06DC | 0x06DF..=0x06E8 | 0x06EA..=0x06ED | 0x3099..=0x309A)
}

/// Characters that show nothing (`Default_Ignorable_Code_Point` and the controls that terminals swallow).
fn is_ignorable(c: char) -> bool {
    matches!(u32::from(c),
        0x0000..=0x0008 | 0x000E..=0x001F | 0x007F..=0x0084 | 0x0086..=0x009F | 0x00AD | 0x034F | 0x061C | 0x115F..=0x1160 | 0x17B4..=0x17B5 | 0x180B..=0x180F | 0x200B..=0x200F | 0x202A..=0x202E
        | 0x2060..=0x206F | 0x3164 | 0xFE00..=0xFE0F | 0xFEFF | 0xFFA0 | 0xFFF0..=0xFFFB | 0x1BCA0..=0x1BCA3 | 0x1D173..=0x1D17A | 0xE0000..=0xE0FFF)
}

/// Full case folding; what `to_lowercase` leaves out of it is the sharp s and the final sigma.
fn case_fold(text: &str) -> String {
    text.chars().flat_map(char::to_lowercase).collect::<String>().replace('ß', "ss").replace('ς', "σ")
}

fn listed(table: &[(&'static str, &'static str)], c: char) -> Option<&'static str> {
    table.iter().find(|(letters, _)| letters.contains(c)).map(|(_, plain)| *plain)
}

fn space(c: char) -> Option<&'static str> {
    match u32::from(c) {
        0x85 | 0x2028 | 0x2029 | 0x0B | 0x0C => Some("\n"),
        0xA0 | 0x1680 | 0x2000..=0x200A | 0x202F | 0x205F | 0x3000 | 0x2800 => Some(" "),
        _ => None,
    }
}

fn normalised(c: char) -> String {
    if let Some(space) = space(c) {
        return space.to_owned();
    }
    if is_ignorable(c) {
        return String::new();
    }
    std::iter::once(c).nfkc().filter(|&c| !is_ignorable(c)).collect()
}

fn folded(c: char) -> String {
    let base = normalised(c);
    if ('\u{AC00}'..='\u{D7A3}').contains(&c) {
        return base;
    }
    let mut text = case_fold(&base.chars().nfkd().filter(|&c| !is_dropped_mark(c)).collect::<String>());
    text = text.chars().nfkd().filter(|&c| !is_dropped_mark(c) && !is_ignorable(c)).collect();
    text = text.chars().map(|c| listed(LATIN, c).map_or_else(|| c.to_string(), str::to_owned)).collect();
    if matches!(u32::from(c), 0x1F150..=0x1F169) {
        text = char::from(b'a' + (u32::from(c) - 0x1F150) as u8).to_string();
    }
    if matches!(u32::from(c), 0x1F170..=0x1F189) {
        text = char::from(b'a' + (u32::from(c) - 0x1F170) as u8).to_string();
    }
    text
}

fn lookalike(c: char) -> String {
    let plain = folded(c);
    if plain.is_ascii() {
        return plain;
    }
    if let Some(letter) = listed(LOOSE, c) {
        return letter.to_owned();
    }
    if (0x1F1E6..=0x1F1FF).contains(&u32::from(c)) {
        return char::from(b'a' + (u32::from(c) - 0x1F1E6) as u8).to_string();
    }
    if let Some(letter) = BRAILLE.iter().position(|&cell| u32::from(c) == 0x2800 + cell) {
        return char::from(b'a' + letter as u8).to_string();
    }
    let shape: String = skeleton(&c.to_string()).filter(|&c| !is_dropped_mark(c)).collect();
    let shape = match shape.as_str() {
        // The confusables data write every upright stroke as `l`; the capital one is an I.
        "l" if c.is_uppercase() => "i".to_owned(),
        "rn" => "m".to_owned(),
        other => other.chars().flat_map(|c| folded(c).chars().collect::<Vec<_>>()).collect(),
    };
    let useful = !shape.is_empty() && shape.chars().all(|c| c.is_ascii_alphanumeric()) && shape.len() <= 2;
    // A capital is judged by its own shape first: the small letter may look like another one.
    let small = plain.chars().next().filter(|_| plain.chars().count() == 1).and_then(|c| listed(LOOSE, c));
    if useful { shape } else { small.map_or(plain, str::to_owned) }
}

fn main() -> std::io::Result<()> {
    let mut out = std::io::BufWriter::new(std::io::stdout().lock());
    let (major, minor, patch) = unicode_normalization::UNICODE_VERSION;
    writeln!(
        out,
        "# Unicode folding, generated by rust/tables: UCD {major}.{minor}.{patch}, confusables of unicode-security 0.1.3"
    )?;
    for c in (0..=0x10FFFF_u32).filter_map(char::from_u32) {
        if c.is_ascii() && !c.is_ascii_control() && !TURNED.iter().any(|(from, _)| *from == c) {
            continue;
        }
        if matches!(c, '\t' | '\n' | '\r') {
            continue;
        }
        let (cased, plain, shape) = if c.is_ascii() && !c.is_ascii_control() {
            (c.to_string(), c.to_ascii_lowercase().to_string(), c.to_ascii_lowercase().to_string())
        } else {
            (normalised(c), folded(c), lookalike(c))
        };
        let turned = TURNED.iter().find(|(from, _)| *from == c).map(|(_, to)| to.to_string());
        let itself = c.to_string();
        if cased == itself && plain == itself && shape == itself && turned.is_none() {
            continue;
        }
        let column = |text: &str, left: &str| match text {
            _ if text == left => "=".to_owned(),
            "" => "-".to_owned(),
            // Escaped where the text would break the line format.
            _ if text.chars().any(|c| matches!(c, '=' | '-' | ' ' | '\n' | '\t' | '\\' | '#')) => {
                text.chars().map(|c| format!("\\u{{{:x}}}", u32::from(c))).collect()
            }
            _ => text.to_owned(),
        };
        let line = [
            column(&cased, &itself),
            column(&plain, &cased),
            column(&shape, &plain),
            turned.map_or_else(|| "-".to_owned(), |t| column(&t, "")),
        ];
        writeln!(out, "{:X}\t{}", u32::from(c), line.join("\t"))?;
    }
    out.flush()
}
