//! Whether a result is there already, and is the one that would be made.

use std::path::Path;

use serde_json::Value;
use style_transfer::{MAX_FILE_BYTES, recipe_of};

use crate::failure::{Exit, Failure, Result};
use crate::reading::{Unread, read_file};
use crate::recipe::Recipe;

/// What stands at the place of a result.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum There {
    Nothing,
    /// A picture with this very recipe.
    Finished,
    /// Something else; the words say what.
    Other(String),
}

/// Looks at the place of a result that a recipe makes.
pub(super) fn look(output: &Path, recipe: &Recipe) -> Result<There> {
    if output.symlink_metadata().is_err() {
        return Ok(There::Nothing);
    }
    let bytes = match read_file(output, MAX_FILE_BYTES as u64) {
        Ok(bytes) => bytes,
        Err(Unread::Failed(error)) => {
            let message = format!("cannot read {}: {error}", output.display());
            return Err(Failure::new(Exit::Output, message)
                .help("see who may read it, or name another folder with -o"));
        }
        Err(other) => return Ok(There::Other(other.to_string())),
    };
    let Ok(Some(found)) = recipe_of(&bytes) else {
        return Ok(There::Other("it has no recipe".to_owned()));
    };
    let Ok(found) = serde_json::from_str::<Value>(&found) else {
        return Ok(There::Other("its recipe cannot be read".to_owned()));
    };
    if let Some(done) = found.get("stopped_after") {
        return Ok(There::Other(format!("it was stopped after step {done}")));
    }
    let wanted =
        serde_json::from_str(&recipe.to_json()?).map_err(|error| Failure::new(Exit::Internal, error))?;
    Ok(match difference(&found, &wanted) {
        None => There::Finished,
        Some(difference) => There::Other(format!("it was made with another recipe: {difference}")),
    })
}

/// The first difference of two recipes in words.
pub(super) fn difference_of(found: &Recipe, wanted: &Recipe) -> Result<Option<String>> {
    let value = |recipe: &Recipe| {
        serde_json::from_str::<Value>(&recipe.to_json()?).map_err(|error| Failure::new(Exit::Internal, error))
    };
    Ok(difference(&value(found)?, &value(wanted)?))
}

/// The first difference of two recipes, apart from who made it and on which device, in which machines that share a
/// folder differ, from the preset, of which all settings stand there too, and from the digests of files, which are known
/// when they have been read.
fn difference(found: &Value, wanted: &Value) -> Option<String> {
    let (mut a, mut b) = (Vec::new(), Vec::new());
    flatten(found, "", &mut a);
    flatten(wanted, "", &mut b);
    for list in [&mut a, &mut b] {
        let counts =
            |name: &str| !["made_by", "device", "preset"].contains(&name) && !name.ends_with("sha256");
        list.retain(|(name, _)| counts(name));
    }
    let of = |list: &[(String, Value)], name: &str| {
        list.iter().find(|(known, _)| known == name).map_or("none".to_owned(), |(_, value)| value.to_string())
    };
    a.iter().chain(&b).map(|(name, _)| name).find_map(|name| {
        let (found, wanted) = (of(&a, name), of(&b, name));
        (found != wanted).then(|| format!("{name} was {found}, now {wanted}"))
    })
}

fn flatten(value: &Value, name: &str, list: &mut Vec<(String, Value)>) {
    let below = |key: &str| if name.is_empty() { key.to_owned() } else { format!("{name}.{key}") };
    match value {
        Value::Array(items) if items.iter().any(Value::is_object) => {
            for (number, item) in items.iter().enumerate() {
                flatten(item, &below(&(number + 1).to_string()), list);
            }
        }
        Value::Object(fields) => fields.iter().for_each(|(key, value)| flatten(value, &below(key), list)),
        value => list.push((name.to_owned(), value.clone())),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use style_transfer::{Image, PictureFormat};

    use super::*;
    use crate::writing::Writing;

    #[test]
    fn the_first_difference_is_told_by_name() {
        let one = json!({ "made_by": "1", "device": "cpu", "settings": { "size": 64, "tv_weight": 0.3 } });
        let same = json!({ "made_by": "2", "settings": { "tv_weight": 0.3, "size": 64 } });
        assert_eq!(difference(&one, &same), None);
        let other = json!({ "settings": { "size": 32, "tv_weight": 0.3 } });
        assert_eq!(difference(&one, &other).unwrap(), "settings.size was 64, now 32");
        let more = json!({ "preset": "fast", "init": "a.png", "settings": { "size": 64, "tv_weight": 0.3 } });
        assert_eq!(difference(&one, &more).unwrap(), "init was none, now \"a.png\"");
        assert_eq!(difference(&more, &one).unwrap(), "init was \"a.png\", now none");
    }

    #[test]
    fn a_picture_that_was_stopped_is_not_finished() {
        let folder = tempfile::tempdir().unwrap();
        let (output, recipe) = (folder.path().join("a.png"), Recipe::default());
        let image = Image::new(1, 1, vec![0.5; 3]).unwrap();
        let writing = Writing { recipe: Some(&recipe), bits: 8, ..Writing::default() };
        let look_at = |writing: Writing<'_>| {
            std::fs::write(&output, writing.encode(&image, PictureFormat::Png).unwrap()).unwrap();
            look(&output, &recipe).unwrap()
        };
        assert_eq!(look_at(writing), There::Finished);
        assert_eq!(look_at(writing.stopped_after(3)), There::Other("it was stopped after step 3".to_owned()));
    }

    #[test]
    fn a_file_without_a_recipe_is_nothing_that_was_finished() {
        let folder = tempfile::tempdir().unwrap();
        let output = folder.path().join("a.png");
        assert_eq!(look(&output, &Recipe::default()).unwrap(), There::Nothing);
        std::fs::write(&output, b"no picture").unwrap();
        assert!(matches!(look(&output, &Recipe::default()).unwrap(), There::Other(_)));
    }
}
