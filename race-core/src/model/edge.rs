//! `sync::edge`: as for [`super::depot`].

use std::sync::{Arc, Mutex};

use crate::model::{KIND, here, model};
use crate::sync::edge::{EdgeCache, get};

#[test]
fn an_equal_edge_has_the_same_id_and_any_id_resolves() {
    model(|sides| {
        let (one, two) = (Some(here().into()), Some(here().into()));
        let handed_over = Arc::new(Mutex::new(None));
        let sender = {
            let handed_over = handed_over.clone();
            move || {
                let mut cache = EdgeCache::default();
                let first = cache.intern(&KIND, one, None);
                *handed_over.lock().unwrap() = Some(first);
                (first, cache.intern(&KIND, two, None))
            }
        };
        let receiver = move || {
            let mut cache = EdgeCache::default();
            let second = cache.intern(&KIND, two, None);
            let seen = *handed_over.lock().unwrap();
            if let Some(id) = seen {
                assert_eq!(get(id).released, one);
            }
            (cache.intern(&KIND, one, None), second)
        };
        let ((first, second), received) = sides.run(sender, receiver);
        assert_eq!((first, second), received);
        assert_eq!((get(first).released, get(second).released), (one, two));
    });
}
