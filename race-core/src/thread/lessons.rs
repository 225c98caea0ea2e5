//! By which edge a thread learned of each slot: for the report's "Last order between them", and for nothing else.
//!
//! A large clock that is taken over whole teaches hundreds of slots at once. That is one lesson here, with those slots as exceptions of which
//! something else is true: so noting it costs no more than taking it over did. It then stands for slots too of which the edge only said what
//! was known already; it does order them. In a small clock each slot has the edge that last said something new of it.
//! Nothing here may grow with what a thread does, only with what there is to know.

use crate::clock::Joined;
use crate::sync::edge::EdgeId;

/// How a thread came to know a slot.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Learned {
    pub(crate) edge: EdgeId,
    /// Whether the thread in the slot was itself the one that released.
    pub(crate) direct: bool,
}

#[derive(Default)]
pub(crate) struct Lessons {
    /// What is true of each slot that is not in `exceptions`: the last edge that taught everything else. None: as at birth.
    rule: Option<EdgeId>,
    /// By slot. None: as at birth.
    exceptions: Vec<(u32, Option<Learned>)>,
}

impl Lessons {
    /// The last edge that taught of `slot`; none if the thread was born knowing it, or doesn't know it at all.
    pub(crate) fn of(&self, slot: usize) -> Option<Learned> {
        match self.find(slot) {
            Ok(index) => self.exceptions[index].1,
            Err(_) => self.rule.map(indirect),
        }
    }

    #[inline]
    fn find(&self, slot: usize) -> Result<usize, usize> {
        // In a small clock every slot but the thread's own is an exception, so it is known where each is.
        for index in [slot, slot.wrapping_sub(1)] {
            if self
                .exceptions
                .get(index)
                .is_some_and(|(at, _)| *at as usize == slot)
            {
                return Ok(index);
            }
        }
        self.exceptions
            .binary_search_by_key(&slot, |(at, _)| *at as usize)
    }

    #[inline]
    fn set(&mut self, slot: usize, learned: Learned) {
        match self.find(slot) {
            Ok(index) => self.exceptions[index].1 = Some(learned),
            Err(index) => self.exceptions.insert(index, (slot as u32, Some(learned))),
        }
    }

    /// `edge` taught of the thread that released.
    pub(crate) fn learn_releaser(&mut self, slot: usize, edge: EdgeId) {
        self.set(slot, Learned { edge, direct: true });
    }

    /// `edge` taught of a thread, by another one that knew of it.
    #[inline]
    pub(crate) fn learn(&mut self, slot: usize, edge: EdgeId) {
        self.set(slot, indirect(edge));
    }

    /// `edge` taught of every slot.
    pub(crate) fn learn_all(&mut self, edge: EdgeId) {
        self.rule = Some(edge);
        self.exceptions.clear();
    }

    /// The other clock was taken over: what was its is by `rule`, the few slots of this one's stay as they are.
    fn replace_rule(&mut self, joined: &Joined, rule: Option<EdgeId>) {
        let kept = joined.slots.iter();
        self.exceptions = kept.map(|slot| (*slot as u32, self.of(*slot))).collect();
        self.rule = rule;
    }

    /// What a join found was not taught by any edge.
    pub(crate) fn unlearn(&mut self, joined: &Joined) {
        if joined.took {
            self.replace_rule(joined, None);
            return;
        }
        for slot in &joined.slots {
            match self.find(*slot) {
                Ok(index) => self.exceptions[index].1 = None,
                Err(index) => self.exceptions.insert(index, (*slot as u32, None)),
            }
        }
    }

    /// `edge` brought what a join found.
    pub(crate) fn learn_joined(&mut self, joined: &Joined, edge: EdgeId) {
        if joined.took {
            self.replace_rule(joined, Some(edge));
        } else if joined.slots.len() <= FEW {
            for slot in &joined.slots {
                self.learn(*slot, edge);
            }
        } else {
            let learned = joined
                .slots
                .iter()
                .map(|slot| (*slot as u32, Some(indirect(edge))));
            // The sort is stable, and merges two sorted runs in one pass: of each slot, the new one comes first.
            let old = std::mem::take(&mut self.exceptions);
            self.exceptions = learned.chain(old).collect();
            self.exceptions.sort_by_key(|(slot, _)| *slot);
            self.exceptions.dedup_by_key(|(slot, _)| *slot);
        }
    }
}

/// Slots that are quicker put in one by one.
const FEW: usize = 8;

fn indirect(edge: EdgeId) -> Learned {
    Learned {
        edge,
        direct: false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sync::SyncKind;
    use crate::sync::edge::EdgeCache;
    use proptest::prelude::*;

    const SLOTS: usize = 40;

    static KINDS: [SyncKind; 3] = [const {
        SyncKind {
            name: "test",
            release: "released",
            acquire: "acquired",
        }
    }; 3];

    #[derive(Clone, Debug)]
    enum Lesson {
        Releaser(usize),
        All,
        Joined(bool, Vec<usize>),
        /// What a join found, without an edge.
        Assumed(bool, Vec<usize>),
    }

    fn lesson() -> impl Strategy<Value = Lesson> {
        let slots = || prop::collection::btree_set(0..SLOTS, 0..SLOTS);
        prop_oneof![
            (0..SLOTS).prop_map(Lesson::Releaser),
            Just(Lesson::All),
            (any::<bool>(), slots())
                .prop_map(|(took, slots)| Lesson::Joined(took, slots.into_iter().collect())),
            (any::<bool>(), slots())
                .prop_map(|(took, slots)| Lesson::Assumed(took, slots.into_iter().collect())),
        ]
    }

    proptest! {
        #[test]
        fn each_slot_has_its_last_edge(steps in prop::collection::vec((lesson(), 0usize..3), 0..20)) {
            let mut edges = EdgeCache::default();
            let (mut lessons, mut model) = (Lessons::default(), [None; SLOTS]);
            for (lesson, kind) in steps {
                let edge = edges.intern(&KINDS[kind], None, None);
                match lesson {
                    Lesson::Releaser(slot) => {
                        lessons.learn_releaser(slot, edge);
                        model[slot] = Some(Learned { edge, direct: true });
                    }
                    Lesson::All => {
                        lessons.learn_all(edge);
                        model = [Some(indirect(edge)); SLOTS];
                    }
                    Lesson::Joined(took, slots) => {
                        for (slot, learned) in model.iter_mut().enumerate() {
                            if slots.contains(&slot) != took {
                                *learned = Some(indirect(edge));
                            }
                        }
                        let joined = Joined { took, slots: slots.into() };
                        lessons.learn_joined(&joined, edge);
                    }
                    Lesson::Assumed(took, slots) => {
                        for (slot, learned) in model.iter_mut().enumerate() {
                            if slots.contains(&slot) != took {
                                *learned = None;
                            }
                        }
                        lessons.unlearn(&Joined { took, slots: slots.into() });
                    }
                }
                for (slot, learned) in model.iter().enumerate() {
                    prop_assert_eq!(lessons.of(slot), *learned);
                }
                prop_assert!(lessons.exceptions.len() <= SLOTS);
            }
        }
    }
}
