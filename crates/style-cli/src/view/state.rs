//! What the page shows, shared between the run and the server.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use axum::body::Bytes;
use serde_json::{Value, json};
use tokio::sync::watch;

use super::curve::{Curve, Point};

/// A picture as the bytes of a file.
#[derive(Debug, Clone)]
pub(crate) struct Encoded {
    pub(crate) bytes: Bytes,
    /// The step it was taken after.
    pub(crate) step: usize,
}

/// Everything the page can be told.
#[derive(Debug, Default)]
pub(crate) struct State {
    /// Number of the run: one program may do several.
    run: u64,
    plan: Value,
    terms: Vec<String>,
    curve: Curve,
    step: Option<Value>,
    picture: Option<Encoded>,
    /// Pictures so far.
    pictures: u64,
    inputs: Vec<Bytes>,
    note: String,
    notes: u64,
    end: Option<Value>,
}

/// The state with what the server and the run need to know of each other.
#[derive(Debug)]
pub(crate) struct Shared {
    state: Mutex<State>,
    /// Wakes the readers.
    news: watch::Sender<()>,
    stop: AtomicBool,
    save: AtomicBool,
    readers: AtomicUsize,
    /// How often the picture of the end was taken.
    taken: AtomicUsize,
    /// Must come with every order: a page of somebody else's does not know it.
    pub(super) token: String,
}

/// What a reader has been told.
#[derive(Debug, Default)]
pub(super) struct Told {
    run: u64,
    step: usize,
    news: Option<Value>,
    pictures: u64,
    notes: u64,
    end: bool,
}

/// An event: its name and its JSON.
pub(super) type Event = (&'static str, Value);

impl Shared {
    pub(super) fn new(token: String) -> Self {
        Self {
            state: Mutex::default(),
            news: watch::Sender::new(()),
            stop: AtomicBool::new(false),
            save: AtomicBool::new(false),
            readers: AtomicUsize::new(0),
            taken: AtomicUsize::new(0),
            token,
        }
    }

    /// A thread that panicked has left at most an older state.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn change(&self, change: impl FnOnce(&mut State)) {
        change(&mut self.lock());
        self.news.send_replace(());
    }

    /// A run begins: everything of the last one goes.
    pub(crate) fn begin(&self, plan: Value, inputs: Vec<Bytes>) {
        self.taken.store(0, Ordering::Release);
        self.change(|state| {
            let run = state.run + 1;
            *state =
                State { run, plan, inputs, pictures: state.pictures, notes: state.notes, ..State::default() };
        });
    }

    /// A step is done.
    pub(crate) fn step(&self, terms: impl FnOnce() -> Vec<String>, point: Point, news: Value) {
        self.change(|state| {
            if state.terms.is_empty() {
                state.terms = terms();
            }
            state.curve.push(point);
            state.step = Some(news);
        });
    }

    /// There is a newer picture.
    pub(crate) fn picture(&self, picture: Encoded) {
        self.change(|state| {
            state.picture = Some(picture);
            state.pictures += 1;
        });
    }

    /// A sentence for the user.
    pub(crate) fn note(&self, note: String) {
        self.change(|state| {
            state.note = note;
            state.notes += 1;
        });
    }

    /// The run is over; its picture comes with the news. Orders that came too late are none for the next run.
    pub(crate) fn end(&self, news: Value, picture: Option<Encoded>) {
        self.change(|state| {
            self.stop.store(false, Ordering::Release);
            self.save.store(false, Ordering::Release);
            state.end = Some(news);
            if picture.is_some() {
                state.picture = picture;
                state.pictures += 1;
            }
        });
    }

    /// Whether anybody looks at the page.
    pub(crate) fn is_watched(&self) -> bool {
        self.readers.load(Ordering::Acquire) > 0
    }

    /// Whether somebody wants the run to end.
    pub(crate) fn wants_stop(&self) -> bool {
        self.stop.load(Ordering::Acquire)
    }

    /// Whether somebody wants the picture saved; asked once, answered once.
    pub(crate) fn takes_save(&self) -> bool {
        self.save.swap(false, Ordering::AcqRel)
    }

    /// Whether every reader has fetched the picture of the end.
    pub(crate) fn all_have_the_end(&self) -> bool {
        self.taken.load(Ordering::Acquire) >= self.readers.load(Ordering::Acquire)
    }

    /// Ends the run after its step, or after its first where it has not begun.
    pub(super) fn order_stop(&self) {
        let state = self.lock();
        self.stop.store(state.end.is_none(), Ordering::Release);
    }

    pub(super) fn order_save(&self) {
        let state = self.lock();
        self.save.store(state.end.is_none(), Ordering::Release);
    }

    pub(super) fn latest_picture(&self) -> Option<Bytes> {
        let state = self.lock();
        if state.end.is_some() {
            self.taken.fetch_add(1, Ordering::AcqRel);
        }
        state.picture.as_ref().map(|picture| picture.bytes.clone())
    }

    pub(super) fn input(&self, index: usize) -> Option<Bytes> {
        self.lock().inputs.get(index).cloned()
    }

    /// Another reader; it hears of every change.
    pub(super) fn subscribe(&self) -> watch::Receiver<()> {
        self.readers.fetch_add(1, Ordering::AcqRel);
        let mut news = self.news.subscribe();
        news.mark_changed();
        news
    }

    pub(super) fn unsubscribe(&self) {
        self.readers.fetch_sub(1, Ordering::AcqRel);
    }

    /// What a reader has not been told yet. One that is slow gets the newest of everything, and never a queue.
    pub(super) fn tell(&self, told: &mut Told) -> Vec<Event> {
        let state = self.lock();
        let mut events = Vec::new();
        if state.run == 0 {
            return events;
        }
        if told.run != state.run {
            *told = Told { run: state.run, notes: state.notes, ..Told::default() };
            events.push(("plan", state.plan.clone()));
        }
        let points = state.curve.after(told.step);
        if let Some(last) = points.last() {
            told.step = last.step;
            events.push(("points", json!({ "terms": state.terms, "points": points })));
        }
        if state.step.is_some() && told.news != state.step {
            told.news.clone_from(&state.step);
            events.extend(state.step.clone().map(|step| ("step", step)));
        }
        if let Some(picture) = state.picture.as_ref().filter(|_| told.pictures != state.pictures) {
            told.pictures = state.pictures;
            events.push(("picture", json!({ "number": state.pictures, "step": picture.step })));
        }
        if told.notes != state.notes {
            told.notes = state.notes;
            events.push(("note", json!({ "text": state.note })));
        }
        if let Some(end) = state.end.as_ref().filter(|_| !told.end) {
            told.end = true;
            events.push(("end", end.clone()));
        }
        events
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(events: &[Event]) -> Vec<&'static str> {
        events.iter().map(|(name, _)| *name).collect()
    }

    fn step(shared: &Shared, index: usize) {
        let point = Point { step: index, scale: 1, losses: vec![0.5] };
        shared.step(|| vec!["style relu1_1".into()], point, json!({ "step": index }));
    }

    #[test]
    fn a_slow_reader_gets_all_points_but_only_the_newest_step_and_picture() {
        let (shared, mut told) = (Shared::new(String::new()), Told::default());
        assert!(shared.tell(&mut told).is_empty());
        shared.begin(json!({ "output": "a.png" }), vec![]);
        for index in 1..=50 {
            step(&shared, index);
            shared.picture(Encoded { bytes: Bytes::new(), step: index });
        }
        let events = shared.tell(&mut told);
        assert_eq!(names(&events), ["plan", "points", "step", "picture"]);
        assert_eq!(events[1].1["points"].as_array().unwrap().len(), 50);
        assert_eq!(events[2].1["step"], 50);
        assert_eq!(events[3].1["step"], 50);
        assert!(shared.tell(&mut told).is_empty());
        step(&shared, 51);
        assert_eq!(names(&shared.tell(&mut told)), ["points", "step"]);
    }

    #[test]
    fn who_comes_after_the_end_sees_all_of_it() {
        let shared = Shared::new(String::new());
        shared.begin(json!({}), vec![]);
        step(&shared, 1);
        shared.note("saved a.step-1.png".into());
        shared.end(json!({ "stopped": false }), Some(Encoded { bytes: Bytes::from_static(b"x"), step: 1 }));
        let events = shared.tell(&mut Told::default());
        assert_eq!(names(&events), ["plan", "points", "step", "picture", "end"]);
        assert_eq!(shared.latest_picture().unwrap(), "x");
    }

    #[test]
    fn another_run_begins_with_its_plan() {
        let (shared, mut told) = (Shared::new(String::new()), Told::default());
        shared.order_stop();
        shared.begin(json!({ "output": "a.png" }), vec![]);
        assert!(shared.wants_stop(), "also where it was early");
        step(&shared, 1);
        shared.end(json!({}), None);
        shared.order_stop();
        shared.tell(&mut told);
        shared.begin(json!({ "output": "b.png" }), vec![]);
        assert!(!shared.wants_stop());
        step(&shared, 1);
        let events = shared.tell(&mut told);
        assert_eq!(names(&events), ["plan", "points", "step"]);
        assert_eq!(events[0].1["output"], "b.png");
    }

    #[test]
    fn an_order_to_save_is_carried_out_once() {
        let shared = Shared::new(String::new());
        shared.order_save();
        assert!(shared.takes_save());
        assert!(!shared.takes_save());
    }
}
