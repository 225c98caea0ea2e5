//! Two tellers transfer money between two accounts, one in each direction, and lock the account that it comes from first. They are never at it at
//! the same time, so all goes well; on another day each has the account that the other one waits for. With `--fixed` both lock the accounts in one
//! order.
//!
//! ```sh
//! cargo run --features race-check --example lock_order            # a report, and exit status 66
//! cargo run --features race-check --example lock_order -- --fixed # no report
//! ```

use std::time::Duration;

use clap::Parser;
use racecheck::sync::Mutex;
use racecheck::thread;

/// Two tellers transfer money in opposite directions
#[derive(Parser)]
struct Args {
    /// Lock the accounts in the same order, whatever the direction
    #[arg(long)]
    fixed: bool,
}

struct Account {
    number: u32,
    balance: Mutex<i64>,
}

impl Account {
    fn new(number: u32, balance: Mutex<i64>) -> Account {
        Account { number, balance }
    }
}

fn transfer(from: &Account, to: &Account, amount: i64, fixed: bool) {
    let (mut source, mut target);
    if fixed && to.number < from.number {
        target = to.balance.lock().unwrap();
        source = from.balance.lock().unwrap();
    } else {
        source = from.balance.lock().unwrap();
        target = to.balance.lock().unwrap();
    }
    *source -= amount;
    *target += amount;
}

fn main() {
    let Args { fixed } = Args::parse();
    let current = Account::new(1, Mutex::new(100));
    let savings = Account::new(2, Mutex::new(100));
    thread::scope(|s| {
        let first = s.spawn(|| transfer(&current, &savings, 50, fixed));
        let (current, savings) = (&current, &savings);
        s.spawn(move || {
            // The second teller is late, today.
            thread::sleep(Duration::from_millis(50));
            // On a busy machine that may have been too short. This makes every run's report the same, and orders nothing.
            while !first.is_finished() {
                thread::yield_now();
            }
            transfer(savings, current, 25, fixed);
        });
    });
    let balance = |account: &Account| *account.balance.lock().unwrap();
    println!(
        "current {}, savings {}",
        balance(&current),
        balance(&savings)
    );
}
