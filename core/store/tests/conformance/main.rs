//! What every store must do, as one list of behaviours run on each of them.

#[path = "../common/mod.rs"]
mod common;
mod journals;
mod records;
mod runs;
mod sharing;
mod wakeups;

macro_rules! conformance {
    ($($part:ident::$behaviour:ident),* $(,)?) => {
        mod memory {
            $(#[test] fn $behaviour() { crate::$part::$behaviour(agnt5_store::MemoryStore::new()) })*
        }
        mod sqlite {
            $(#[test] fn $behaviour() {
                let dir = tempfile::tempdir().unwrap();
                crate::$part::$behaviour(crate::common::open(&dir.path().join("store")));
            })*
        }
        mod faulty_without_faults {
            $(#[test] fn $behaviour() {
                crate::$part::$behaviour(agnt5_store::FaultyStore::new(agnt5_store::MemoryStore::new()))
            })*
        }
    };
}

conformance!(
    runs::a_run_is_read_as_it_was_written,
    runs::a_run_id_is_taken_once,
    runs::run_numbers_are_never_used_again,
    runs::updates_write_all_but_number_and_id,
    runs::a_rollback_undoes_everything,
    runs::transactions_do_not_nest_and_changes_need_one,
    runs::lists_filter_and_page_newest_first,
    runs::unfinished_runs_come_by_number_in_pages,
    journals::a_journal_is_read_from_any_entry_in_bounded_pages,
    journals::a_segment_is_never_written_twice,
    journals::thousands_of_segments_are_found_again,
    journals::blobs_are_stored_once_and_go_with_their_last_run,
    journals::deleting_a_run_takes_all_that_is_its_own,
    wakeups::timers_fire_in_order_and_are_replaced,
    wakeups::the_wait_put_first_is_served_first,
    wakeups::an_event_is_taken_once_and_its_id_remembered,
    wakeups::targeted_events_reach_their_run_only,
    wakeups::events_expire_visibly,
    wakeups::object_state_is_replaced_and_removed,
    runs::children_are_counted,
    sharing::a_fork_reads_the_beginning_of_its_origin_and_then_its_own,
    sharing::a_fork_of_a_fork_reads_through_both,
    sharing::a_circle_of_forks_is_damage_and_no_endless_walk,
    records::a_record_is_read_as_it_was_put_and_replaced_under_its_id,
    records::shelves_are_apart,
    records::what_was_used_longest_ago_goes_when_a_shelf_is_full,
    records::lists_of_records_filter_and_page,
    records::words_find_what_has_the_rarest_of_them_most,
    records::vectors_find_what_is_near_and_both_rankings_become_one,
    records::deleted_records_are_not_found_and_their_numbers_never_used_again,
    records::a_rollback_takes_records_back,
);
