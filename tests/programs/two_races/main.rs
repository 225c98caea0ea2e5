//! Two data races, each in a module of its own. With a folder as its argument it removes that folder first.

mod audit;
mod ledger;
#[path = "../unordered.rs"]
mod unordered;

use unordered::unordered;

fn main() {
    println!("start");
    if let Some(folder) = std::env::args_os().nth(1) {
        std::fs::remove_dir_all(folder).unwrap();
    }
    unordered(ledger::deposit, ledger::balance);
    println!("between");
    unordered(audit::record, audit::count);
    println!("end");
}
