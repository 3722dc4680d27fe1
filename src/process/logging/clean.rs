//! Log lines stay lines: names of certificates, messages of servers and whatever else others have written may hold line
//! breaks, terminal sequences and marks that turn writing around. They are told, but escaped.

use std::fmt::Write as _;
use std::io::{self, Write};

use tracing_subscriber::fmt::MakeWriter;

use crate::domain::untrusted::is_invisible;

/// Makes writers that let nothing through but what can be seen, and the end of the line.
pub(super) struct Clean<M>(pub(super) M);

impl<'a, M: MakeWriter<'a>> MakeWriter<'a> for Clean<M> {
    type Writer = Lines<M::Writer>;

    fn make_writer(&'a self) -> Self::Writer {
        Lines(self.0.make_writer())
    }
}

/// Takes a whole line at a time, as `tracing-subscriber` writes them.
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

/// In the form of JSON, so that a line of JSON stays one. All that is not seen lies within four hex digits.
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
