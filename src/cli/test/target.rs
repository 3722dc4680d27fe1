//! The thing to test: an object or a file.

use std::ffi::OsString;
use std::path::{Path, PathBuf, is_separator};

use crate::cli::key_file::is_stdin;
use crate::domain::slot::is_object_name;

/// Prefixes of a name that is always one of an object, as kubectl writes it.
const PREFIXES: [&str; 2] = ["almkey/", "almservicekey/"];

/// An object or a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Target {
    /// A file, or standard input.
    File(PathBuf),
    /// An `ALMServiceKey`.
    Object {
        /// Name of the object.
        name: String,
        /// True if the user cannot have meant a file.
        is_certain: bool,
    },
}

impl From<OsString> for Target {
    fn from(argument: OsString) -> Self {
        match argument.to_str() {
            Some(text) => Self::parse(text, Path::exists),
            None => Self::File(argument.into()),
        }
    }
}

impl Target {
    fn parse(text: &str, exists: impl FnOnce(&Path) -> bool) -> Self {
        let named = PREFIXES.iter().find_map(|prefix| text.strip_prefix(prefix));
        if let Some(name) = named.filter(|name| is_object_name(name)) {
            return Self::Object { name: name.to_owned(), is_certain: true };
        }
        let file = Path::new(text);
        if is_stdin(file) || text.contains(is_separator) || !is_object_name(text) || exists(file) {
            return Self::File(file.to_owned());
        }
        Self::Object { name: text.to_owned(), is_certain: false }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_an_object_unless_it_can_only_be_a_file() {
        let object = |name: &str, is_certain| Target::Object { name: name.into(), is_certain };
        let file = |path: &str| Target::File(path.into());
        for (text, exists, expected) in [
            ("calm", false, object("calm", false)),
            ("calm", true, file("calm")),
            ("key.txt", false, object("key.txt", false)),
            ("-", false, file("-")),
            ("./calm", false, file("./calm")),
            ("keys/calm", false, file("keys/calm")),
            ("/dev/zero", false, file("/dev/zero")),
            ("Key.TXT", false, file("Key.TXT")),
            ("almkey/calm", true, object("calm", true)),
            ("almservicekey/calm", true, object("calm", true)),
            ("almkey/../calm", false, file("almkey/../calm")),
        ] {
            assert_eq!(Target::parse(text, |_| exists), expected, "{text} {exists}");
        }
    }
}
