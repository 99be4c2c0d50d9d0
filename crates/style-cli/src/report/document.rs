//! The report as JSON: the engine's own, with what only the program knows.

use serde::Serialize;
use serde_json::{Map, Value, json};
use style_transfer::{Outcome, Preset, Settings};

use super::{Begun, Input, Stage};
use crate::failure::{Exit, Failure, Result};

/// Everything but the pictures.
pub(super) fn document(begun: &Begun, stages: &[Stage], outcome: &Outcome) -> Result<Value> {
    let input = |input: &Input| json!({ "name": input.name, "width": input.width, "height": input.height });
    let mut document = value(&outcome.report(&begun.vgg))?;
    let more = json!({
        "program": concat!("style ", env!("CARGO_PKG_VERSION")),
        "output": begun.output,
        "command": begun.command,
        "recipe": serde_json::from_str::<Value>(&begun.recipe).map_err(internal)?,
        "preset": preset(&begun.preset.0, begun.preset.1.as_ref(), &begun.settings)?,
        "inputs": {
            "content": begun.content.as_ref().map(input),
            "styles": begun.styles.iter().map(input).collect::<Vec<_>>(),
        },
        "hardware": value(&begun.device)?,
        "resumed_after": begun.done,
        "stages": stages.iter().map(stage).collect::<Result<Vec<_>>>()?,
        "mean_style_distance": value(&outcome.metrics().mean_style_distance())?,
        "mean_content_distance": value(&outcome.metrics().mean_content_distance())?,
    });
    if let (Value::Object(document), Value::Object(more)) = (&mut document, more) {
        document.extend(more);
    }
    Ok(document)
}

fn stage(stage: &Stage) -> Result<Value> {
    Ok(json!({
        "step": stage.step,
        "width": stage.width,
        "height": stage.height,
        "loss": value(&stage.loss)?,
        "seconds": stage.seconds,
    }))
}

/// The preset that the settings began from, and each setting that is another; of one that was not read, its name alone.
fn preset(name: &str, preset: Option<&Preset>, settings: &Settings) -> Result<Value> {
    let Some(preset) = preset else {
        return Ok(json!({ "name": name, "about": null, "source": null, "differs": null }));
    };
    let (before, now) = (value(&preset.settings)?, value(settings)?);
    let empty = Map::new();
    let changed = now.as_object().unwrap_or(&empty).iter().filter(|(key, now)| before[key.as_str()] != **now);
    let differs: Map<_, _> = changed.map(|(key, _)| (key.clone(), before[key.as_str()].clone())).collect();
    Ok(json!({ "name": name, "about": preset.about, "source": preset.source, "differs": differs }))
}

/// By way of text, which has the digits of a number of 32 bits as a person would write them.
fn value(of: &impl Serialize) -> Result<Value> {
    serde_json::to_string(of).and_then(|text| serde_json::from_str(&text)).map_err(internal)
}

fn internal(error: serde_json::Error) -> Failure {
    Failure::new(Exit::Internal, format!("cannot write the report: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_have_the_digits_of_their_kind() {
        assert_eq!(value(&0.03f32).unwrap().to_string(), "0.03");
        assert_eq!(value(&f32::NAN).unwrap(), Value::Null);
    }

    #[test]
    fn what_differs_from_a_preset_is_told_with_its_value_there() {
        let settings = Settings { size: 99, ..Settings::default() };
        let balanced = Preset::named("balanced").unwrap();
        let told = preset("balanced", Some(&balanced), &settings).unwrap();
        assert_eq!(told["differs"], json!({ "size": 320 }));
        let same = preset("balanced", Some(&balanced), &Settings::default()).unwrap();
        assert_eq!(same["differs"], json!({}));
        assert_eq!(preset("own.toml", None, &settings).unwrap()["differs"], Value::Null);
    }
}
