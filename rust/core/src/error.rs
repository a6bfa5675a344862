//! The one error type of the core.

use std::fmt;

/// Why a set of rules was refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RuleError {
    /// Pack that holds the rule.
    pub pack: String,
    /// Id of the rule; empty if the pack itself is wrong.
    pub rule: String,
    /// What is wrong and what to do.
    pub problem: String,
}

impl RuleError {
    pub(crate) fn new(pack: &str, rule: &str, problem: impl Into<String>) -> Self {
        Self { pack: pack.to_owned(), rule: rule.to_owned(), problem: problem.into() }
    }
}

impl fmt::Display for RuleError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.rule.as_str() {
            "" => write!(f, "rule pack `{}`: {}", self.pack, self.problem),
            rule => write!(f, "rule `{rule}` in pack `{}`: {}", self.pack, self.problem),
        }
    }
}

impl std::error::Error for RuleError {}
