//! Whether a result is there already, and is the one that would be made.

use std::path::Path;

use serde_json::Value;
use style_transfer::{MAX_FILE_BYTES, recipe_of};

use crate::failure::{Exit, Failure, Result};
use crate::inputs::digest_of;
use crate::reading::{Unread, read_file};
use crate::recipe::Recipe;

/// What stands at the place of a result.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum There {
    Nothing,
    /// A picture with this very recipe, of these very files.
    Finished,
    /// Something else; the words say what.
    Other(String),
}

/// Looks at the place of a result that a recipe makes, in which the digests of all files but the content stand. That of
/// the content is found here, where it is needed.
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
    if let Some(difference) = difference(&found, &wanted) {
        return Ok(There::Other(format!("it was made with another recipe: {difference}")));
    }
    Ok(match changed(&found, recipe) {
        None => There::Finished,
        Some(path) => There::Other(format!("{} has changed since it was made", path.display())),
    })
}

/// The first file that has other bytes than the recipe of a result says. A file that is not there, or of which no digest
/// was kept, has not changed.
fn changed<'a>(found: &Value, recipe: &'a Recipe) -> Option<&'a Path> {
    let is_other = |pointer: &str, now: Option<String>| {
        found.pointer(pointer).and_then(Value::as_str).zip(now).is_some_and(|(then, now)| then != now)
    };
    let content = recipe.content.as_deref().filter(|path| is_other("/content_sha256", digest_of(path)));
    let init = recipe.init.as_deref().filter(|_| is_other("/init_sha256", recipe.init_sha256.clone()));
    content.or(init).or_else(|| {
        recipe.styles.iter().enumerate().find_map(|(index, style)| {
            let is_other =
                |name: &str, now: &Option<String>| is_other(&format!("/styles/{index}/{name}"), now.clone());
            let painting = Some(style.path.as_path()).filter(|_| is_other("sha256", &style.sha256));
            let mask = style.region.as_deref().filter(|_| is_other("region_sha256", &style.region_sha256));
            painting.or(mask)
        })
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
/// folder differ, from the preset, of which all settings stand there too, and from the digests of files, which are
/// compared with the files.
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
    use crate::recipe::StyleRecipe;
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
    fn a_picture_of_which_a_file_has_changed_is_not_finished() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        let (output, content) = (at("out.png"), at("a.png"));
        std::fs::write(&content, b"a picture").unwrap();
        let style = StyleRecipe {
            sha256: Some("01".to_owned()),
            region: Some(at("mask.png")),
            region_sha256: Some("03".to_owned()),
            ..StyleRecipe::new(at("b.png"))
        };
        let mut recipe = Recipe {
            content: Some(content.clone()),
            init: Some(at("init.png")),
            init_sha256: Some("04".to_owned()),
            styles: vec![style],
            ..Recipe::default()
        };
        let signed = Recipe { content_sha256: digest_of(&content), ..recipe.clone() };
        let writing = Writing { recipe: Some(&signed), bits: 8, ..Writing::default() };
        let image = Image::new(1, 1, vec![0.5; 3]).unwrap();
        std::fs::write(&output, writing.encode(&image, PictureFormat::Png).unwrap()).unwrap();
        assert_eq!(look(&output, &recipe).unwrap(), There::Finished);
        let other = |path: &Path| There::Other(format!("{} has changed since it was made", path.display()));

        for (mask, painting, init, named) in
            [("03", "02", "04", "b.png"), ("02", "01", "04", "mask.png"), ("03", "01", "05", "init.png")]
        {
            let mut changed = recipe.clone();
            changed.styles[0].region_sha256 = Some(mask.to_owned());
            changed.styles[0].sha256 = Some(painting.to_owned());
            changed.init_sha256 = Some(init.to_owned());
            assert_eq!(look(&output, &changed).unwrap(), other(&at(named)));
        }
        std::fs::write(&content, b"another").unwrap();
        assert_eq!(look(&output, &recipe).unwrap(), other(&content));
        recipe.styles[0].sha256 = None;
        std::fs::remove_file(&content).unwrap();
        assert_eq!(look(&output, &recipe).unwrap(), There::Finished, "nobody knows better");
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
