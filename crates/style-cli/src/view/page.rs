//! The live page; what changes on it is the work of its script.

use maud::{DOCTYPE, Markup, html};

/// The page, with the token that its orders must bring.
pub(super) fn page(token: &str) -> Markup {
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                meta name="style-token" content=(token);
                title { "style" }
                link rel="icon" href="/icon.svg" type="image/svg+xml";
                link rel="stylesheet" href="/live.css";
                script src="/live.js" defer {}
            }
            body {
                header {
                    h1 id="output" { "Waiting for the run" }
                    p id="about" {}
                }
                main {
                    (picture())
                    div class="side" {
                        (progress())
                        (curves())
                        section aria-labelledby="layers-title" {
                            h2 id="layers-title" { "Style, layer by layer" }
                            p class="hint" id="layers-hint" { "Loss of each layer against the start of this scale." }
                            div id="layers" class="bars" {}
                        }
                        section id="result" aria-labelledby="result-title" hidden {
                            h2 id="result-title" { "Result" }
                            dl id="metrics" {}
                        }
                    }
                }
                noscript { p { "This page needs its script, which comes from this machine." } }
            }
        }
    }
}

fn picture() -> Markup {
    html! {
        section class="stage" aria-label="Picture" {
            div id="frame" {
                p id="waiting" { "The first picture comes with the next step." }
                img id="picture" alt="The picture so far" hidden;
            }
            p id="caption" class="hint" {}
            ul id="inputs" {}
        }
    }
}

fn progress() -> Markup {
    html! {
        section aria-labelledby="progress-title" {
            h2 id="progress-title" class="visually-hidden" { "Progress" }
            p class="figures" {
                span id="percent" { "0 %" }
                span id="left" {}
            }
            progress id="bar" max="1" value="0" aria-label="Work done" {}
            p id="where" class="hint" {}
            div class="buttons" {
                button id="stop" type="button" disabled title="End after this step; the picture is saved" { "Stop and keep" }
                button id="save" type="button" disabled title="Write the picture as it is now, and go on" { "Save picture" }
            }
            p id="status" role="status" {}
        }
    }
}

fn curves() -> Markup {
    html! {
        section aria-labelledby="curves-title" {
            h2 id="curves-title" { "Loss" }
            p class="hint" { "Each term times its weight, on a logarithmic axis. A dashed line begins a scale; losses compare within a scale only." }
            svg id="curves" role="img" aria-label="Loss of every term over the steps" {}
            ul id="legend" {}
        }
    }
}
