//! What is expected of each cell.

use super::calls::Call;
use super::cell::Cell;
use super::faults::Fault;

/// A line a fault, a column a call. A cell says what becomes of `Ready`, when the next try comes, and what took effect:
///
/// * `S` `Unknown/SignInUnknown`, `U` `Unknown/LandscapeManagementUnavailable`, `L` `Unknown/RateLimited`, `C`
///   `Unknown/SlotUnknown`, `R` `Unknown/Removing`, `A` `False/LandscapeManagementUnauthorized`, `X`
///   `False/UploadRejected`, `D` `False/CredentialsRefused`, `T` `True/Uploaded` still;
/// * `~` back-off, `.` hourly, `=` when three intervals are over, a number: after so many seconds;
/// * `!` the write took effect while the fault lasted; without it, no write did.
///
/// `-` is no cell. The other conditions follow from these, see [`Mark`].
///
/// Where a combination has little sense: a 404 is bare, so that the slot does not say that it is empty; a truncated answer
/// to a write, whose success has no body, is a refusal (422); one of wrong types is a success under a weak `ETag`. A
/// deletion whose connection fails is that of a dead key, since nothing else but a write comes after a look at the content.
pub const TABLE: &str = "
fault               | sign in | token | slot | content | put | take over | give up | delete | settled: sign in | token | slot
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

/// The head of the table.
pub fn head() -> &'static str {
    TABLE.trim().lines().next().unwrap_or_default()
}

/// The lines of the table below its head, each with its fault.
pub fn lines() -> impl Iterator<Item = (Fault, &'static str)> {
    TABLE.trim().lines().skip(1).map(|line| {
        let name = line.split('|').next().unwrap_or_default().trim();
        (Fault::parse(name), line)
    })
}

/// All cells; those first that take long.
pub fn cells() -> Vec<Cell> {
    let mut cells = Vec::new();
    for (fault, line) in lines() {
        let mut columns = line.split('|').map(str::trim);
        let name = columns.next().unwrap_or_default();
        let marks: Vec<_> = columns.collect();
        assert_eq!(marks.len(), Call::ALL.len(), "marks of {name:?}, one for each call");
        for (call, mark) in Call::ALL.into_iter().zip(marks).filter(|(_, mark)| *mark != "-") {
            cells.push(Cell { call, fault, fault_name: name, mark: Mark::parse(mark) });
        }
    }
    cells.sort_by_key(|cell| match (cell.call, cell.fault) {
        (Call::Delete, Fault::Door(_)) => 0,
        (Call::SignIn | Call::SettledSignIn, Fault::Late | Fault::Answer("drip")) => 1,
        _ => 2,
    });
    cells
}

/// What a cell says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mark {
    /// Of `Ready`.
    pub verdict: char,
    /// When the next try comes.
    pub next: String,
    /// Whether the write took effect while the fault lasted.
    pub effect: bool,
}

impl Mark {
    fn parse(text: &str) -> Self {
        let verdict = text.chars().next().expect("a verdict");
        let next = text[1..].trim_end_matches('!').to_owned();
        Self { verdict, next, effect: text.ends_with('!') }
    }

    /// Status and reason of `Ready`.
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

    /// Status and reason of `SignedIn`: the fault of another call does not speak against the key. A deletion says anew what
    /// it has asked itself: a key that is given up signs in before, one that is deleted need not.
    pub fn signed_in(&self, call: Call, fault: Fault) -> (&'static str, &'static str) {
        match (self.verdict, call, fault) {
            ('S' | 'D', ..) => self.ready(),
            (_, Call::Delete, Fault::Door(_)) => ("False", "CredentialsRefused"),
            (_, Call::Delete, _) | (_, Call::Release, Fault::Status(412)) => ("Unknown", "Progressing"),
            _ => ("True", "SignedIn"),
        }
    }

    /// Status and reason of `Valid`: the source of an object that is deleted is not looked at.
    pub fn valid(&self) -> (&'static str, &'static str) {
        if self.verdict == 'R' { ("Unknown", "Progressing") } else { ("True", "Valid") }
    }

    /// Status and reason of `Uploaded`: not known if the slot could not be looked at or written, else what it showed.
    pub fn uploaded(&self, call: Call, fault: Fault) -> (&'static str, &'static str) {
        match (self.verdict, call, fault) {
            // It has not been looked at yet.
            ('S', ..) => ("Unknown", "Progressing"),
            // It changed again and again.
            ('R', Call::Delete, Fault::Status(412)) => ("Unknown", "SlotUnknown"),
            ('R' | 'T', ..) => ("True", "Uploaded"),
            ('D', ..) if call.is_settled() => ("True", "Uploaded"),
            ('D', ..) => ("False", "NotUploaded"),
            ('A', ..) => ("Unknown", "LandscapeManagementUnauthorized"),
            _ => self.ready(),
        }
    }

    /// What kstatus is told: the condition that is there beside the four.
    pub fn progress(&self) -> Option<&'static str> {
        match (self.verdict, self.next.as_str()) {
            ('T', _) => None,
            ('D', _) | (_, ".") => Some("Stalled"),
            _ => Some("Reconciling"),
        }
    }
}
