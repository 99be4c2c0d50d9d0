//! How often a watcher may look at the picture.

use std::time::{Duration, Instant};

/// Looking may take this share of a run's time: 1 in so many.
const SHARE: u32 = 20;

/// Says when it is time to look again: at most so often, and less often where looking is slow.
#[derive(Debug)]
pub(crate) struct Pace {
    every: Duration,
    /// When it is time again; `None` for at once.
    next: Option<Instant>,
}

impl Pace {
    pub(crate) const fn new(every: Duration) -> Self {
        Self { every, next: None }
    }

    pub(crate) fn is_due(&self, now: Instant) -> bool {
        self.next.is_none_or(|next| now >= next)
    }

    /// Somebody looked from `began` to `now`.
    pub(crate) fn looked(&mut self, began: Instant, now: Instant) {
        self.next = Some(now + self.every.max(now.duration_since(began) * SHARE));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn looking_costs_at_most_a_twentieth_of_the_time() {
        let begin = Instant::now();
        let at = |ms| begin + Duration::from_millis(ms);
        let mut pace = Pace::new(Duration::from_millis(500));
        assert!(pace.is_due(begin));
        pace.looked(begin, at(3));
        assert!(!pace.is_due(at(502)) && pace.is_due(at(503)));
        pace.looked(at(1000), at(1100));
        assert!(!pace.is_due(at(3099)) && pace.is_due(at(3100)));
    }
}
