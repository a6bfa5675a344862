//! Patterns: from the text in a pack to a checked, bounded regular expression.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::OnceLock;

use regex_automata::Input;
use regex_automata::meta::Regex;
use regex_syntax::hir::Hir;

use super::literals::{Clause, clauses};
use crate::limits::{MAX_PATTERN_BYTES, MAX_PATTERN_MEMORY, MAX_PATTERN_SPAN};
use crate::tables::Tables;

/// A compiled pattern. The automaton is built when the prefilter first asks for it: most never are.
pub(crate) struct Pattern {
    source: String,
    regex: OnceLock<Option<Regex>>,
    /// Longest match, in bytes.
    span: usize,
    /// Longest match in ASCII text, where every character is one byte.
    plain_span: usize,
    /// What a match must contain, alternative by alternative.
    pub(crate) clauses: Vec<Clause>,
}

impl Pattern {
    /// Checks `text` and prepares it; `folded` patterns read folded text. The error says what to do.
    pub(crate) fn new(
        text: &str,
        define: &BTreeMap<String, String>,
        folded: bool,
        needs_literal: bool,
    ) -> Result<Self, String> {
        let expanded = expand(text, define)?;
        let plain = rewrite(&expanded, folded, false)?;
        let hir = parse(&plain)?;
        let properties = hir.properties();
        let span = properties.maximum_len().ok_or(
            "an unbounded repetition (`*`, `+`, `{m,}`): give every repetition an upper bound, such as `{0,8}`",
        )?;
        if span > MAX_PATTERN_SPAN {
            return Err(format!(
                "a match can be {span} bytes long; at most {MAX_PATTERN_SPAN} are allowed: tighten the repetitions"
            ));
        }
        if properties.minimum_len().unwrap_or(0) == 0 {
            return Err("it matches the empty text".to_owned());
        }
        let clauses = if needs_literal { clauses(&hir)? } else { Vec::new() };
        let bytes = regex_syntax::ParserBuilder::new().unicode(false).utf8(false).build().parse(&plain).ok();
        let plain_span = bytes.and_then(|hir| hir.properties().maximum_len()).unwrap_or(span).min(span);
        Ok(Self { source: rewrite(&expanded, folded, true)?, regex: OnceLock::new(), span, plain_span, clauses })
    }

    /// Longest match, in bytes, in a text that is ASCII or not.
    pub(crate) fn span(&self, ascii: bool) -> usize {
        if ascii { self.plain_span } else { self.span }
    }

    /// The automaton; `None` if it would be larger than the cap.
    pub(crate) fn regex(&self) -> Option<&Regex> {
        let config = Regex::config().nfa_size_limit(Some(MAX_PATTERN_MEMORY));
        get_or_make(&self.regex, || Regex::builder().configure(config).build(&self.source).ok()).as_ref()
    }

    /// Whether it matches inside a stretch of a text, whose surroundings count for what `^`, `$` and `\b` mean.
    pub(crate) fn is_match(&self, text: &str, stretch: Range<usize>) -> bool {
        self.regex().is_some_and(|regex| regex.is_match(Input::new(text).span(stretch)))
    }
}

/// The value of a cell, made outside its lock: a process that forks while another thread makes it must not find the lock taken for ever.
pub(crate) fn get_or_make<T>(cell: &OnceLock<T>, make: impl FnOnce() -> T) -> &T {
    match cell.get() {
        Some(value) => value,
        None => {
            let made = make();
            cell.get_or_init(|| made)
        }
    }
}

fn parse(pattern: &str) -> Result<Hir, String> {
    regex_syntax::ParserBuilder::new().nest_limit(64).build().parse(pattern).map_err(|error| match error {
        regex_syntax::Error::Parse(error) => error.kind().to_string(),
        regex_syntax::Error::Translate(error) => error.kind().to_string(),
        _ => "not a regular expression".to_owned(),
    })
}

/// Puts fragments in place of `{{name}}`, as a group each. A fragment may use others; the nesting is capped.
fn expand(text: &str, define: &BTreeMap<String, String>) -> Result<String, String> {
    let mut text = text.to_owned();
    for _ in 0..8 {
        let Some(open) = text.find("{{") else { return Ok(text) };
        let _ = open;
        let mut out = String::with_capacity(text.len() * 2);
        let mut rest = text.as_str();
        while let Some((before, after)) = rest.split_once("{{") {
            let (name, after) = after.split_once("}}").ok_or("`{{` without `}}`")?;
            let fragment = define.get(name).ok_or_else(|| format!("`{{{{{name}}}}}` is not in [define]"))?;
            out.push_str(before);
            out.push_str("(?:");
            out.push_str(fragment);
            out.push(')');
            rest = after;
            if out.len() > MAX_PATTERN_BYTES {
                return Err(format!("longer than {MAX_PATTERN_BYTES} bytes with its fragments"));
            }
        }
        out.push_str(rest);
        text = out;
    }
    if text.contains("{{") { Err("fragments that use each other more than eight deep".to_owned()) } else { Ok(text) }
}

/// Spells out what engines read differently (`\b \w \d \s` as ASCII), folds letters outside ASCII, and refuses what not every engine has.
///
/// With `spaces`, a blank stands for any white space, which the readings hold as a blank or a line break.
fn rewrite(pattern: &str, folded: bool, spaces: bool) -> Result<String, String> {
    if pattern.len() > MAX_PATTERN_BYTES {
        return Err(format!("longer than {MAX_PATTERN_BYTES} bytes"));
    }
    let mut out = String::with_capacity(pattern.len() + 64);
    let mut chars = pattern.chars().peekable();
    let mut in_class = false;
    while let Some(c) = chars.next() {
        match c {
            '\\' => {
                let escaped = chars.next().ok_or("a backslash at the end")?;
                match (escaped, in_class) {
                    ('b', false) => out.push_str(r"(?-u:\b)"),
                    ('w', false) => out.push_str("[0-9A-Za-z_]"),
                    ('w', true) => out.push_str("0-9A-Za-z_"),
                    ('d', false) => out.push_str("[0-9]"),
                    ('d', true) => out.push_str("0-9"),
                    ('s', false) => out.push_str(r"[ \n]"),
                    ('s', true) => out.push_str(r" \n"),
                    ('W', false) => out.push_str("[^0-9A-Za-z_]"),
                    ('D', false) => out.push_str("[^0-9]"),
                    ('S', false) => out.push_str(r"[^ \n]"),
                    ('p' | 'P' | 'n' | 't' | 'x' | 'u', _) => out.extend(['\\', escaped]),
                    (c, _) if c.is_ascii_punctuation() => out.extend(['\\', c]),
                    (' ', _) => out.push(' '),
                    (c, _) => return Err(format!("`\\{c}` is not in the subset that every engine reads alike")),
                }
            }
            '[' if !in_class => {
                in_class = true;
                out.push('[');
                if chars.next_if_eq(&'^').is_some() {
                    out.push('^');
                }
                if chars.next_if_eq(&']').is_some() {
                    out.push_str(r"\]");
                }
            }
            '[' => out.push_str(r"\["),
            ']' if in_class => {
                in_class = false;
                out.push(']');
            }
            // Set operations of one engine are literals in the others.
            '&' | '~' if in_class && chars.peek() == Some(&c) => out.extend(['\\', c]),
            '(' if !in_class && chars.peek() == Some(&'?') => {
                chars.next();
                if chars.next() != Some(':') {
                    return Err(
                        "`(?` that is not `(?:`: flags, look-around and named groups are not in the common subset"
                            .to_owned(),
                    );
                }
                out.push_str("(?:");
            }
            '(' if !in_class => out.push_str("(?:"),
            ' ' if spaces && in_class => out.push_str(r" \n"),
            ' ' if spaces => out.push_str(r"[ \n]"),
            c if c.is_ascii_uppercase() && folded && !in_class => {
                return Err(format!("`{c}`: folded text has no capitals; write lower case, or set view = \"cased\""));
            }
            c if c.is_ascii() || !folded => out.push(c),
            c => {
                let plain = Tables::get().fold(&c.to_string());
                match plain.chars().count() {
                    1 => out.push_str(&regex_syntax::escape(&plain)),
                    0 => {}
                    // In a class, it stands for each of the characters that it folds to.
                    _ if in_class => plain.chars().for_each(|c| out.push_str(&regex_syntax::escape(&c.to_string()))),
                    // What follows may be a repetition of the whole.
                    _ => out.push_str(&format!("(?:{})", regex_syntax::escape(&plain))),
                }
            }
        }
    }
    Ok(out)
}
