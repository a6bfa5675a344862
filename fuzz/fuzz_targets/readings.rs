//! Normalisation and offset maps: a phrase in the middle of anything is found, and exactly there.
#![no_main]

use libfuzzer_sys::fuzz_target;
use promptward_core::{Limits, Tables};
use promptward_fuzz::{PHRASE, check, is_covered};

/// Characters that no reading shows.
const INVISIBLE: [char; 6] = ['\u{200B}', '\u{00AD}', '\u{2060}', '\u{FEFF}', '\u{FE0F}', '\u{34F}'];

fuzz_target!(|data: &[u8]| {
    let [kind, at, rest @ ..] = data else { return };
    let text = String::from_utf8_lossy(rest);
    let folded = Tables::get().fold(&text);
    assert_eq!(Tables::get().fold(&folded), folded, "folding is not idempotent");

    let at = text.floor_char_boundary(usize::from(*at) % (text.len() + 1));
    let (before, after) = text.split_at(at);
    let mut phrase = PHRASE.to_owned();
    match kind % 4 {
        0 => {}
        1 => {
            phrase = phrase
                .chars()
                .map(|c| char::from_u32(c as u32 + 0xFEE0).filter(|_| c != ' ').unwrap_or('\u{3000}'))
                .collect()
        }
        2 => {
            let invisible = INVISIBLE[usize::from(kind / 4) % INVISIBLE.len()];
            let inner: String = phrase.chars().flat_map(|c| [c, invisible]).collect();
            phrase = inner.trim_end_matches(invisible).to_owned();
        }
        _ => phrase = phrase.to_uppercase().replace(' ', " \t"),
    }
    // A mark of its own on either side: what comes before can't reach into the phrase.
    let text = format!("{before}\n; {phrase} ;\n{after}");
    let start = before.chars().count() + 3;
    let inspection = check(&text, &Limits::default(), 1);
    let end = start + phrase.chars().count();
    assert!(
        inspection.limits_hit.contains("max_findings")
            || inspection.findings.iter().any(|f| f.rule == 0 && f.start == start && f.end == end),
        "{start}..{end} is not in {:?}",
        inspection.findings
    );
    // Without marks around it, a match may begin in what comes before.
    let text = format!("{before}\n{PHRASE}\n{after}");
    assert!(is_covered(&check(&text, &Limits::default(), 1), before.chars().count() + 1));
});
