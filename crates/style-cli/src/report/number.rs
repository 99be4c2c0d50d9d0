//! Numbers and values of the JSON as they are shown.

use maud::{Markup, html};
use serde_json::Value;

/// A number with four digits that count, as short as it can be.
pub(super) fn short(number: f64) -> String {
    let size = number.abs();
    if number == number.trunc() && size < 1e6 {
        return format!("{number:.0}");
    }
    if !(1e-3..1e6).contains(&size) {
        return format!("{number:.3e}");
    }
    let digits = (3 - size.log10().floor() as i32).max(0) as usize;
    let text = format!("{number:.digits$}");
    if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.').to_owned() } else { text }
}

/// A number of the report, with its whole value and its place in the JSON beside what is shown.
pub(super) fn number(document: &Value, place: &str) -> Markup {
    let Some(value) = document.pointer(place).filter(|value| value.is_number()) else {
        return html! { "–" };
    };
    // Counts in full, measures short.
    let shown = if value.is_f64() { short(value.as_f64().unwrap_or(f64::NAN)) } else { value.to_string() };
    html! { data value=(value) title=(place) { (shown) } }
}

/// Any value of the report; numbers as [`number`] shows them.
pub(super) fn shown(document: &Value, place: &str) -> Markup {
    let inside = |key: &dyn std::fmt::Display| shown(document, &format!("{place}/{key}"));
    match document.pointer(place) {
        None | Some(Value::Null) => html! { "–" },
        Some(Value::Number(_)) => number(document, place),
        Some(Value::Bool(yes)) => html! { (if *yes { "yes" } else { "no" }) },
        Some(Value::String(text)) => html! { (text) },
        Some(Value::Array(all)) if all.is_empty() => html! { "–" },
        Some(Value::Array(all)) => html! {
            @for index in 0..all.len() { @if index > 0 { ", " } (inside(&index)) }
        },
        Some(Value::Object(all)) => html! {
            @for (index, key) in all.keys().enumerate() { @if index > 0 { ", " } (key.replace('_', " ")) " " (inside(key)) }
        },
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn numbers_are_short_and_right_to_four_digits() {
        for (number, text) in [
            (0.0, "0"),
            (320.0, "320"),
            (0.03, "0.03"),
            (0.123_456, "0.1235"),
            (12.345_6, "12.35"),
            (123_456.7, "123457"),
            (3.231_638_8e11, "3.232e11"),
            (0.000_123_45, "1.234e-4"),
            (-2.5, "-2.5"),
        ] {
            assert_eq!(short(number), text);
        }
    }

    #[test]
    fn values_are_escaped_and_numbers_know_their_place() {
        let document = json!({ "a": [12_944_960, "<b>"], "b": { "learning_rate": 0.125 }, "c": null });
        let text = |place| shown(&document, place).into_string();
        assert_eq!(text("/a"), "<data value=\"12944960\" title=\"/a/0\">12944960</data>, &lt;b&gt;");
        assert_eq!(text("/b"), "learning rate <data value=\"0.125\" title=\"/b/learning_rate\">0.125</data>");
        assert_eq!(text("/c"), "–");
    }
}
