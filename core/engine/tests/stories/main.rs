//! What the engine decides, told as stories on the memory store with a clock in the hand.

mod children;
mod desk;
mod events;
mod forks;
mod lifecycle;
mod memory;
mod storage;
mod succession;
mod timers;
mod turns;
mod wakeups;
