//! Rules: data that say what to look for, compiled once into an immutable set.

mod literals;
mod pattern;
mod prefilter;
mod schema;
mod set;
mod vocabulary;

pub use schema::{Rule, Severity, Source, View};
pub use set::RuleSet;

pub(crate) use prefilter::{ATBASH, Form, Hit, Shifted, unshift};
pub(crate) use vocabulary::Vocabulary;
