//! The losses as lines.

use std::fmt::Write as _;

use maud::{Markup, html};
use serde_json::Value;

use super::number::short;

/// Side of the square that the lines are drawn in; the page stretches it to whatever room there is.
const SIDE: f64 = 1000.0;

/// Least width of the plot in px, on a telephone and on a screen; the style sheet has the border between them.
const NARROW: f64 = 210.0;
const WIDE: f64 = 480.0;

/// Room for the name of a scale, in px.
const NAME: f64 = 58.0;

/// Powers of ten below the highest loss that are shown at most.
const DECADES: f64 = 8.0;

/// A line has no more points than this.
const POINTS: usize = 500;

/// Colours there are for terms, besides the sum's.
const COLOURS: usize = 12;

struct Curves {
    /// Name, and the value after each step; the sum of all comes first.
    lines: Vec<(String, Vec<f64>)>,
    /// Index of each scale's first step, and its long side.
    scales: Vec<(usize, u64)>,
    low: f64,
    high: f64,
}

impl Curves {
    fn of(document: &Value) -> Option<Self> {
        let history: Vec<Vec<f64>> = document["losses"]
            .as_array()?
            .iter()
            .map(|losses| {
                losses.as_array().into_iter().flatten().map(|loss| loss.as_f64().unwrap_or(0.0)).collect()
            })
            .collect();
        let names = document["terms"].as_array()?.iter().filter_map(Value::as_str).map(str::to_owned);
        let each = names.enumerate().map(|(term, name)| {
            (name, history.iter().map(|losses| losses.get(term).copied().unwrap_or(0.0)).collect())
        });
        let total = history.iter().map(|losses| losses.iter().sum()).collect();
        let lines: Vec<(String, Vec<f64>)> =
            std::iter::once(("total".to_owned(), total)).chain(each).collect();
        let scale = |scale: &Value| {
            let long = scale["width"].as_u64()?.max(scale["height"].as_u64()?);
            Some((scale["first"].as_u64()? as usize, long))
        };
        let scales = document["scales"].as_array()?.iter().filter_map(scale).collect();
        let logs = lines
            .iter()
            .flat_map(|(_, values)| values)
            .filter(|value| **value > 0.0)
            .map(|value| value.log10());
        let (low, high) =
            logs.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), log| (low.min(log), high.max(log)));
        low.is_finite().then(|| {
            let high = high + 0.05;
            Self { lines, scales, low: (low - 0.05).max(high - DECADES), high }
        })
    }

    fn steps(&self) -> usize {
        self.lines[0].1.len()
    }

    fn x(&self, index: usize) -> f64 {
        index as f64 / (self.steps() - 1).max(1) as f64 * SIDE
    }

    fn y(&self, log: f64) -> f64 {
        (self.high - log.max(self.low)) / (self.high - self.low) * SIDE
    }

    /// The losses of a scale do not compare with the next one's, so the line begins anew.
    fn path(&self, values: &[f64]) -> String {
        let mut path = String::new();
        let every = values.len().div_ceil(POINTS).max(1);
        let starts: Vec<usize> = self.scales.iter().map(|(first, _)| *first).collect();
        let mut pen_is_down = false;
        for (index, &value) in values.iter().enumerate() {
            let starts_here = starts.contains(&index);
            let ends_here = starts.contains(&(index + 1)) || index + 1 == values.len();
            if value <= 0.0 {
                pen_is_down = false;
            } else if starts_here || ends_here || index.is_multiple_of(every) {
                let letter = if pen_is_down && !starts_here { 'L' } else { 'M' };
                let _ = write!(path, "{letter}{:.1} {:.1}", self.x(index), self.y(value.log10()));
                pen_is_down = true;
            }
        }
        path
    }

    /// Places and names of the grid's lines, some at least, however near to each other the losses are.
    fn ticks(&self) -> Vec<(f64, String)> {
        let factors: &[f64] = match self.high - self.low {
            span if span < 0.8 => &[1.0, 1.5, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0, 9.0],
            span if span < 2.0 => &[1.0, 2.0, 5.0],
            _ => &[1.0],
        };
        let powers = self.low.floor() as i32..=self.high.ceil() as i32;
        let all = powers.flat_map(|power| factors.iter().map(move |&factor| (factor, power)));
        let named = all.map(|(factor, power)| {
            let value = factor * 10f64.powi(power);
            let is_short = (1e-3..1e5).contains(&value);
            (value.log10(), if is_short { short(value) } else { format!("{factor}e{power}") })
        });
        let inside = named.filter(|(log, _)| (self.low..=self.high).contains(log));
        inside.map(|(log, name)| (self.y(log), name)).collect()
    }

    /// Places of the scales, and how wide the plot has to be to bear their names.
    fn marks(&self) -> Vec<(f64, u64, Room)> {
        let (mut narrow, mut wide) = (0.0, 0.0);
        let mark = |&(first, long): &(usize, u64)| {
            let x = self.x(first);
            let room = if is_free(x, NARROW, &mut narrow) {
                is_free(x, WIDE, &mut wide);
                Room::Any
            } else if is_free(x, WIDE, &mut wide) {
                Room::Wide
            } else {
                Room::None
            };
            (x, long, room)
        };
        self.scales.iter().map(mark).collect()
    }
}

/// Where there is room for a name.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Room {
    Any,
    Wide,
    None,
}

/// Whether a name fits in a plot of that many px, behind the last one, which ended at `free`.
fn is_free(x: f64, width: f64, free: &mut f64) -> bool {
    let x = x / SIDE * width;
    let fits = x >= *free && x + NAME <= width;
    if fits {
        *free = x + NAME;
    }
    fits
}

/// A place in the drawing as a share of it.
fn percent(place: f64) -> String {
    format!("{:.2}%", place / SIDE * 100.0)
}

/// The class of a term's colour; the sum's is 0.
pub(super) fn colour(line: usize) -> usize {
    if line == 0 { 0 } else { 1 + (line - 1) % COLOURS }
}

/// The curves with their legend; nothing where no loss is above 0.
pub(super) fn curves(document: &Value) -> Markup {
    let Some(curves) = Curves::of(document) else { return html! {} };
    let last = curves.steps().saturating_sub(1);
    let (ticks, marks) = (curves.ticks(), curves.marks());
    html! {
        div class="chart" role="img" aria-label="Loss of every term over the steps" {
            // Stretched to the page's width; names are apart, so that they are not stretched with it.
            svg class="lines" viewBox=(format!("0 0 {SIDE} {SIDE}")) preserveAspectRatio="none" aria-hidden="true" {
                @for (y, _) in &ticks { line class="grid" x1="0" x2=(SIDE) y1=(y) y2=(y) {} }
                @for (x, _, _) in marks.iter().skip(1) { line class="scale" x1=(x) x2=(x) y1="0" y2=(SIDE) {} }
                @for (line, (_, values)) in curves.lines.iter().enumerate().rev() {
                    path class=(format!("curve k{}{}", colour(line), if line == 0 { " total" } else { "" })) d=(curves.path(values)) {}
                }
            }
            svg class="names" aria-hidden="true" {
                @for (y, name) in &ticks { text x="0" dx="-7" y=(percent(*y)) dy="4" text-anchor="end" { (name) } }
                @for (x, long, room) in &marks {
                    @if *room != Room::None { text class=[(*room == Room::Wide).then_some("roomy")] x=(percent(*x)) dx="3" dy="-7" { (long) " px" } }
                }
                text y="100%" dy="18" { "start" }
                text x="100%" y="100%" dy="18" text-anchor="end" { "after step " (last) }
            }
        }
        ul class="legend" {
            @for (line, (name, _)) in curves.lines.iter().enumerate() {
                li { span class=(format!("swatch k{}", colour(line))) {} (name) }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn document(losses: &Value) -> Value {
        json!({
            "losses": losses,
            "terms": ["content relu4_2", "style <b>"],
            "scales": [{ "width": 64, "height": 40, "first": 0 }, { "width": 90, "height": 56, "first": 2 }],
        })
    }

    #[test]
    fn a_line_begins_anew_at_every_scale() {
        let document = document(&json!([[1.0, 0.1], [0.5, 0.1], [0.7, 0.0], [0.6, 0.1], [0.5, 0.1]]));
        let curves = Curves::of(&document).unwrap();
        let letters = |line: usize| {
            curves.path(&curves.lines[line].1).replace(|letter: char| !letter.is_alphabetic(), "")
        };
        assert_eq!(letters(1), "MLMLL");
        assert_eq!(letters(2), "MLML", "nothing stands for 0, which has no logarithm");
    }

    #[test]
    fn a_long_run_has_few_points_and_its_ends() {
        let losses: Vec<_> = (0..20_001).map(|step| json!([1.0 / f64::from(step + 1), 0.2])).collect();
        let curves = Curves::of(&document(&json!(losses))).unwrap();
        let path = curves.path(&curves.lines[0].1);
        assert!(path.matches(['M', 'L']).count() <= POINTS + 3);
        assert!(path.contains(&format!("L{SIDE:.1} ")));
    }

    #[test]
    fn a_name_that_would_cover_another_waits_for_a_wider_plot() {
        let losses: Vec<_> = (0..101).map(|_| json!([1.0, 0.1])).collect();
        let mut document = document(&json!(losses));
        let scales = [0, 20, 50, 55, 99].map(|first| json!({ "width": 64, "height": 40, "first": first }));
        document["scales"] = json!(scales);
        let rooms: Vec<_> = Curves::of(&document).unwrap().marks().iter().map(|mark| mark.2).collect();
        // At 42 px of 210 the first name still stands, at 96 of 480 it has ended; the last would leave the plot.
        assert_eq!(rooms, [Room::Any, Room::Wide, Room::Any, Room::None, Room::None]);
    }

    #[test]
    fn the_names_of_the_grid_are_short_however_large_or_small_losses_are() {
        for (first, last, names) in [
            (4.4e-7, 2.1e-7, vec!["2e-7", "3e-7", "4e-7"]),
            (1.5e-6, 1.5e-6, vec!["1.5e-6"]),
            (4e11, 3e9, vec!["1e10", "1e11"]),
            (300.0, 15.0, vec!["20", "50", "100", "200"]),
            (1e6, 9e4, vec!["1e5", "2e5", "5e5", "1e6"]),
        ] {
            let losses = json!([[first, 0.0], [last, 0.0]]);
            let ticks = Curves::of(&document(&losses)).unwrap().ticks();
            let found: Vec<_> = ticks.into_iter().map(|(_, name)| name).collect();
            assert_eq!(found, names);
        }
    }

    #[test]
    fn a_run_without_losses_has_no_curves_and_names_are_escaped() {
        assert_eq!(curves(&document(&json!([]))).into_string(), "");
        assert_eq!(curves(&document(&json!([[0.0, 0.0]]))).into_string(), "");
        let text = curves(&document(&json!([[1.0, 0.1], [0.5, 0.1]]))).into_string();
        assert!(text.contains("style &lt;b&gt;") && !text.contains("NaN"));
    }
}
