//! Golden vectors: texts with what must be found in them, and where. `tests/test_vectors.py` reads the same files.

use std::collections::BTreeSet;
use std::error::Error;
use std::path::{Path, PathBuf};

use promptward_core::{Limits, RuleSet, Source, inspect};
use serde::Deserialize;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Vector {
    name: String,
    text: String,
    source: String,
    paranoia: u8,
    expect: Vec<Expected>,
    limits: BTreeSet<String>,
}

#[derive(Debug, Deserialize, PartialEq, Eq, PartialOrd, Ord)]
#[serde(deny_unknown_fields)]
struct Expected {
    start: usize,
    end: usize,
    rule: String,
    view: String,
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/vectors")
}

fn vectors() -> Result<Vec<Vector>, Box<dyn Error>> {
    let mut files: Vec<PathBuf> =
        std::fs::read_dir(folder())?.map(|entry| Ok(entry?.path())).collect::<Result<_, std::io::Error>>()?;
    files.retain(|path| path.extension().is_some_and(|extension| extension == "jsonl"));
    files.sort();
    let mut vectors = Vec::new();
    for file in files {
        for line in std::fs::read_to_string(file)?.lines() {
            vectors.push(serde_json::from_str(line)?);
        }
    }
    Ok(vectors)
}

#[test]
fn every_vector_gives_what_it_must() -> Result<(), Box<dyn Error>> {
    let pack = std::fs::read_to_string(folder().join("pack.toml"))?;
    let rules = RuleSet::new(&[("pack.toml".to_owned(), pack)], "", &[])?;
    let vectors = vectors()?;
    assert!(vectors.len() >= 120, "only {} vectors", vectors.len());
    let mut wrong = Vec::new();
    for mut vector in vectors {
        let source = Source::from_name(&vector.source).ok_or("no such source")?;
        let inspection = inspect(&rules, &Limits::default(), &vector.text, source, vector.paranoia);
        let mut found: Vec<Expected> = inspection
            .findings
            .iter()
            .map(|f| Expected {
                start: f.start,
                end: f.end,
                rule: rules.rules()[f.rule as usize].id.clone(),
                view: f.view.clone(),
            })
            .collect();
        found.sort();
        vector.expect.sort();
        let limits: BTreeSet<String> = inspection.limits_hit.iter().map(|&name| name.to_owned()).collect();
        let chars = vector.text.chars().count();
        if found != vector.expect
            || limits != vector.limits
            || (inspection.chars_seen, inspection.chars_total) != (chars, chars)
        {
            wrong.push(format!(
                "{}\n  expected {:?} {:?}\n  found    {found:?} {limits:?}",
                vector.name, vector.expect, vector.limits
            ));
        }
    }
    assert!(wrong.is_empty(), "{} vectors are wrong:\n{}", wrong.len(), wrong.join("\n"));
    Ok(())
}
