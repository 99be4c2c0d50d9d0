//! What is minimised.
//!
//! `forward` works in any graph of Burn's autodiff. `evaluate` gives the value with the derivative, for most
//! losses written out: it is what every step of an optimisation runs, and a tape would hold and pass over each
//! map several times.

mod content;
mod squares;
mod style;
mod total_variation;

pub use content::{ContentForm, ContentLoss};
pub use style::{
    GramLoss, GramScale, MeanVarianceLoss, Seen, SlicedWassersteinLoss, Slope, StyleForm, StyleLoss,
    WassersteinLoss,
};
pub use total_variation::TotalVariation;

#[cfg(test)]
mod golden;
#[cfg(test)]
mod tests;
