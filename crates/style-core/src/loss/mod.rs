//! What is minimised.
//!
//! `forward` works in any graph of Burn's autodiff. `evaluate` gives the value with the derivative written out:
//! it is what every step of an optimisation runs, and a tape would hold and pass over each map several times.

mod content;
mod reduction;
mod style;
mod total_variation;

pub use content::ContentLoss;
pub use reduction::Reduction;
pub use style::StyleLoss;
pub use total_variation::TotalVariation;

#[cfg(test)]
mod tests;
