//! Line by line nothing is allocated once the names of a log are known.

mod common;

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

struct Counting;

thread_local! {
    static ALLOCATIONS: Cell<u64> = const { Cell::new(0) };
}

// SAFETY: it does what the system's allocator does, and counts.
#[allow(unsafe_code, reason = "an allocator is unsafe by its nature")]
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ALLOCATIONS.with(|count| count.set(count.get() + 1));
        // SAFETY: the caller's promises are handed on.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: the caller's promises are handed on.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

fn allocations() -> u64 {
    ALLOCATIONS.with(Cell::get)
}

#[test]
fn nothing_is_allocated_line_by_line_once_warm() {
    for name in ["1.5.5", "1.25.2", "rotate-hup-1.25.2", "verbose-1.25.2"] {
        let logs = common::logs(name);
        let mut analyzer = common::analyzer();
        let mut lines = loganalyzer::pgbouncer::lines::Lines::new();
        let mut feed = |text: &[u8]| {
            for chunk in text.chunks(60_000) {
                lines.push(chunk);
                while let Some(line) = lines.next_line() {
                    analyzer.line(&line);
                }
            }
        };
        logs.iter().for_each(|log| feed(log));
        let before = allocations();
        logs.iter().for_each(|log| feed(log));
        assert_eq!(allocations() - before, 0, "{name}");
    }
}
