//! Panics of the code that is played: told by the history that they end, and by nobody else.

use std::cell::{Cell, RefCell};
use std::panic::{AssertUnwindSafe, catch_unwind, set_hook, take_hook};
use std::sync::Once;

thread_local! {
    static PLAYS: Cell<bool> = const { Cell::new(false) };
    static TOLD: RefCell<String> = const { RefCell::new(String::new()) };
}

/// Panics of other threads go on being told as before.
static LISTENS: Once = Once::new();

/// The panic that ends `act`, if one does: where it was, and its words.
pub(crate) fn panic_of(act: impl FnOnce()) -> Option<String> {
    LISTENS.call_once(|| {
        let tell = take_hook();
        set_hook(Box::new(move |panic| {
            if PLAYS.get() {
                TOLD.set(panic.to_string());
            } else {
                tell(panic);
            }
        }));
    });
    PLAYS.set(true);
    // What it leaves half done is looked at for its account only.
    let ended = catch_unwind(AssertUnwindSafe(act));
    PLAYS.set(false);
    ended.is_err().then(|| TOLD.take())
}

#[test]
fn a_panic_is_told_with_its_place_and_in_its_own_words() {
    let told = panic_of(|| panic!("at {}", "the end")).expect("it panics");
    assert!(told.contains(file!()) && told.contains("at the end"), "{told}");
    assert_eq!(panic_of(|| {}), None);
}
