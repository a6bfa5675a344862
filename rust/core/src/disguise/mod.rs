//! Disguises: text that a person reads, or does not see at all, and a filter reads as something else.

mod leet;
mod reversed;
mod smuggled;
mod spaced;
mod turned;

pub(crate) use leet::leet;
pub(crate) use reversed::{backwards, turned_around, word_by_word};
pub(crate) use smuggled::{backspaces, bidi, tags, variation_selectors, zero_width};
pub(crate) use spaced::spaced;
pub(crate) use turned::turned;
