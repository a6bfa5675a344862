//! The whole way of a text, under any limits: no panic, sound offsets, the same answer twice.
#![no_main]

use libfuzzer_sys::fuzz_target;
use promptward_core::Limits;
use promptward_fuzz::check;

fuzz_target!(|data: &[u8]| {
    let [options, caps, rest @ ..] = data else { return };
    let mut limits = Limits::default();
    if options & 4 != 0 {
        let cap = usize::from(*caps);
        limits = Limits {
            max_chars: cap * 8,
            max_findings: cap % 7 + 1,
            max_views: cap % 13 + 1,
            max_decode_depth: cap % 5,
            max_decoded_bytes: cap * 16,
        };
    }
    check(&String::from_utf8_lossy(rest), &limits, options % 4 + 1);
});
