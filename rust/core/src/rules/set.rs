//! A set of rules, compiled.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::num::NonZero;
use std::ops::Range;
use std::sync::OnceLock;

use sha2::{Digest as _, Sha256};

use super::literals::Clause;
use super::pattern::{Pattern, get_or_make};
use super::prefilter::{Prefilter, Shifted};
use super::schema::{Near, Pack, Rule, Source, View};
use super::vocabulary::Vocabulary;
use crate::error::RuleError;
use crate::limits::MAX_CONTEXT;
use crate::signals::Signal;

/// Patterns near a match, compiled.
pub(crate) struct Context {
    patterns: Vec<Pattern>,
    within: usize,
}

impl Context {
    fn holds(&self, text: &str, found: &Range<usize>) -> bool {
        let from = text.floor_char_boundary(found.start.saturating_sub(self.within));
        let to = text.ceil_char_boundary(found.end.saturating_add(self.within));
        self.patterns.iter().any(|pattern| pattern.is_match(text, from..to))
    }
}

/// What the engine needs of a rule.
pub(crate) struct Compiled {
    pub(crate) paranoia: u8,
    pub(crate) sources: u8,
    pub(crate) view: View,
    pub(crate) signal: Option<Signal>,
    pub(crate) near: Option<Context>,
    pub(crate) not_near: Option<Context>,
    pub(crate) all_of: Vec<Pattern>,
    pub(crate) none_of: Vec<Pattern>,
}

impl Compiled {
    pub(crate) fn is_active(&self, source: Source, paranoia: u8) -> bool {
        self.paranoia <= paranoia && self.sources & source.bit() != 0
    }

    /// Whether what must be somewhere in the reading is, and what must not be is not. The latter excuses a match at paranoia 1 only.
    pub(crate) fn holds_in(&self, text: &str, paranoia: u8) -> bool {
        let there = |pattern: &Pattern| pattern.is_match(text, 0..text.len());
        self.all_of.iter().all(there) && !(paranoia < 2 && self.none_of.iter().any(there))
    }

    /// Whether what must be near a match is, and what must not be is not. The latter excuses a match at paranoia 1 only.
    pub(crate) fn conditions_hold(&self, text: &str, found: Range<usize>, paranoia: u8) -> bool {
        let near = self.near.as_ref().is_none_or(|near| near.holds(text, &found));
        near && !(paranoia < 2 && self.not_near.as_ref().is_some_and(|near| near.holds(text, &found)))
    }
}

/// One alternative of a pattern: the sets of literals of which a match has one each.
pub(crate) struct Branch {
    pub(crate) pattern: u32,
    pub(crate) sets: u8,
}

/// Rules compiled into one immutable set, shared by all threads.
pub struct RuleSet {
    rules: Vec<Rule>,
    pub(crate) compiled: Vec<Compiled>,
    pub(crate) patterns: Vec<(u32, Pattern)>,
    pub(crate) branches: Vec<Branch>,
    /// For each literal, the branches and sets that it serves.
    pub(crate) users: Vec<Vec<(u32, u8)>>,
    prefilter: Prefilter,
    plain_prefilter: Prefilter,
    pub(crate) shifted: Shifted,
    vocabulary: OnceLock<Vocabulary>,
    digest: String,
}

impl std::fmt::Debug for RuleSet {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RuleSet")
            .field("rules", &self.rules.len())
            .field("digest", &self.digest)
            .finish_non_exhaustive()
    }
}

impl RuleSet {
    /// Compiles packs (name and TOML text), rules of a policy (JSON list) and leaves out the `disabled` ids.
    ///
    /// # Errors
    /// The first thing that is wrong, by pack and rule.
    pub fn new(packs: &[(String, String)], custom: &str, disabled: &[String]) -> Result<Self, RuleError> {
        let mut hasher = Sha256::new();
        let mut sources: Vec<(Rule, BTreeMap<String, String>)> = Vec::new();
        for (name, text) in packs {
            hasher.update((name.len() as u64).to_le_bytes());
            hasher.update(name);
            hasher.update((text.len() as u64).to_le_bytes());
            hasher.update(text);
            let pack: Pack =
                toml::from_str(text).map_err(|error| RuleError::new(name, "", error.to_string().trim_end()))?;
            sources
                .extend(pack.rule.into_iter().map(|rule| (Rule { pack: name.clone(), ..rule }, pack.define.clone())));
        }
        hasher.update(custom);
        if !custom.is_empty() {
            let rules: Vec<Rule> =
                serde_json::from_str(custom).map_err(|error| RuleError::new("policy", "", error.to_string()))?;
            sources.extend(rules.into_iter().map(|mut rule| {
                let define = std::mem::take(&mut rule.define);
                (Rule { pack: "policy".to_owned(), ..rule }, define)
            }));
        }
        for id in disabled {
            hasher.update([0]);
            hasher.update(id);
        }
        let mut ids: HashMap<String, String> = HashMap::new();
        for (rule, _) in &sources {
            if let Some(other) = ids.insert(rule.id.clone(), rule.pack.clone()) {
                return Err(RuleError::new(
                    &rule.pack,
                    &rule.id,
                    format!("the id is taken by a rule in pack `{other}`; ids are unique"),
                ));
            }
        }
        let disabled: HashSet<&str> = disabled.iter().map(String::as_str).collect();
        if let Some(unknown) = disabled.iter().find(|id| !ids.contains_key(**id)) {
            return Err(RuleError::new("policy", unknown, "disabled, but there is no such rule"));
        }
        sources.retain(|(rule, _)| !disabled.contains(rule.id.as_str()));
        let mut builder = Builder::default();
        for (rule, prepared) in prepare_all(sources) {
            builder.add(rule, prepared?);
        }
        let digest = hasher.finalize().iter().map(|byte| format!("{byte:02x}")).collect();
        Ok(builder.finish(digest))
    }

    /// The rules in the order of their indices.
    #[must_use]
    pub fn rules(&self) -> &[Rule] {
        &self.rules
    }

    /// SHA-256 over everything the set was made from, in hexadecimal.
    #[must_use]
    pub fn digest(&self) -> &str {
        &self.digest
    }

    /// Compiles every automaton now instead of on first use; the ids of rules whose automata are too large.
    #[must_use]
    pub fn compile_all(&self) -> Vec<String> {
        let failed = self.patterns.iter().filter(|(_, pattern)| pattern.regex().is_none());
        failed.map(|(rule, _)| self.rules[*rule as usize].id.clone()).collect()
    }

    /// The prefilter for a text in ASCII or not.
    pub(crate) fn prefilter(&self, ascii: bool) -> &Prefilter {
        if ascii { &self.plain_prefilter } else { &self.prefilter }
    }

    pub(crate) fn vocabulary(&self) -> &Vocabulary {
        get_or_make(&self.vocabulary, || {
            Vocabulary::new(self.rules.iter().flat_map(|rule| &rule.matches).map(String::as_str))
        })
    }

    pub(crate) fn signal_rules(&self, signal: Signal, source: Source, paranoia: u8) -> impl Iterator<Item = u32> {
        self.compiled
            .iter()
            .enumerate()
            .filter(move |(_, rule)| rule.signal == Some(signal) && rule.is_active(source, paranoia))
            .map(|(index, _)| index as u32)
    }
}

#[derive(Default)]
struct Builder {
    rules: Vec<Rule>,
    compiled: Vec<Compiled>,
    patterns: Vec<(u32, Pattern)>,
    branches: Vec<Branch>,
    literals: HashMap<Vec<u8>, usize>,
    users: Vec<Vec<(u32, u8)>>,
}

/// A rule's patterns and conditions, compiled.
struct Prepared {
    patterns: Vec<Pattern>,
    compiled: Compiled,
}

/// Compiles rules on as many threads as help: reading a few thousand lines of regular expressions is most of the time to the first verdict.
fn prepare_all(sources: Vec<(Rule, BTreeMap<String, String>)>) -> Vec<(Rule, Result<Prepared, RuleError>)> {
    let threads = std::thread::available_parallelism().map_or(1, NonZero::get).min(4);
    let share = sources.len().div_ceil(threads).max(64);
    let prepared: Vec<Result<Prepared, RuleError>> = std::thread::scope(|scope| {
        let prepare_share =
            |share: &[(Rule, _)]| share.iter().map(|(rule, define)| prepare(rule, define)).collect::<Vec<_>>();
        let mut shares = sources.chunks(share);
        let first = shares.next().unwrap_or_default();
        let others: Vec<_> = shares.map(|share| (share, scope.spawn(move || prepare_share(share)))).collect();
        let mut all = prepare_share(first);
        for (share, other) in others {
            // A thread that could not finish is no reason to lose its rules.
            all.extend(other.join().unwrap_or_else(|_| prepare_share(share)));
        }
        all
    });
    sources.into_iter().map(|(rule, _)| rule).zip(prepared).collect()
}

fn prepare(rule: &Rule, define: &BTreeMap<String, String>) -> Result<Prepared, RuleError> {
    let error = |problem: String| RuleError::new(&rule.pack, &rule.id, problem);
    check(rule).map_err(error)?;
    let folded = rule.view != View::Cased;
    let all = |texts: &[String], literal: bool| -> Result<Vec<Pattern>, RuleError> {
        let one = |text: &String| {
            Pattern::new(text, define, folded, literal).map_err(|problem| error(format!("pattern `{text}`: {problem}")))
        };
        texts.iter().map(one).collect()
    };
    let context = |near: &Option<Near>| -> Result<Option<Context>, RuleError> {
        let Some(near) = near else { return Ok(None) };
        Ok(Some(Context { patterns: all(&near.patterns, false)?, within: near.within }))
    };
    let compiled = Compiled {
        paranoia: rule.paranoia,
        sources: rule.sources.iter().fold(0, |bits, source| bits | source.bit()),
        view: rule.view,
        signal: rule.signal.as_deref().and_then(Signal::from_name),
        near: context(&rule.near)?,
        not_near: context(&rule.not_near)?,
        all_of: all(&rule.all_of, false)?,
        none_of: all(&rule.none_of, false)?,
    };
    Ok(Prepared { patterns: all(&rule.patterns, true)?, compiled })
}

impl Builder {
    fn add(&mut self, rule: Rule, prepared: Prepared) {
        let index = self.rules.len() as u32;
        for pattern in prepared.patterns {
            let number = self.patterns.len() as u32;
            for clause in &pattern.clauses {
                self.branch(number, clause);
            }
            self.patterns.push((index, pattern));
        }
        self.compiled.push(prepared.compiled);
        self.rules.push(rule);
    }

    fn branch(&mut self, pattern: u32, clause: &Clause) {
        let branch = self.branches.len() as u32;
        self.branches.push(Branch { pattern, sets: clause.len() as u8 });
        for (set, literals) in clause.iter().enumerate() {
            for literal in literals {
                let next = self.users.len();
                let index = *self.literals.entry(literal.clone()).or_insert(next);
                if index == next {
                    self.users.push(Vec::new());
                }
                self.users[index].push((branch, set as u8));
            }
        }
    }

    fn finish(self, digest: String) -> RuleSet {
        let mut literals = vec![Vec::new(); self.users.len()];
        for (literal, index) in self.literals {
            literals[index] = literal;
        }
        RuleSet {
            rules: self.rules,
            compiled: self.compiled,
            patterns: self.patterns,
            branches: self.branches,
            users: self.users,
            shifted: Shifted::new(&literals),
            plain_prefilter: Prefilter::new(literals.clone(), true),
            prefilter: Prefilter::new(literals, false),
            vocabulary: OnceLock::new(),
            digest,
        }
    }
}

/// The categories of each detector (docs/rules.md).
const CATEGORIES: [(&str, &[&str]); 4] = [
    (
        "prompt_injection",
        &[
            "instruction_override",
            "system_prompt_extraction",
            "forged_turn",
            "fake_authority",
            "encoded_payload",
            "payload_splitting",
            "embedded_instruction",
            "tool_abuse",
        ],
    ),
    (
        "jailbreak",
        &[
            "persona",
            "developer_mode",
            "refusal_suppression",
            "answer_prefix",
            "fiction_frame",
            "many_shot",
            "adversarial_suffix",
            "pressure",
        ],
    ),
    ("exfiltration", &["exfiltration_link", "exfiltration_request"]),
    ("obfuscation", &["invisible_text", "encoded_text"]),
];

fn check(rule: &Rule) -> Result<(), String> {
    let id = rule.id.as_bytes();
    if !(3..=64).contains(&id.len()) || !id.iter().all(|b| matches!(b, b'a'..=b'z' | b'0'..=b'9' | b'-')) {
        return Err("an id is 3 to 64 characters of a-z, 0-9 and -".to_owned());
    }
    let detectors = || CATEGORIES.map(|(name, _)| name).join(", ");
    let (_, categories) = CATEGORIES
        .iter()
        .find(|(name, _)| *name == rule.detector)
        .ok_or_else(|| format!("detector `{}` is none of {}", rule.detector, detectors()))?;
    if !categories.contains(&rule.category.as_str()) {
        return Err(format!("category `{}` is none of {}'s: {}", rule.category, rule.detector, categories.join(", ")));
    }
    if !(1..=4).contains(&rule.paranoia) {
        return Err(format!("paranoia {} is not between 1 and 4", rule.paranoia));
    }
    if rule.score.is_some_and(|score| !(0.0..=1.0).contains(&score)) {
        return Err("score is not between 0 and 1".to_owned());
    }
    if rule.sources.is_empty() {
        return Err("sources is empty: the rule would never run".to_owned());
    }
    match (&rule.signal, rule.patterns.is_empty()) {
        (None, true) => return Err("neither patterns nor a signal".to_owned()),
        (Some(_), false) => return Err("both patterns and a signal; a rule has one of them".to_owned()),
        (Some(name), true) if Signal::from_name(name).is_none() => {
            return Err(format!("signal `{name}` is none of {}", Signal::NAMES.map(|(name, _)| name).join(", ")));
        }
        _ => {}
    }
    for near in [&rule.near, &rule.not_near].into_iter().flatten() {
        if near.within > MAX_CONTEXT {
            return Err(format!("within = {} looks farther than {MAX_CONTEXT} bytes", near.within));
        }
        if near.patterns.is_empty() {
            return Err("a condition without patterns".to_owned());
        }
    }
    Ok(())
}
