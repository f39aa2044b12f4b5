//! One seeded loop owns the clock, the queue, the workers and the disk, and drops, delays, repeats, crashes and jumps.
//!
//! `AGNT5_SIMULATOR_SEEDS` says how many seeds a run tries (2,000 by default); `AGNT5_SIMULATOR_SEED` runs one alone.
//! A law that breaks prints its seed; that seed becomes a regression test below.

mod body;
mod driving;
mod laws;
mod random;
mod replaying;
mod world;

use world::World;

fn run(seed: u64) {
    let mut world = World::new(seed);
    for _ in 0..world.length() {
        world.something_happens();
    }
    world.faults_stop();
    world.check_at_rest();
}

#[test]
fn every_law_holds_for_every_seed() {
    if let Ok(seed) = std::env::var("AGNT5_SIMULATOR_SEED") {
        return run(seed.parse().expect("a number"));
    }
    let seeds =
        std::env::var("AGNT5_SIMULATOR_SEEDS").ok().and_then(|count| count.parse().ok()).unwrap_or(2_000u64);
    for seed in 0..seeds {
        let outcome = std::panic::catch_unwind(|| run(seed));
        if let Err(cause) = outcome {
            eprintln!(
                "the seed was {seed}: AGNT5_SIMULATOR_SEED={seed} cargo test -p agnt5-engine --test simulator"
            );
            std::panic::resume_unwind(cause);
        }
    }
    println!("simulator: {seeds} seeds, every law held");
}
