//! The messages about a document. They quote nothing of the document itself, which might be a secret in the wrong place.

use alm_key_operator::domain::service_key::Finding;

/// All texts of `found`, with `#` for a number.
const FOUND: [&str; 71] = [
    "nothing",
    "null",
    "a boolean",
    "a number",
    "a string",
    "an empty string",
    "an array",
    "an object",
    "something else",
    "# bytes",
    "nesting deeper than #",
    "text that is not JSON at line #, column #",
    "text that ends too early at line #, column #",
    "a duplicate field at line #, column #",
    "the identity zone of another tenant",
    "another type",
    "\"instance-secret\"",
    "\"binding-secret\"",
    "\"x#\"",
    "a string that is not a URL",
    "a string that is not an https URL",
    "a URL that is not https",
    "a URL with user information",
    "a URL with a query or a fragment",
    "a host that is not allowed",
    "a host and a port that are not allowed together",
    "the client of another application, and no endpoint of SAP Cloud ALM",
    "a URL in which some parsers may see another host",
    "a field of this name in other letter case, which some parsers treat as this field",
    "no entry at all",
    "no entry \"named\"",
    "# entries and a key in none of them",
    "a key in # entries",
    "a manifest of another kind",
    "# Secrets",
    "no manifest",
    "the label services.cloud.sap.com/stale",
    "text that is not YAML",
    "text that is not YAML at line #, column #",
    "an entry, which is not base#",
    "an entry, which is no string",
    "compressed data",
    "bytes that are not UTF-#",
    "NUL characters, as in UTF-# without a byte order mark",
    "typographic quotes, as word processors and chats write them",
    "HTML entities",
    "HTML or XML, such as a login page",
    "double quotes around the text",
    "encrypted text",
    "a map as Go prints it",
    "bytes as Python prints them",
    "an assignment, as in an env file",
    "the name of a file in place of its content",
    "invisible characters, as in text of a web page",
    "the two characters \\n in place of a line break",
    "doubled quotes, as in CSV",
    "fields without the braces around them",
    "single quotes around the text",
    "a placeholder that was not replaced",
    "a certificate or private key in PEM",
    "URL-encoded text",
    "YAML",
    "a key in more than two encodings",
    "backslashes before the quotes: the text was escaped once too often",
    "single quotes instead of double quotes, as a program prints an object",
    "names without quotes, as a shell leaves them",
    "equals signs instead of colons, as Terraform, Ruby or Java print an object",
    "text after the object",
    "a line break or another control character in a string, as after line wrapping",
    "an escape sequence that JSON does not know",
    "a comma after the last field",
];

/// All places that a text of `found` may begin with.
const PLACES: [&str; 7] = [
    "in the decoded text: ",
    "in the entry \"uaa\": ",
    "in the entry \"endpoints\": ",
    "in the entries together: ",
    "in the string \"uaa\": ",
    "in the string \"endpoints\": ",
    "in a string: ",
];

/// Upper bound of a finding's message, in bytes: a status holds several of them.
const MAX_MESSAGE: usize = 2048;

/// Checks that a finding has a known text, a path, an expectation and a remedy.
pub fn check_finding(finding: &Finding) {
    let mut found = mask_digits(&finding.found);
    while let Some(rest) = PLACES.iter().find_map(|place| found.strip_prefix(place)) {
        found = rest.to_owned();
    }
    assert!(FOUND.contains(&found.as_str()), "this may quote a value: {:?}", finding.found);
    assert!(finding.path.starts_with('$') || finding.path == "Secret", "{}", finding.path);
    assert!(!finding.expected.is_empty() && !finding.remedy.is_empty(), "{finding}");
    assert!(finding.to_string().len() <= MAX_MESSAGE, "{} bytes", finding.to_string().len());
}

/// Replaces each number by `#`.
fn mask_digits(text: &str) -> String {
    let mut masked = String::new();
    for character in text.chars() {
        match character {
            '0'..='9' if masked.ends_with('#') => {}
            '0'..='9' => masked.push('#'),
            other => masked.push(other),
        }
    }
    masked
}
