//! The rule format, as packs and policies write it (docs/rules.md).

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// Who wrote a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Source {
    /// The person in front of the application.
    User,
    /// The application's own instructions.
    System,
    /// A retrieved document.
    Document,
    /// The result of a tool call.
    Tool,
    /// The model.
    Assistant,
}

impl Source {
    /// The source of that name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        [
            ("user", Self::User),
            ("system", Self::System),
            ("document", Self::Document),
            ("tool", Self::Tool),
            ("assistant", Self::Assistant),
        ]
        .into_iter()
        .find_map(|(known, source)| (known == name).then_some(source))
    }

    pub(crate) fn bit(self) -> u8 {
        1 << self as u8
    }
}

/// How bad a match is, if it is one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[expect(missing_docs, reason = "the names say it")]
pub enum Severity {
    Low,
    Medium,
    High,
    Critical,
}

impl Severity {
    fn score(self) -> f64 {
        match self {
            Self::Low => 0.5,
            Self::Medium => 0.7,
            Self::High => 0.9,
            Self::Critical => 0.97,
        }
    }
}

/// The reading that a rule's patterns see.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum View {
    /// Folded text, in every reading.
    #[default]
    Text,
    /// Text with its case and accents.
    Cased,
    /// Folded text, in readings of what was hidden or encoded.
    Hidden,
}

/// Patterns that must, or must not, match near a match.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Near {
    /// Any of them.
    pub patterns: Vec<String>,
    /// Bytes of the reading before and after the match.
    pub within: usize,
}

/// One rule.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rule {
    /// Stable and unique.
    pub id: String,
    /// What it finds, in a few words.
    pub title: String,
    /// The detector that its findings count for.
    pub detector: String,
    /// The kind of attack.
    pub category: String,
    /// How bad.
    pub severity: Severity,
    /// Probability that a match is what the rule says, 0 to 1; by severity if absent.
    pub score: Option<f64>,
    /// Level from which on it runs, 1 to 4.
    pub paranoia: u8,
    /// ISO 639-1 codes of the phrasing; empty if it is not bound to a language.
    #[serde(default)]
    pub languages: Vec<String>,
    /// Who must have written the text.
    #[serde(default = "default_sources")]
    pub sources: Vec<Source>,
    /// OWASP, ATLAS and CWE ids.
    #[serde(default)]
    pub refs: Vec<String>,
    /// Any of them must match.
    #[serde(default)]
    pub patterns: Vec<String>,
    /// Instead of patterns: something that the engine computes.
    pub signal: Option<String>,
    /// What the patterns see.
    #[serde(default)]
    pub view: View,
    /// One of these near the match.
    pub near: Option<Near>,
    /// None of these near the match (paranoia 1 only).
    pub not_near: Option<Near>,
    /// All of these somewhere in the reading.
    #[serde(default)]
    pub all_of: Vec<String>,
    /// None of these anywhere in the reading (paranoia 1 only).
    #[serde(default)]
    pub none_of: Vec<String>,
    /// Texts that it must match.
    #[serde(default, rename = "match")]
    pub matches: Vec<String>,
    /// Texts that it must not match.
    #[serde(default)]
    pub no_match: Vec<String>,
    /// Name of the pack; set when it is loaded.
    #[serde(default)]
    pub pack: String,
    /// Fragments for the patterns of a rule that stands alone in a policy.
    #[serde(default, skip_serializing)]
    pub define: BTreeMap<String, String>,
}

fn default_sources() -> Vec<Source> {
    vec![Source::User, Source::Document, Source::Tool]
}

impl Rule {
    /// The score of a match.
    #[must_use]
    pub fn score(&self) -> f64 {
        self.score.unwrap_or_else(|| self.severity.score())
    }
}

/// A pack file.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Pack {
    #[expect(dead_code, reason = "for readers of the file; required so that every pack says what it is for")]
    pub(crate) title: String,
    #[serde(default)]
    pub(crate) define: BTreeMap<String, String>,
    #[serde(default)]
    pub(crate) rule: Vec<Rule>,
}
