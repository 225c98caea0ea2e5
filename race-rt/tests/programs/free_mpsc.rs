//! Messages with boxes in them, by all three channels of std, some of which are dropped full.

use std::sync::mpsc::{channel, sync_channel};
use std::thread;

fn threads() -> usize {
    std::env::args().nth(1).map_or(2, |n| n.parse().unwrap())
}

fn main() {
    let senders = threads() - 1;
    let (send, receive) = channel();
    for number in 0..senders {
        let send = send.clone();
        thread::spawn(move || {
            for item in 0..100 {
                send.send(Box::new([number, item])).unwrap();
            }
        });
    }
    drop(send);
    let mut count = 0;
    for mut message in receive {
        message[1] += 1;
        count += 1;
    }
    assert_eq!(count, senders * 100);

    for bound in [0, 1, 4] {
        let (send, receive) = sync_channel(bound);
        thread::scope(|scope| {
            for number in 0..senders {
                let send = send.clone();
                scope.spawn(move || {
                    for item in 0..50 {
                        if send.send(vec![number, item]).is_err() {
                            break;
                        }
                    }
                });
            }
            drop(send);
            for _ in 0..senders * 25 {
                receive.recv().unwrap().push(1);
            }
            drop(receive);
        });
    }
}
