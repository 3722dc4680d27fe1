//! Panics of the code under simulation: each one ends its history, and is reported with it alone.

use std::cell::{Cell, RefCell};
use std::panic::{AssertUnwindSafe, catch_unwind, set_hook, take_hook};
use std::sync::Once;

thread_local! {
    static IS_CATCHING: Cell<bool> = const { Cell::new(false) };
    static MESSAGE: RefCell<String> = const { RefCell::new(String::new()) };
}

/// The installation of the panic hook. Panics of other threads go to the previous hook.
static HOOK: Once = Once::new();

/// Runs `act`. Returns the place and the message of its panic, if it panics.
pub(crate) fn catch_panic(act: impl FnOnce()) -> Option<String> {
    HOOK.call_once(|| {
        let previous = take_hook();
        set_hook(Box::new(move |panic| {
            if IS_CATCHING.get() {
                MESSAGE.set(panic.to_string());
            } else {
                previous(panic);
            }
        }));
    });
    IS_CATCHING.set(true);
    // The state that a panic leaves behind is only read for the report.
    let result = catch_unwind(AssertUnwindSafe(act));
    IS_CATCHING.set(false);
    result.is_err().then(|| MESSAGE.take())
}

#[test]
fn a_caught_panic_has_its_place_and_its_message() {
    let message = catch_panic(|| panic!("at {}", "the end")).expect("a panic");
    assert!(message.contains(file!()) && message.contains("at the end"), "{message}");
    assert_eq!(catch_panic(|| {}), None);
}
