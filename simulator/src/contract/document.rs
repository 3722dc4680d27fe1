//! The OpenAPI document: a frame written by hand, with the schemas of the types that client and simulator share.

use std::error::Error;

use alm_key_operator::landscape::contract::{KeyDto, OwnerDto, PatchDto, ProblemDto, PutDto, SlotDto};
use schemars::generate::SchemaSettings;
use serde_yaml_ng::Value;

/// All of the document but the schemas: operations, answers, and their meaning.
const FRAME: &str = include_str!("frame.yaml");

/// Returns the whole document, its parts in the order in which people read them.
pub(crate) fn document() -> Result<Value, Box<dyn Error>> {
    let mut document: Value = serde_yaml_ng::from_str(FRAME)?;
    let settings = SchemaSettings::draft2020_12().with(|settings| {
        settings.definitions_path = "/components/schemas".into();
        settings.meta_schema = None;
    });
    let mut generator = settings.into_generator();
    generator.subschema_for::<SlotDto>();
    generator.subschema_for::<PutDto>();
    generator.subschema_for::<PatchDto>();
    generator.subschema_for::<OwnerDto>();
    generator.subschema_for::<KeyDto>();
    generator.subschema_for::<ProblemDto>();
    let schemas = document["components"]["schemas"].as_mapping_mut().ok_or("the frame has no place for schemas")?;
    for (name, schema) in generator.take_definitions(true) {
        schemas.insert(name.into(), serde_yaml_ng::to_value(schema)?);
    }
    Ok(document)
}
