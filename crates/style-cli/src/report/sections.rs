//! The parts of the page below its pictures.

use maud::{Markup, html};
use serde_json::Value;

use super::curves::{colour, curves};
use super::number::{number, shown};
use crate::shell::quoted;

/// One line on all of it.
pub(super) fn summary(document: &Value) -> Markup {
    let at = |place: &str| number(document, place);
    html! {
        p class="hint" {
            (at("/width")) " × " (at("/height")) " px, " (at("/steps")) " steps in " (at("/times/steps")) " s on " (shown(document, "/hardware/name"))
            ", preset " (shown(document, "/preset/name"))
            @if document["stopped"] == Value::Bool(true) { ", " b { "stopped before the last step" } }
            @if document["resumed_after"] != 0 { ", resumed after step " (at("/resumed_after")) "; times and pictures on the way are those of the last part" }
            @if document["recoveries"] != 0 { ", went back " (at("/recoveries")) " times because something was not finite" }
        }
    }
}

/// How near the result came.
pub(super) fn measures(document: &Value) -> Markup {
    let tile = |name: &str, place: &str, unit: &str, hint: &str| {
        html! { div class="tile" { dt { (name) } dd { (number(document, place)) (unit) } p class="hint" { (hint) } } }
    };
    html! {
        section aria-labelledby="measures" {
            h2 id="measures" { "Measures" }
            dl class="tiles" {
                (tile("Style distance", "/mean_style_distance", "", "mean over the layers; 0 is equal, 1 has nothing in common"))
                (tile("Content distance", "/mean_content_distance", "", "mean over the layers; 0 is equal"))
                (tile("SSIM", "/metrics/ssim", "", "of luminance, to the content; 1 is equal"))
                (tile("Time", "/times/steps", " s", "of all steps"))
                @if document["peak_memory"].is_u64() {
                    div class="tile" {
                        dt { "Peak memory" }
                        dd { (mebibytes(document, "/peak_memory")) }
                        p class="hint" { "of the whole program" }
                    }
                }
            }
            (distances(document, "Style distance by layer", "style_distance", "style "))
            (distances(document, "Content distance by layer", "content_distance", "content "))
        }
    }
}

/// Bytes in MiB.
fn mebibytes(document: &Value, place: &str) -> Markup {
    let bytes = document.pointer(place).and_then(Value::as_u64).unwrap_or_default();
    html! { data value=(bytes) title=(place) { (bytes.div_ceil(1 << 20)) } " MiB" }
}

fn distances(document: &Value, title: &str, key: &str, term: &str) -> Markup {
    let all = document["metrics"][key].as_array().map_or(&[][..], Vec::as_slice);
    if all.is_empty() {
        return html! {};
    }
    let terms: Vec<_> =
        document["terms"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    let name = |at: &Value| {
        let layer = at["layer"].as_str().unwrap_or_default();
        at["region"].as_u64().map_or_else(|| layer.to_owned(), |region| format!("{layer} of region {region}"))
    };
    // The colour that the term has among the curves.
    let line = |name: &str| {
        terms.iter().position(|known| *known == format!("{term}{name}")).map_or(0, |index| index + 1)
    };
    html! {
        h3 { (title) }
        div class="bars" {
            @for (index, at) in all.iter().enumerate() {
                @let name = name(at);
                @let share = at["distance"].as_f64().unwrap_or(0.0).clamp(0.0, 1.0);
                span { (name) }
                svg class="track" viewBox="0 0 100 10" preserveAspectRatio="none" aria-hidden="true" {
                    rect class="rest" width="100" height="10" {}
                    rect class=(format!("f{}", colour(line(&name)))) width=(format!("{:.2}", 100.0 * share)) height="10" {}
                }
                span { (number(document, &format!("/metrics/{key}/{index}/distance"))) }
            }
        }
    }
}

/// Curves, and the ends of each scale.
pub(super) fn losses(document: &Value) -> Markup {
    let scales = document["scales"].as_array().map_or(&[][..], Vec::as_slice);
    let terms = document["terms"].as_array().map_or(0, Vec::len);
    html! {
        section aria-labelledby="losses" {
            h2 id="losses" { "Losses" }
            p class="hint" { "Each term times its weight, on a logarithmic axis. A dashed line begins a scale; losses compare within a scale only." }
            (curves(document))
            div class="scroll" tabindex="0" role="group" aria-label="Losses of the terms at the beginning of every scale and in the end" {
                table {
                    caption { "Terms at the first step of every scale, and of the result" }
                    thead { tr {
                        th scope="col" { "Term" }
                        @for index in 0..scales.len() { th scope="col" class="figure" { (number(document, &format!("/scales/{index}/width"))) " × " (number(document, &format!("/scales/{index}/height"))) " px" } }
                        th scope="col" class="figure" { "Result" }
                    } }
                    tbody {
                        @for term in 0..terms {
                            tr {
                                th scope="row" { (shown(document, &format!("/terms/{term}"))) }
                                @for scale in scales { td class="figure" { (number(document, &format!("/losses/{}/{term}", scale["first"]))) } }
                                td class="figure" { (number(document, &last(document, term))) }
                            }
                        }
                        tr {
                            th scope="row" { "Steps" }
                            @for index in 0..scales.len() { td class="figure" { (number(document, &format!("/scales/{index}/steps"))) } }
                            td class="figure" { (number(document, "/steps")) }
                        }
                    }
                }
            }
        }
    }
}

/// The place of a term in the losses of the result.
fn last(document: &Value, term: usize) -> String {
    let steps = document["losses"].as_array().map_or(0, Vec::len);
    format!("/losses/{}/{term}", steps.saturating_sub(1))
}

/// All settings; those that differ from the preset's stand out.
pub(super) fn settings(document: &Value) -> Markup {
    let names: Vec<_> =
        document["settings"].as_object().into_iter().flatten().map(|(name, _)| name).collect();
    let about = document["preset"]["about"].as_str();
    let differs = document["preset"]["differs"].as_object();
    let differs_known = differs.is_some();
    let differing = differs.map_or(0, serde_json::Map::len);
    html! {
        section aria-labelledby="settings" {
            h2 id="settings" { "Settings" }
            p class="hint" {
                "Preset " b { (shown(document, "/preset/name")) }
                @if let Some(about) = about { ": " (about) @if !about.ends_with('.') { "." } " " }
                @if differs.is_none() { ", a file that was not read when this run went on or was done again." }
                @else if differing == 0 { "Nothing differs from it." } @else { "What differs from it is marked." }
            }
            div class="scroll" tabindex="0" role="group" aria-label="Settings" {
                table {
                    thead { tr { th scope="col" { "Setting" } th scope="col" { "Here" } th scope="col" { "Preset" } } }
                    tbody {
                        @for name in names {
                            @let differs = differs.is_some_and(|all| all.contains_key(name));
                            tr class=[differs.then_some("differs")] {
                                th scope="row" { (name) }
                                td { (shown(document, &format!("/settings/{name}"))) }
                                td { @if differs { (shown(document, &format!("/preset/differs/{name}"))) } @else if differs_known { span class="hint" { "the same" } } }
                            }
                        }
                    }
                }
            }
        }
    }
}

/// The network and where it comes from.
pub(super) fn model(document: &Value) -> Markup {
    let keys = [
        "architecture",
        "source",
        "source_sha256",
        "licence",
        "parameters",
        "input",
        "pooling",
        "pooling_gain",
        "padding",
        "kernel",
    ];
    html! {
        section aria-labelledby="model" {
            h2 id="model" { "Network" }
            (list(document, "/model", &keys))
        }
    }
}

/// What computed, and how long.
pub(super) fn device(document: &Value) -> Markup {
    html! {
        section aria-labelledby="device" {
            h2 id="device" { "Device and times" }
            (list(document, "/hardware", &["name", "class", "hardware", "driver"]))
            @if document["hardware"]["memory"].is_u64() {
                dl class="list" { dt { "memory" } dd { (mebibytes(document, "/hardware/memory")) } }
            }
            h3 { "Seconds" }
            (list(document, "/times", &["preparation", "steps", "finish"]))
        }
    }
}

/// What makes the same picture again.
pub(super) fn again(command: &[String], recipe: &str) -> Markup {
    html! {
        section aria-labelledby="again" {
            h2 id="again" { "Once more" }
            p { "The command:" }
            pre tabindex="0" { (command.iter().map(|word| quoted(word)).collect::<Vec<_>>().join(" ")) }
            details {
                summary { "The recipe, which " code { "--recipe" } " reads" }
                pre tabindex="0" { (recipe) }
            }
        }
    }
}

fn list(document: &Value, place: &str, keys: &[&str]) -> Markup {
    let there = keys
        .iter()
        .map(|key| (key, format!("{place}/{key}")))
        .filter(|(_, place)| document.pointer(place).is_some_and(|value| !value.is_null()));
    html! {
        dl class="list" {
            @for (key, place) in there { dt { (key.replace('_', " ")) } dd { (shown(document, &place)) } }
        }
    }
}
