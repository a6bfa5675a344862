//! Anything, wrapped in encodings one in the other, cut and damaged: no panic, sound offsets. A phrase wrapped once is found.
#![no_main]

use std::io::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use libfuzzer_sys::fuzz_target;
use promptward_core::Limits;
use promptward_fuzz::{PHRASE, check};

const ENCODINGS: u8 = 12;

fn each(data: &[u8], encode: impl Fn(u8) -> String, separator: &str) -> Vec<u8> {
    data.iter().map(|&byte| encode(byte)).collect::<Vec<_>>().join(separator).into_bytes()
}

fn encode(kind: u8, data: &[u8]) -> Vec<u8> {
    match kind % ENCODINGS {
        0 => STANDARD.encode(data).into_bytes(),
        1 => URL_SAFE_NO_PAD.encode(data).into_bytes(),
        2 => each(data, |byte| format!("{byte:02x}"), ""),
        3 => each(data, |byte| format!("{byte:02X}"), " "),
        4 => each(data, |byte| format!("%{byte:02x}"), ""),
        5 => each(data, |byte| format!("&#{byte};"), ""),
        6 => each(data, |byte| format!("\\x{byte:02x}"), ""),
        7 => each(data, |byte| format!("={byte:02X}"), ""),
        8 => each(data, |byte| format!("{byte:08b}"), " "),
        9 => each(data, |byte| byte.to_string(), ", "),
        10 => {
            let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
            let zipped = gzip.write_all(data).and_then(|()| gzip.finish()).unwrap_or_default();
            STANDARD.encode(zipped).into_bytes()
        }
        _ => data
            .iter()
            .map(|&byte| match byte {
                b'a'..=b'z' => (byte - b'a' + 13) % 26 + b'a',
                b'A'..=b'Z' => (byte - b'A' + 13) % 26 + b'A',
                _ => byte,
            })
            .collect(),
    }
}

fuzz_target!(|data: &[u8]| {
    let [layers, kinds @ ..] = data else { return };
    let layers = usize::from(layers % 6);
    let Some((kinds, rest)) = kinds.split_at_checked(layers + 1) else { return };
    let (damage, kinds) = (kinds[layers], &kinds[..layers]);
    let mut wrapped = rest.get(..4096).unwrap_or(rest).to_vec();
    for &kind in kinds {
        // What each layer adds is bounded, or the fuzzer would only wait.
        if wrapped.len() > 32 << 10 {
            break;
        }
        wrapped = encode(kind, &wrapped);
    }
    let mut text = String::from_utf8_lossy(&wrapped).into_owned();
    if damage & 1 != 0 {
        let at = text.floor_char_boundary(text.len() * usize::from(damage) / 255);
        text.insert_str(at, ["\n", "=", " ", "\u{200B}", "%", "<~", "é", "\0"][usize::from(damage >> 1) % 8]);
    }
    if damage & 0x10 != 0 {
        text = format!("{text} {PHRASE} {text}");
    }
    check(&text, &Limits::default(), damage % 4 + 1);

    let Some(&kind) = kinds.first() else { return };
    let encoded = String::from_utf8_lossy(&encode(kind, PHRASE.as_bytes())).into_owned();
    // Ends as the carriers of real texts do: encodings have no end marks of their own.
    let text = format!("Please look at this:\n\n{encoded}\n\n. Thank you.");
    let inspection = check(&text, &Limits::default(), 1);
    let (start, end) = (22, 22 + encoded.len());
    assert!(
        inspection.findings.iter().any(|f| f.rule == 0 && f.start >= start && f.end <= end && f.end > f.start),
        "encoding {} is not undone: {:?}",
        kind % ENCODINGS,
        inspection.findings
    );
});
