//! `stack::depot`: equal contexts get one id, and an id that anybody has can be resolved. `dashmap` is taken at its word.

use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;

use crate::model::model;
use crate::primitive::sync::atomic::AtomicU64;
use crate::stack::depot::{Context, ContextId, Detail, Frames, get, intern};

fn context(frame: usize) -> Context {
    Context {
        site: None,
        frames: Frames::Unwound([frame].into()),
        held: Box::default(),
        detail: Detail::Plain,
    }
}

#[test]
fn an_equal_context_has_the_same_id_and_any_id_resolves() {
    model(|sides| {
        // As an id travels in a shadow word: with no order of its own.
        let word = Arc::new(AtomicU64::new(0));
        let sender = {
            let word = word.clone();
            move || {
                let one = intern(context(1));
                word.store(ContextId::bits(Some(one)).into(), Relaxed);
                (one, intern(context(2)))
            }
        };
        let receiver = move || {
            let two = intern(context(2));
            if let Some(id) = ContextId::from_bits(word.load(Relaxed) as u32) {
                assert_eq!(get(id).frames.addresses(), [1]);
            }
            (intern(context(1)), two)
        };
        let ((one, two), received) = sides.run(sender, receiver);
        assert_eq!((one, two), received);
        assert_eq!(get(one).frames.addresses(), [1]);
        assert_eq!(get(two).frames.addresses(), [2]);
    });
}
