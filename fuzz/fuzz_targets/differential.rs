#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| loganalyzer_fuzz::fuzzing::differential::run(bytes));
