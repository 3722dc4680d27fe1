//! What is told of a panic: where it was, and no value. The standard library's own words may quote one: `expect` shows the
//! error, and a text that is cut in the midst of a character is shown whole.

use std::any::Any;
use std::panic::{PanicHookInfo, set_hook};

use tracing::error;

const WHAT: &str = "a defect of this program, which ends what it was about: please report where it was";
const WITHHELD: &str = "not told, as it may quote a value";

/// From now on this is told of a panic instead of its text.
pub fn install() {
    set_hook(Box::new(|panic| {
        let (place, text) = told(panic);
        complain(&format!("{WHAT}: {place} ({text})"));
    }));
}

/// From now on it is told in the log.
pub(super) fn into_the_log() {
    set_hook(Box::new(|panic| {
        let (place, text) = told(panic);
        error!(panic = place, text, "{WHAT}");
    }));
}

fn told(panic: &PanicHookInfo<'_>) -> (String, &'static str) {
    let place = panic.location().map(ToString::to_string).unwrap_or_default();
    (place, literal(panic.payload()).unwrap_or(WITHHELD))
}

#[expect(clippy::print_stderr, reason = "a command has no log")]
fn complain(message: &str) {
    eprintln!("almkey: {message}");
}

/// A text that stands in the source code as it is; none if something may have been put into it.
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
        literal(catch_unwind(panics).expect_err("it panics").as_ref())
    }

    #[test]
    fn a_text_into_which_something_was_put_is_not_told() {
        let secret = || key().client_secret().expose_secret().to_owned();
        assert_eq!(literal_of(|| panic!("{}", secret())), None);
        let number = || serde_json::from_value::<u64>(secret().into()).expect("a number");
        assert_eq!(literal_of(|| assert_eq!(number(), 0)), None);
        assert_eq!(literal_of(|| drop(format!("{}é", secret())[..=secret().len()].to_owned())), None);
        assert_eq!(literal_of(|| panic!("{:?}", key())), None);
    }

    #[test]
    fn a_text_that_stands_in_the_source_is_told() {
        assert_eq!(literal_of(|| panic!("this cannot be")), Some("this cannot be"));
    }
}
