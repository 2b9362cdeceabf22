//! The queue of one controller: each resource is reconciled by one pass at a time, repeated wishes
//! count once, later passes wait for their time.

use std::collections::{BTreeMap, HashMap, HashSet, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::Instant;

/// Which resource of a controller: namespace (empty when cluster-scoped) and name.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct Key {
    pub(super) namespace: Box<str>,
    pub(super) name: Box<str>,
}

impl Key {
    pub(super) fn new(namespace: Option<&str>, name: &str) -> Self {
        Self { namespace: namespace.unwrap_or_default().into(), name: name.into() }
    }

    /// The namespace; `None` for a cluster-scoped resource.
    pub(super) fn namespace(&self) -> Option<&str> {
        Some(&*self.namespace).filter(|namespace| !namespace.is_empty())
    }
}

impl std::fmt::Display for Key {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.namespace() {
            Some(namespace) => write!(f, "{namespace}/{}", self.name),
            None => f.write_str(&self.name),
        }
    }
}

#[derive(Default)]
pub(super) struct Queue {
    state: Mutex<State>,
    changed: Notify,
}

#[derive(Default)]
struct State {
    ready: VecDeque<Key>,
    /// What is in `ready`.
    waiting: HashSet<Key>,
    running: HashSet<Key>,
    /// Wished for while running.
    again: HashSet<Key>,
    /// By time; the number keeps equal times apart.
    later: BTreeMap<(Instant, u64), Key>,
    due: HashMap<Key, (Instant, u64)>,
    /// Passes that failed in a row.
    failures: HashMap<Key, u32>,
    sequence: u64,
    /// From when on moments are counted that passes share.
    origin: Option<Instant>,
}

impl Queue {
    fn state(&self) -> MutexGuard<'_, State> {
        // Every change below is complete before anything can panic.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Wishes for a pass now.
    pub(super) fn push(&self, key: &Key) {
        self.state().push(key);
        self.changed.notify_one();
    }

    /// Wishes for a pass later, unless one is due earlier anyway.
    pub(super) fn push_after(&self, key: &Key, delay: Duration) {
        self.push_about(key, delay, Duration::ZERO);
    }

    /// As [`Queue::push_after`], but up to `slack` later, so that passes which come round for ever share a few moments
    /// instead of waking the program up for each.
    pub(super) fn push_about(&self, key: &Key, delay: Duration, slack: Duration) {
        let mut state = self.state();
        let at = state.shared_moment(Instant::now() + delay, slack);
        state.push_at(key, at);
        drop(state);
        self.changed.notify_one();
    }

    /// The next resource that may be reconciled; it counts as running until [`Queue::done`].
    pub(super) async fn next(&self) -> Key {
        loop {
            let wake = {
                let mut state = self.state();
                state.promote(Instant::now());
                if let Some(key) = state.take() {
                    return key;
                }
                state.later.first_key_value().map(|((at, _), _)| *at)
            };
            match wake {
                Some(at) => {
                    tokio::select! {
                        () = self.changed.notified() => {}
                        () = tokio::time::sleep_until(at) => {}
                    }
                }
                None => self.changed.notified().await,
            }
        }
    }

    /// A pass ended.
    pub(super) fn done(&self, key: &Key) {
        let mut state = self.state();
        state.running.remove(key);
        if state.again.remove(key) {
            state.push(key);
        }
        drop(state);
        self.changed.notify_one();
    }

    /// Counts a failed pass; how many there were in a row.
    pub(super) fn failed(&self, key: &Key) -> u32 {
        let mut state = self.state();
        let count = state.failures.entry(key.clone()).or_insert(0);
        *count = count.saturating_add(1);
        *count
    }

    /// Forgets failed passes.
    pub(super) fn succeeded(&self, key: &Key) {
        self.state().failures.remove(key);
    }

    /// The resource is gone: nothing more is to come.
    pub(super) fn forget(&self, key: &Key) {
        let mut state = self.state();
        state.failures.remove(key);
        state.again.remove(key);
        if let Some(due) = state.due.remove(key) {
            state.later.remove(&due);
        }
    }

    /// Resources that wait for a worker.
    pub(super) fn depth(&self) -> usize {
        self.state().ready.len()
    }
}

impl State {
    fn push(&mut self, key: &Key) {
        if self.running.contains(key) {
            self.again.insert(key.clone());
        } else if self.waiting.insert(key.clone()) {
            self.ready.push_back(key.clone());
        }
    }

    /// The first moment from `at` on that is a whole number of `slack`s after the origin.
    fn shared_moment(&mut self, at: Instant, slack: Duration) -> Instant {
        let origin = *self.origin.get_or_insert(at);
        let over = at.duration_since(origin).as_nanos().checked_rem(slack.as_nanos()).unwrap_or(0);
        let over = Duration::from_nanos(u64::try_from(over).unwrap_or(0));
        if over.is_zero() { at } else { at + (slack - over) }
    }

    fn push_at(&mut self, key: &Key, at: Instant) {
        if let Some(due) = self.due.get(key).copied() {
            if due.0 <= at {
                return;
            }
            self.later.remove(&due);
        }
        self.sequence += 1;
        let due = (at, self.sequence);
        self.later.insert(due, key.clone());
        self.due.insert(key.clone(), due);
    }

    /// Moves what is due by now into the line.
    fn promote(&mut self, now: Instant) {
        while let Some(entry) = self.later.first_entry() {
            if entry.key().0 > now {
                return;
            }
            let key = entry.remove();
            self.due.remove(&key);
            self.push(&key);
        }
    }

    /// The pass that begins answers every wish up to now, also a later one.
    fn take(&mut self) -> Option<Key> {
        let key = self.ready.pop_front()?;
        self.waiting.remove(&key);
        if let Some(due) = self.due.remove(&key) {
            self.later.remove(&due);
        }
        self.running.insert(key.clone());
        Some(key)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(name: &str) -> Key {
        Key::new(Some("demo"), name)
    }

    #[tokio::test]
    async fn one_pass_at_a_time_and_wishes_count_once() {
        let queue = Queue::default();
        queue.push(&key("a"));
        queue.push(&key("a"));
        queue.push(&key("b"));
        assert_eq!(queue.next().await, key("a"));
        assert_eq!(queue.next().await, key("b"));
        queue.push(&key("a"));
        assert_eq!(queue.depth(), 0);
        queue.done(&key("a"));
        assert_eq!(queue.next().await, key("a"));
    }

    #[tokio::test]
    async fn later_passes_come_in_their_order_and_a_pass_answers_them() {
        let queue = Queue::default();
        queue.push_after(&key("late"), Duration::from_millis(80));
        queue.push_after(&key("soon"), Duration::from_millis(10));
        queue.push_after(&key("soon"), Duration::from_millis(40));
        assert_eq!(queue.next().await, key("soon"));
        queue.push(&key("late"));
        assert_eq!(queue.next().await, key("late"));
        let nothing = tokio::time::timeout(Duration::from_millis(150), queue.next()).await;
        assert!(nothing.is_err());
    }

    #[test]
    fn passes_that_come_round_share_moments() {
        let mut state = State::default();
        let (start, slack) = (Instant::now(), Duration::from_secs(2));
        let after = |state: &mut State, millis| {
            let moment = state.shared_moment(start + Duration::from_millis(millis), slack);
            moment.duration_since(start).as_millis()
        };
        let moments = [0, 1, 1500, 2000, 2001, 5500].map(|millis| after(&mut state, millis));
        assert_eq!(moments, [0, 2000, 2000, 2000, 4000, 6000]);
        assert_eq!(state.shared_moment(start, Duration::ZERO), start);
    }

    #[test]
    fn failures_are_counted_until_a_success() {
        let queue = Queue::default();
        assert_eq!((queue.failed(&key("a")), queue.failed(&key("a"))), (1, 2));
        queue.succeeded(&key("a"));
        assert_eq!(queue.failed(&key("a")), 1);
    }
}
