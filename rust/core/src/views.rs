//! Readings of a text: what each was made of, and how to get back.

use std::borrow::Cow;
use std::ops::Range;

use crate::normal::Normal;
use crate::offsets::OffsetMap;

/// How a reading came out of another.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[expect(missing_docs, reason = "the names say it")]
pub enum Kind {
    #[default]
    Text,
    // Disguises: the words are in plain sight. In the order in which they are undone: one that is put on another comes off before or
    // after it alike, so one order is enough.
    Bidi,
    Backspaces,
    Lookalikes,
    UpsideDown,
    Reversed,
    ReversedWords,
    Spaced,
    Leetspeak,
    // Hidden: nobody sees them.
    UnicodeTags,
    VariationSelectors,
    ZeroWidth,
    // Encoded: nobody reads them.
    Base64,
    Base32,
    Base85,
    Hex,
    Binary,
    CharCodes,
    Gzip,
    Percent,
    HtmlEntities,
    Backslash,
    QuotedPrintable,
    Morse,
    Rot13,
    Caesar,
    Atbash,
}

impl Kind {
    /// The name in findings.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Bidi => "bidi",
            Self::Backspaces => "backspaces",
            Self::Lookalikes => "lookalikes",
            Self::UpsideDown => "upside-down",
            Self::Reversed => "reversed",
            Self::ReversedWords => "reversed-words",
            Self::Leetspeak => "leetspeak",
            Self::Spaced => "spaced",
            Self::UnicodeTags => "unicode-tags",
            Self::VariationSelectors => "variation-selectors",
            Self::ZeroWidth => "zero-width",
            Self::Base64 => "base64",
            Self::Base32 => "base32",
            Self::Base85 => "base85",
            Self::Hex => "hex",
            Self::Binary => "binary",
            Self::CharCodes => "character-codes",
            Self::Gzip => "gzip",
            Self::Percent => "percent",
            Self::HtmlEntities => "html",
            Self::Backslash => "escapes",
            Self::QuotedPrintable => "quoted-printable",
            Self::Morse => "morse",
            Self::Rot13 => "rot13",
            Self::Caesar => "caesar",
            Self::Atbash => "atbash",
        }
    }

    /// Whether the words are in plain sight, only written oddly.
    pub(crate) fn is_disguise(self) -> bool {
        self <= Self::Leetspeak
    }

    /// Whether it replaces letters by letters.
    pub(crate) fn is_cipher(self) -> bool {
        matches!(self, Self::Rot13 | Self::Caesar | Self::Atbash)
    }

    /// Whether text in it is out of a reader's sight or reach; escapes and entities are everyday notation.
    pub(crate) fn hides(self) -> bool {
        !self.is_disguise()
            && !matches!(self, Self::Percent | Self::HtmlEntities | Self::Backslash | Self::QuotedPrintable)
    }
}

/// Which form of a reading offsets are in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Base {
    Raw,
    Cased,
    Folded,
}

/// One reading.
pub(crate) struct View<'t> {
    pub(crate) kinds: Vec<Kind>,
    pub(crate) parent: usize,
    /// The form of the parent that `map` leads to.
    pub(crate) base: Base,
    pub(crate) text: Cow<'t, str>,
    pub(crate) map: OffsetMap,
    pub(crate) depth: usize,
    pub(crate) disguises: Vec<Kind>,
    pub(crate) hidden: bool,
    /// A letter cipher was undone on the way here: undoing another would only make noise that looks like a third.
    pub(crate) deciphered: bool,
    /// Absent where the text is plain ASCII and reads as it is.
    pub(crate) normal: Option<Normal>,
}

impl<'t> View<'t> {
    pub(crate) fn root(text: &'t str) -> Self {
        Self {
            kinds: Vec::new(),
            parent: 0,
            base: Base::Raw,
            text: Cow::Borrowed(text),
            map: OffsetMap::identity(0, text.len()),
            depth: 0,
            disguises: Vec::new(),
            hidden: false,
            deciphered: false,
            normal: None,
        }
    }

    /// The reading with case kept, which decoders read.
    pub(crate) fn cased(&self) -> &str {
        self.normal.as_ref().map_or(&self.text, |normal| &normal.cased)
    }

    /// The folded reading, or the plain text that folds byte by byte.
    pub(crate) fn folded(&self) -> &str {
        self.normal.as_ref().map_or(&self.text, |normal| &normal.folded)
    }

    /// A range of a form of this reading as a range of its text.
    fn to_text(&self, base: Base, range: Range<usize>) -> Range<usize> {
        match (&self.normal, base) {
            (Some(normal), Base::Cased) => normal.cased_map.to_source(range),
            (Some(normal), Base::Folded) => normal.folded_map.to_source(range),
            _ => range,
        }
    }
}

/// A range of a form of a reading as a byte range of the first text.
pub(crate) fn to_root(views: &[View<'_>], view: usize, base: Base, range: Range<usize>) -> Range<usize> {
    let (mut view, mut base, mut range) = (view, base, range);
    while let Some(current) = views.get(view) {
        range = current.to_text(base, range);
        if view == 0 {
            break;
        }
        range = current.map.to_source(range);
        (view, base) = (current.parent, current.base);
    }
    range
}

/// The chain of transformations from the first text to a reading.
pub(crate) fn chain(views: &[View<'_>], view: usize) -> String {
    let mut names = Vec::new();
    let mut view = view;
    while let Some(current) = views.get(view).filter(|_| view != 0) {
        names.extend(current.kinds.iter().rev().map(|kind| kind.name()));
        view = current.parent;
    }
    if names.is_empty() {
        return Kind::Text.name().to_owned();
    }
    names.reverse();
    names.join(">")
}
