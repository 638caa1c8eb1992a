#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| {
    bodies::aws_auth_edits(input);
});
