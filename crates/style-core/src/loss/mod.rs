//! What is minimised. Every loss is written forward only; derivatives come from Burn's autodiff.

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
