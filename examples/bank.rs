//! Two tellers transfer money between accounts with plain balances: a data race. With `--fixed` a mutex is held during a transfer; an early
//! return releases it, and so does a panic, which poisons it as it does `std`'s.
//!
//! ```sh
//! cargo run --features race-check --example bank            # a report, and exit status 66
//! cargo run --features race-check --example bank -- --fixed # no report
//! ```

use std::sync::Arc;

use clap::Parser;
use racecheck::sync::{Mutex, PoisonError};
use racecheck::{Shared, thread};

const TRANSFERS: usize = 150;
const AMOUNT: i64 = 5;

/// Two tellers transfer money between two accounts
#[derive(Parser)]
struct Args {
    /// Hold a mutex during every transfer
    #[arg(long)]
    fixed: bool,
}

#[derive(Debug)]
struct Overdrawn;

struct Account {
    balance: Shared<i64>,
}

impl Account {
    /// A deposit, or, if `amount` is negative, a withdrawal.
    fn post(&self, amount: i64) -> Result<(), Overdrawn> {
        self.balance.with_mut(|balance| {
            if *balance + amount < 0 {
                return Err(Overdrawn);
            }
            *balance += amount;
            Ok(())
        })
    }
}

struct Bank {
    current: Account,
    savings: Account,
    ledger: Mutex<()>,
    fixed: bool,
}

impl Bank {
    fn transfer(&self, amount: i64) -> Result<(), Overdrawn> {
        let _guard = self.fixed.then(|| {
            // A transfer that panicked has posted nothing yet, so the accounts are right even if the mutex is poisoned.
            self.ledger.lock().unwrap_or_else(PoisonError::into_inner)
        });
        assert!(amount > 0, "a transfer of {amount}");
        self.current.post(-amount)?;
        self.savings.post(amount)
    }
}

fn main() {
    let Args { fixed } = Args::parse();
    let account = |balance| Account {
        balance: Shared::new(balance),
    };
    let bank = Arc::new(Bank {
        current: account(1000),
        savings: account(0),
        ledger: Mutex::new(()),
        fixed,
    });
    let tellers: Vec<_> = (0..2)
        .map(|i| {
            let bank = bank.clone();
            let refused = move || {
                (0..TRANSFERS)
                    .filter(|_| bank.transfer(AMOUNT).is_err())
                    .count()
            };
            thread::Builder::new()
                .name(format!("teller-{i}"))
                .spawn(refused)
                .unwrap()
        })
        .collect();
    let refused: usize = tellers
        .into_iter()
        .map(|teller| teller.join().unwrap())
        .sum();

    let careless = {
        let bank = bank.clone();
        thread::Builder::new()
            .name("careless".to_owned())
            .spawn(move || bank.transfer(-AMOUNT))
            .unwrap()
    };
    assert!(careless.join().is_err(), "a negative amount must panic");
    assert_eq!(bank.ledger.is_poisoned(), fixed);
    // If the panic or an early return had kept the lock, this would wait forever.
    assert!(bank.transfer(AMOUNT).is_err(), "all the money is saved");

    println!(
        "current {}, savings {}, {refused} transfers refused",
        bank.current.balance.get(),
        bank.savings.balance.get()
    );
}
