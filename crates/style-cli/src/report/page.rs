//! The page: it stands by itself, needs no script, and asks nobody for anything.

use maud::{DOCTYPE, Markup, PreEscaped, html};
use serde_json::Value;

use super::number::number;
use super::{Begun, Stage, sections};
use crate::failure::Result;
use crate::recipe::Recipe;

/// Nothing but what stands in the page itself.
const POLICY: &str =
    "default-src 'none'; img-src data:; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'";

const STYLE: &str =
    concat!(include_str!("../../assets/colours.css"), include_str!("../../assets/report.css"));

/// Everything of a run on one page; every number on it comes from the document.
pub(super) fn page(document: &Value, begun: &Begun, stages: &[Stage], result: &str) -> Result<Markup> {
    let recipe = Recipe::from_json(&begun.recipe, "this run")?.to_toml()?;
    let name = begun.output.as_str();
    Ok(html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta http-equiv="Content-Security-Policy" content=(POLICY);
                title { (name) ": report" }
                style { (PreEscaped(STYLE)) }
            }
            body {
                header {
                    h1 { (name) }
                    (sections::summary(document))
                }
                main {
                    (pictures(document, begun, result))
                    (on_the_way(document, stages))
                    (sections::measures(document))
                    (sections::losses(document))
                    (sections::settings(document))
                    (sections::model(document))
                    (sections::device(document))
                    (sections::again(&begun.command, &recipe))
                }
                footer { p class="hint" { "Written by " code { (begun_by(document)) } ". The same as data stands beside this page, in the file that ends in " code { ".report.json" } "; point at a number to see its place there." } }
            }
        }
    })
}

fn begun_by(document: &Value) -> String {
    let text = |key: &str| document[key].as_str().unwrap_or_default().to_owned();
    format!("{} ({})", text("program"), text("made_by"))
}

fn pictures(document: &Value, begun: &Begun, result: &str) -> Markup {
    let size = |place: &str| {
        html! { (number(document, &format!("{place}/width"))) " × " (number(document, &format!("{place}/height"))) " px" }
    };
    html! {
        section aria-labelledby="pictures" {
            h2 id="pictures" class="visually-hidden" { "Pictures" }
            div class="pictures" {
                figure class="result" {
                    img src=(result) alt="The result";
                    figcaption { b { "Result" } " " span class="hint" { (size("")) } }
                }
                div class="inputs" {
                    @if let Some(content) = &begun.content {
                        figure {
                            img src=(content.picture) alt=(format!("Content: {}", content.name));
                            figcaption { b { "Content" } " " code { (content.name) } " " span class="hint" { (size("/inputs/content")) } }
                        }
                    }
                    @for (index, style) in begun.styles.iter().enumerate() {
                        figure {
                            img src=(style.picture) alt=(format!("Style: {}", style.name));
                            figcaption { b { "Style" } " " code { (style.name) } " " span class="hint" { (size(&format!("/inputs/styles/{index}"))) } }
                        }
                    }
                }
            }
        }
    }
}

fn on_the_way(document: &Value, stages: &[Stage]) -> Markup {
    if stages.is_empty() {
        return html! {};
    }
    html! {
        section aria-labelledby="stages" {
            h2 id="stages" { "On the way" }
            div class="stages" {
                @for (index, stage) in stages.iter().enumerate() {
                    @let at = |key: &str| number(document, &format!("/stages/{index}/{key}"));
                    figure {
                        img src=(stage.picture) alt=(format!("The picture after step {}", stage.step));
                        figcaption class="hint" { "step " (at("step")) ", " (at("width")) " × " (at("height")) " px, loss " (at("loss")) ", " (at("seconds")) " s" }
                    }
                }
            }
        }
    }
}
