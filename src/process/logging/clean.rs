//! Escaping of log lines. Untrusted text, such as names of certificates and messages of servers, may contain line
//! breaks, terminal sequences and marks of the writing direction.

use std::fmt::Write as _;
use std::io::{self, Write};

use tracing_subscriber::fmt::MakeWriter;

use crate::domain::untrusted::is_invisible;

/// A maker of writers that escape all invisible characters except the end of the line.
pub(super) struct Clean<M>(pub(super) M);

impl<'a, M: MakeWriter<'a>> MakeWriter<'a> for Clean<M> {
    type Writer = Lines<M::Writer>;

    fn make_writer(&'a self) -> Self::Writer {
        Lines(self.0.make_writer())
    }
}

/// A writer of whole lines, as `tracing-subscriber` writes them.
pub(super) struct Lines<W>(W);

impl<W: Write> Write for Lines<W> {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        let text = String::from_utf8_lossy(line);
        let (body, end) = text.strip_suffix('\n').map_or((&*text, ""), |body| (body, "\n"));
        if body.contains(is_invisible) {
            self.0.write_all(format!("{}{end}", escaped(body)).as_bytes())?;
        } else {
            self.0.write_all(line)?;
        }
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

/// Escapes in the notation of JSON, so that a line of JSON stays valid. All invisible characters fit four hex digits.
fn escaped(body: &str) -> String {
    body.chars().fold(String::with_capacity(body.len()), |mut text, c| {
        if is_invisible(c) {
            let _ = write!(text, "\\u{:04x}", u32::from(c));
        } else {
            text.push(c);
        }
        text
    })
}
