//! Panic messages without values. The standard library's messages may quote one: `expect` prints the error, and slicing
//! inside a character prints the whole text. Only the place of a panic is reported, and its text if it is a literal.

use std::any::Any;
use std::panic::{PanicHookInfo, set_hook};

use tracing::error;

const MESSAGE: &str = "internal error: please report it";
const WITHHELD: &str = "withheld, because it may quote a value";

/// Reports panics on standard error.
#[expect(clippy::print_stderr, reason = "a command has no log")]
pub fn install() {
    set_hook(Box::new(|panic| {
        let (place, text) = describe(panic);
        eprintln!("almkey: {MESSAGE}: {place} ({text})");
    }));
}

/// Reports panics in the log.
pub(super) fn install_into_log() {
    set_hook(Box::new(|panic| {
        let (place, text) = describe(panic);
        error!(panic = place, text, "{MESSAGE}");
    }));
}

fn describe(panic: &PanicHookInfo<'_>) -> (String, &'static str) {
    let place = panic.location().map(ToString::to_string).unwrap_or_default();
    (place, literal(panic.payload()).unwrap_or(WITHHELD))
}

/// Returns the text of a panic if it is a literal, which contains no value.
fn literal(payload: &(dyn Any + Send)) -> Option<&'static str> {
    payload.downcast_ref::<&'static str>().copied()
}

#[cfg(test)]
mod tests {
    use std::panic::{UnwindSafe, catch_unwind};

    use secrecy::ExposeSecret;

    use super::*;
    use crate::domain::service_key::examples::key;

    fn literal_of(panics: impl FnOnce() + UnwindSafe) -> Option<&'static str> {
        literal(catch_unwind(panics).expect_err("a panic").as_ref())
    }

    #[test]
    fn a_formatted_panic_text_is_withheld() {
        let secret = || key().client_secret().expose_secret().to_owned();
        assert_eq!(literal_of(|| panic!("{}", secret())), None);
        let number = || serde_json::from_value::<u64>(secret().into()).expect("a number");
        assert_eq!(literal_of(|| assert_eq!(number(), 0)), None);
        assert_eq!(literal_of(|| drop(format!("{}é", secret())[..=secret().len()].to_owned())), None);
        assert_eq!(literal_of(|| panic!("{:?}", key())), None);
    }

    #[test]
    fn a_literal_panic_text_is_reported() {
        assert_eq!(literal_of(|| panic!("this cannot be")), Some("this cannot be"));
    }
}
