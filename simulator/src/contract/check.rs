//! Requests and answers held against the document. What is found names places and rules, never a value.

use std::error::Error;

use hyper::HeaderMap;
use hyper::header::{AUTHORIZATION, CONTENT_TYPE};
use jsonschema::Validator;
use jsonschema::error::ValidationErrorKind;
use serde_json::{Value, json};

/// The document, ready to be held against what is sent.
pub(crate) struct Contract(Vec<Operation>);

/// One method of one path.
struct Operation {
    path: String,
    method: String,
    headers: Vec<Header>,
    body: Option<Validator>,
    answers: Vec<Answer>,
}

/// An answer that the document declares.
struct Answer {
    /// `200`, or `5XX` for a class.
    status: String,
    headers: Vec<Header>,
    body: Option<Validator>,
}

/// A header and what it holds.
struct Header {
    name: String,
    required: bool,
    value: Validator,
}

/// One side of an exchange, as it went over the wire.
pub(crate) struct Seen<'a> {
    pub(crate) method: &'a str,
    /// Below the base URL.
    pub(crate) path: &'a str,
    pub(crate) headers: &'a HeaderMap,
    pub(crate) body: &'a [u8],
}

impl Contract {
    pub(crate) fn new() -> Result<Self, Box<dyn Error>> {
        let document = Document(serde_json::to_value(super::document()?)?);
        let mut operations = Vec::new();
        for (path, methods) in document.0["paths"].as_object().into_iter().flatten() {
            for (method, operation) in methods.as_object().into_iter().flatten() {
                operations.push(Operation {
                    path: path.clone(),
                    method: method.to_ascii_uppercase(),
                    headers: document.parameters(&operation["parameters"])?,
                    body: document.body(&operation["requestBody"])?,
                    answers: document.answers(&operation["responses"])?,
                });
            }
        }
        Ok(Self(operations))
    }

    /// Where a request is not as the contract says.
    pub(crate) fn request(&self, seen: &Seen<'_>) -> Vec<String> {
        let Some(operation) = self.find(seen) else { return vec!["there is no such path or method".into()] };
        let mut found = headers(&operation.headers, seen.headers);
        let bearer = seen.headers.get(AUTHORIZATION).and_then(|value| value.to_str().ok());
        if !bearer.is_some_and(|value| value.starts_with("Bearer ")) {
            found.push("there is no bearer token".into());
        }
        match &operation.body {
            Some(body) => found.extend(json_body(body, seen)),
            None if !seen.body.is_empty() => found.push("there is a body".into()),
            None => {}
        }
        found
    }

    /// Where an answer is not as the contract says.
    pub(crate) fn answer(&self, seen: &Seen<'_>, status: u16) -> Vec<String> {
        let Some(operation) = self.find(seen) else { return Vec::new() };
        let class = format!("{}XX", status / 100);
        let status = status.to_string();
        let declared = |wanted: &str| operation.answers.iter().find(|answer| answer.status == wanted);
        let Some(answer) = declared(&status).or_else(|| declared(&class)) else {
            return vec![format!("{status} is not declared")];
        };
        let mut found = headers(&answer.headers, seen.headers);
        match &answer.body {
            Some(body) => found.extend(json_body(body, seen)),
            None if status.starts_with('2') && !seen.body.is_empty() => found.push("there is a body".into()),
            None => {}
        }
        found.iter().map(|found| format!("{status}: {found}")).collect()
    }

    fn find(&self, seen: &Seen<'_>) -> Option<&Operation> {
        self.0.iter().find(|operation| operation.path == seen.path && operation.method == seen.method)
    }
}

fn headers(declared: &[Header], present: &HeaderMap) -> Vec<String> {
    let mut found = Vec::new();
    for Header { name, required, value } in declared {
        match present.get(name) {
            None if *required => found.push(format!("{name} is missing")),
            Some(text) if !text.to_str().is_ok_and(|text| value.is_valid(&json!(text))) => {
                found.push(format!("{name} is not what it should be"));
            }
            _ => {}
        }
    }
    found
}

fn json_body(schema: &Validator, seen: &Seen<'_>) -> Vec<String> {
    let kind = seen.headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    if kind.split(';').next().map(str::trim) != Some("application/json") {
        return vec!["the body is not called application/json".into()];
    }
    let Ok(body) = serde_json::from_slice::<Value>(seen.body) else { return vec!["the body is no JSON".into()] };
    let told = |error: jsonschema::ValidationError<'_>| {
        let place = error.instance_path().to_string();
        match error.kind() {
            ValidationErrorKind::Required { property } => format!("the body lacks {property} at ${place}"),
            _ => format!("the body breaks \"{}\" at ${place}", error.kind().keyword()),
        }
    };
    schema.iter_errors(&body).map(told).collect()
}

/// The document while it is taken apart.
struct Document(Value);

impl Document {
    /// What a node is, or what it refers to.
    fn resolve<'a>(&'a self, node: &'a Value) -> Result<&'a Value, Box<dyn Error>> {
        match node["$ref"].as_str() {
            None => Ok(node),
            Some(reference) => {
                let pointer = reference.strip_prefix('#').unwrap_or_default();
                Ok(self.0.pointer(pointer).ok_or_else(|| format!("{reference} leads nowhere"))?)
            }
        }
    }

    /// A schema of the document with all that it refers to.
    fn schema(&self, schema: &Value) -> Result<Validator, Box<dyn Error>> {
        let schema = json!({ "allOf": [schema], "components": { "schemas": self.0["components"]["schemas"] } });
        Ok(jsonschema::options().should_validate_formats(true).build(&schema)?)
    }

    fn header(&self, name: &str, header: &Value) -> Result<Header, Box<dyn Error>> {
        let required = header["required"] == json!(true);
        Ok(Header { name: name.to_owned(), required, value: self.schema(&header["schema"])? })
    }

    fn parameters(&self, parameters: &Value) -> Result<Vec<Header>, Box<dyn Error>> {
        let mut headers = Vec::new();
        for parameter in parameters.as_array().into_iter().flatten() {
            let parameter = self.resolve(parameter)?;
            headers.push(self.header(parameter["name"].as_str().unwrap_or_default(), parameter)?);
        }
        Ok(headers)
    }

    fn body(&self, holder: &Value) -> Result<Option<Validator>, Box<dyn Error>> {
        let schema = &holder["content"]["application/json"]["schema"];
        if schema.is_null() { Ok(None) } else { self.schema(schema).map(Some) }
    }

    fn answers(&self, responses: &Value) -> Result<Vec<Answer>, Box<dyn Error>> {
        let mut answers = Vec::new();
        for (status, response) in responses.as_object().into_iter().flatten() {
            let response = self.resolve(response)?;
            let mut headers = Vec::new();
            for (name, header) in response["headers"].as_object().into_iter().flatten() {
                headers.push(self.header(name, self.resolve(header)?)?);
            }
            answers.push(Answer { status: status.clone(), headers, body: self.body(response)? });
        }
        Ok(answers)
    }
}
