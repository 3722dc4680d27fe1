//! Checks of requests and answers against the document. A violation names a place and a rule, never a value.

use std::error::Error;

use hyper::HeaderMap;
use hyper::header::{AUTHORIZATION, CONTENT_TYPE};
use jsonschema::Validator;
use jsonschema::error::ValidationErrorKind;
use serde_json::{Value, json};

use super::document::document;

/// The document, compiled for checks.
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
    /// Status such as `200`, or a class such as `5XX`.
    status: String,
    headers: Vec<Header>,
    body: Option<Validator>,
}

/// A header and the schema of its value.
struct Header {
    name: String,
    required: bool,
    value: Validator,
}

/// One side of an exchange, a request or an answer.
pub(crate) struct Exchange<'a> {
    pub(crate) method: &'a str,
    /// Path below the base URL.
    pub(crate) path: &'a str,
    pub(crate) headers: &'a HeaderMap,
    pub(crate) body: &'a [u8],
}

impl Contract {
    pub(crate) fn new() -> Result<Self, Box<dyn Error>> {
        let document = Document(serde_json::to_value(document()?)?);
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

    /// Returns the violations of a request.
    pub(crate) fn check_request(&self, exchange: &Exchange<'_>) -> Vec<String> {
        let Some(operation) = self.find(exchange) else { return vec!["there is no such path or method".into()] };
        let mut violations = headers(&operation.headers, exchange.headers);
        let bearer = exchange.headers.get(AUTHORIZATION).and_then(|value| value.to_str().ok());
        if !bearer.is_some_and(|value| value.starts_with("Bearer ")) {
            violations.push("there is no bearer token".into());
        }
        match &operation.body {
            Some(body) => violations.extend(json_body(body, exchange)),
            None if !exchange.body.is_empty() => violations.push("there is a body".into()),
            None => {}
        }
        violations
    }

    /// Returns the violations of an answer.
    pub(crate) fn check_answer(&self, exchange: &Exchange<'_>, status: u16) -> Vec<String> {
        let Some(operation) = self.find(exchange) else { return Vec::new() };
        let class = format!("{}XX", status / 100);
        let status = status.to_string();
        let declared = |wanted: &str| operation.answers.iter().find(|answer| answer.status == wanted);
        let Some(answer) = declared(&status).or_else(|| declared(&class)) else {
            return vec![format!("{status} is not declared")];
        };
        let mut violations = headers(&answer.headers, exchange.headers);
        match &answer.body {
            Some(body) => violations.extend(json_body(body, exchange)),
            None if status.starts_with('2') && !exchange.body.is_empty() => violations.push("there is a body".into()),
            None => {}
        }
        violations.iter().map(|violation| format!("{status}: {violation}")).collect()
    }

    fn find(&self, exchange: &Exchange<'_>) -> Option<&Operation> {
        self.0.iter().find(|operation| operation.path == exchange.path && operation.method == exchange.method)
    }
}

fn headers(declared: &[Header], present: &HeaderMap) -> Vec<String> {
    let mut violations = Vec::new();
    for Header { name, required, value } in declared {
        match present.get(name) {
            None if *required => violations.push(format!("{name} is missing")),
            Some(text) if !text.to_str().is_ok_and(|text| value.is_valid(&json!(text))) => {
                violations.push(format!("{name} has an invalid value"));
            }
            _ => {}
        }
    }
    violations
}

fn json_body(schema: &Validator, exchange: &Exchange<'_>) -> Vec<String> {
    let kind = exchange.headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    if kind.split(';').next().map(str::trim) != Some("application/json") {
        return vec!["the body is not declared as application/json".into()];
    }
    let Ok(body) = serde_json::from_slice::<Value>(exchange.body) else { return vec!["the body is not JSON".into()] };
    let describe = |error: jsonschema::ValidationError<'_>| {
        let place = error.instance_path().to_string();
        match error.kind() {
            ValidationErrorKind::Required { property } => format!("the body lacks {property} at ${place}"),
            _ => format!("the body breaks \"{}\" at ${place}", error.kind().keyword()),
        }
    };
    schema.iter_errors(&body).map(describe).collect()
}

/// The document while it is compiled.
struct Document(Value);

impl Document {
    /// Returns a node, or the one that it refers to.
    fn resolve<'a>(&'a self, node: &'a Value) -> Result<&'a Value, Box<dyn Error>> {
        match node["$ref"].as_str() {
            None => Ok(node),
            Some(reference) => {
                let pointer = reference.strip_prefix('#').unwrap_or_default();
                Ok(self.0.pointer(pointer).ok_or_else(|| format!("{reference} refers to nothing"))?)
            }
        }
    }

    /// Compiles a schema with all schemas that it refers to.
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
