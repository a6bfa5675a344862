//! Every cap of the core, by name. Hitting one is a reported outcome, never a silent one.

/// Caps on the work that one text may cause.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Code points of a text that are read; the rest is reported as unseen.
    pub max_chars: usize,
    /// Findings reported for one text.
    pub max_findings: usize,
    /// Readings made of one text.
    pub max_views: usize,
    /// How many encodings may be nested in one another.
    pub max_decode_depth: usize,
    /// Bytes that all decoded readings of one text may hold together.
    pub max_decoded_bytes: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { max_chars: 64 << 20, max_findings: 256, max_views: 256, max_decode_depth: 4, max_decoded_bytes: 8 << 20 }
    }
}

impl Limits {
    /// The caps by name, in the order of the fields.
    #[must_use]
    pub fn named(&self) -> [(&'static str, usize); 5] {
        [
            ("max_chars", self.max_chars),
            ("max_findings", self.max_findings),
            ("max_views", self.max_views),
            ("max_decode_depth", self.max_decode_depth),
            ("max_decoded_bytes", self.max_decoded_bytes),
        ]
    }

    /// Sets the cap of that name; `false` if there is none.
    pub fn set(&mut self, name: &str, value: usize) -> bool {
        let field = match name {
            "max_chars" => &mut self.max_chars,
            "max_findings" => &mut self.max_findings,
            "max_views" => &mut self.max_views,
            "max_decode_depth" => &mut self.max_decode_depth,
            "max_decoded_bytes" => &mut self.max_decoded_bytes,
            _ => return false,
        };
        *field = value;
        true
    }
}

/// Offsets are kept in 32 bits; a text of this many bytes or more is cut, whatever `max_chars` says.
pub const MAX_TEXT_BYTES: usize = u32::MAX as usize / 2;
/// Longest match of a pattern, in bytes of the folded text (a character of a class outside ASCII counts as four).
pub const MAX_PATTERN_SPAN: usize = 1600;
/// Farthest that a `near` or `not_near` condition may look, in bytes of the folded text.
pub const MAX_CONTEXT: usize = 1000;
/// Longest pattern source, in bytes, after its fragments were put in.
pub const MAX_PATTERN_BYTES: usize = 32 << 10;
/// Memory that one compiled pattern may take, in bytes.
pub const MAX_PATTERN_MEMORY: usize = 16 << 20;
