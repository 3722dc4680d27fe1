//! Expected outcome of each cell.

use super::calls::Call;
use super::cell::Cell;
use super::faults::Fault;

/// Expected outcomes, a line for each fault and a column for each call. A cell gives the verdict (status and reason of
/// `Ready`), the delay of the next attempt, and whether the write took effect:
///
/// * `S` `Unknown/SignInUnknown`, `U` `Unknown/LandscapeManagementUnavailable`, `L` `Unknown/RateLimited`, `C`
///   `Unknown/SlotUnknown`, `R` `Unknown/Removing`, `A` `False/LandscapeManagementUnauthorized`, `X`
///   `False/UploadRejected`, `D` `False/CredentialsRefused`, `T` `True/Uploaded` as before;
/// * `~` back-off, `.` hourly, `=` after three intervals, a number: after that many seconds;
/// * `!` the write took effect while the fault lasted; without it, no write took effect.
///
/// `-` is no cell. The other conditions follow from these, see [`Expected`].
///
/// Some combinations need a definition: a 404 has no `ETag`, so it does not report an empty slot; a truncated response to a
/// write is a refusal (422), because a success has no body; wrong types in the response to a write are a weak `ETag` of a
/// success. A deletion whose connection fails is that of a dead key, because only there a read of the content comes first.
pub const TABLE: &str = "
fault               | sign in | token | slot | content | put | adopt     | release | delete | settled: sign in | token | slot
refused             | S~      | U~    | U~   | U~      | U~  | U~        | R~      | U~     | T~               | T~    | T~
TLS of another host | S~      | U~    | U~   | U~      | U~  | U~        | R~      | U~     | T~               | T~    | T~
TLS expired         | S~      | U~    | U~   | U~      | U~  | U~        | R~      | U~     | T~               | T~    | T~
reset               | S~      | U~    | U~   | U~      | U~  | U~        | R~      | R~     | T~               | T~    | T~
reset when done     | -       | -     | -    | -       | U~! | U~!       | R~!     | R~!    | -                | -     | -
reset in the body   | S~      | U~    | U~   | U~      | U~! | U~!       | R~!     | R~!    | T~               | T~    | T~
no answer           | S~      | U~    | U~   | U~      | U~  | U~        | R~      | R~     | T~               | T~    | T~
no answer when done | -       | -     | -    | -       | U~! | U~!       | R~!     | R~!    | -                | -     | -
dripping body       | S~      | U~    | U~   | U~      | U~! | U~!       | R~!     | R~!    | T~               | T~    | T~
400                 | S~      | A.    | U~   | U~      | X.  | U~        | R~      | R~     | T~               | T=    | T~
401                 | D60     | A.    | A.   | A.      | A.  | A.        | R.      | R.     | D60              | T=    | T=
401 of a proxy      | S~      | A.    | A.   | A.      | A.  | A.        | R.      | R.     | T~               | T=    | T=
403                 | S~      | A.    | A.   | A.      | A.  | A.        | R.      | R.     | T~               | T=    | T=
404                 | S~      | U~    | U~   | U~      | U~  | U~        | R~      | R~     | T~               | T~    | T~
409                 | S~      | U~    | U~   | U~      | X.  | U~        | R~      | R~     | T~               | T~    | T~
412                 | S~      | U~    | U~   | U~      | C~  | C~        | R~      | R~     | T~               | T~    | T~
422                 | S~      | U~    | U~   | U~      | X.  | U~        | R~      | R~     | T~               | T~    | T~
429                 | S30     | L30   | L30  | L30     | L30 | L30       | R30     | R30    | T30              | T30   | T30
429 for 3 s         | S3      | L3    | L3   | L3      | L3  | L3        | R3      | R3     | T3               | T3    | T3
429 until a date    | S60     | L60   | L60  | L60     | L60 | L60       | R60     | R60    | T60              | T60   | T60
500                 | S~      | U~    | U~   | U~      | U~  | U~        | R~      | R~     | T~               | T~    | T~
502                 | S~      | U~    | U~   | U~      | U~  | U~        | R~      | R~     | T~               | T~    | T~
503                 | S~      | U~    | U~   | U~      | U~  | U~        | R~      | R~     | T~               | T~    | T~
504                 | S~      | U~    | U~   | U~      | U~  | U~        | R~      | R~     | T~               | T~    | T~
HTML body           | S~      | U~    | U~   | U~      | U~  | U~        | R~      | R~     | T~               | T~    | T~
truncated JSON      | S~      | U~    | U~   | U~      | X.  | U~        | R~      | R~     | T~               | T~    | T~
wrong types         | S~      | U~    | U~   | U~      | U~! | U~!       | R~!     | R~!    | T~               | T~    | T~
10 MB body          | S~      | U~    | U~   | U~      | U~! | U~!       | R~!     | R~!    | T~               | T~    | T~
redirect elsewhere  | S~      | U~    | U~   | U~      | U~  | U~        | R~      | R~     | T~               | T~    | T~
endless redirect    | S~      | U~    | U~   | U~      | U~  | U~        | R~      | R~     | T~               | T~    | T~
";

/// Returns the head of the table.
pub fn head() -> &'static str {
    TABLE.trim().lines().next().unwrap_or_default()
}

/// Returns the lines of the table below its head, each with its fault.
pub fn lines() -> impl Iterator<Item = (Fault, &'static str)> {
    TABLE.trim().lines().skip(1).map(|line| {
        let name = line.split('|').next().unwrap_or_default().trim();
        (Fault::parse(name), line)
    })
}

/// Returns all cells, the slow ones first.
pub fn cells() -> Vec<Cell> {
    let mut cells = Vec::new();
    for (fault, line) in lines() {
        let mut columns = line.split('|').map(str::trim);
        let name = columns.next().unwrap_or_default();
        let texts: Vec<_> = columns.collect();
        assert_eq!(texts.len(), Call::ALL.len(), "the line of {name:?} has a cell for each call");
        for (call, text) in Call::ALL.into_iter().zip(texts).filter(|(_, text)| *text != "-") {
            cells.push(Cell { call, fault, fault_name: name, expected: Expected::parse(text) });
        }
    }
    cells.sort_by_key(|cell| match (cell.call, cell.fault) {
        (Call::Delete, Fault::Listener(_)) => 0,
        (Call::SignIn | Call::SettledSignIn, Fault::Delayed | Fault::Answer("drip")) => 1,
        _ => 2,
    });
    cells
}

/// Expected outcome of a cell.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Expected {
    /// Verdict of `Ready`, as a letter of the table.
    pub verdict: char,
    /// Delay of the next attempt, as the table writes it.
    pub next: String,
    /// True if the write took effect while the fault lasted.
    pub effect: bool,
}

impl Expected {
    fn parse(text: &str) -> Self {
        let verdict = text.chars().next().expect("a verdict");
        let next = text[1..].trim_end_matches('!').to_owned();
        Self { verdict, next, effect: text.ends_with('!') }
    }

    /// Returns status and reason of `Ready`.
    pub fn ready(&self) -> (&'static str, &'static str) {
        match self.verdict {
            'S' => ("Unknown", "SignInUnknown"),
            'U' => ("Unknown", "LandscapeManagementUnavailable"),
            'L' => ("Unknown", "RateLimited"),
            'C' => ("Unknown", "SlotUnknown"),
            'R' => ("Unknown", "Removing"),
            'A' => ("False", "LandscapeManagementUnauthorized"),
            'X' => ("False", "UploadRejected"),
            'D' => ("False", "CredentialsRefused"),
            'T' => ("True", "Uploaded"),
            other => panic!("{other} is no verdict"),
        }
    }

    /// Returns status and reason of `SignedIn`. The fault of another call does not count against the key. A deletion reports
    /// only its own sign-in: a released key signs in before, a deleted one need not.
    pub fn signed_in(&self, call: Call, fault: Fault) -> (&'static str, &'static str) {
        match (self.verdict, call, fault) {
            ('S' | 'D', ..) => self.ready(),
            (_, Call::Delete, Fault::Listener(_)) => ("False", "CredentialsRefused"),
            (_, Call::Delete, _) | (_, Call::Release, Fault::Status(412)) => ("Unknown", "Progressing"),
            _ => ("True", "SignedIn"),
        }
    }

    /// Returns status and reason of `Valid`. The source of a deleted object is not read.
    pub fn valid(&self) -> (&'static str, &'static str) {
        if self.verdict == 'R' { ("Unknown", "Progressing") } else { ("True", "Valid") }
    }

    /// Returns status and reason of `Uploaded`: unknown if the slot could not be read or written, otherwise what it held.
    pub fn uploaded(&self, call: Call, fault: Fault) -> (&'static str, &'static str) {
        match (self.verdict, call, fault) {
            // The slot has not been read yet.
            ('S', ..) => ("Unknown", "Progressing"),
            // The slot changed each time.
            ('R', Call::Delete, Fault::Status(412)) => ("Unknown", "SlotUnknown"),
            ('R' | 'T', ..) => ("True", "Uploaded"),
            ('D', ..) if call.is_settled() => ("True", "Uploaded"),
            ('D', ..) => ("False", "NotUploaded"),
            ('A', ..) => ("Unknown", "LandscapeManagementUnauthorized"),
            _ => self.ready(),
        }
    }

    /// Returns the condition for kstatus that is present beside the four.
    pub fn progress(&self) -> Option<&'static str> {
        match (self.verdict, self.next.as_str()) {
            ('T', _) => None,
            ('D', _) | (_, ".") => Some("Stalled"),
            _ => Some("Reconciling"),
        }
    }
}
