//! What was once wrong, one file each, named after what broke. Each was a false report unless it says otherwise.

#![cfg(feature = "race-check")]

mod acquire_load_after_a_relaxed_one;
mod exclusive_access_after_a_racy_read;
mod exclusive_access_to_a_lock_or_an_atomic;
mod full_channel_passes_on_what_was_received;
#[cfg(target_os = "linux")]
mod learned_through_a_plain_scoped_thread;
mod place_of_a_range_race;
mod report_on_a_small_stack;
mod reused_pthread_name;
mod scoped_thread_drops_its_own_result;
mod spawn_that_panicked_left_its_announcement;
mod two_long_reads;
mod update_wrote_before_it_read;
mod zero_sized_values;

use racecheck::check;

/// How many races a program has; the first is the message if there is one too many.
#[track_caller]
fn expect(races: usize, program: impl FnOnce()) {
    let outcome = check(program);
    assert_eq!(
        outcome.races().len(),
        races,
        "{}",
        outcome
            .races()
            .first()
            .map(ToString::to_string)
            .unwrap_or_default()
    );
}
