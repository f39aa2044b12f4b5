//! Decides: who drives which run, when timers fire, who gets an event, whose turn it is at an object.
//!
//! [`Engine`] is a state machine over a [`Store`](agnt5_store::Store): time and requests go in, one transaction is made,
//! notices come out. It reads no clock and starts no thread, so a simulator can drive it. [`Host`] is the shell that does.

mod children;
mod engine;
mod error;
mod events;
mod failure;
mod forking;
mod host;
mod journaling;
mod leasing;
mod lifecycle;
mod limits;
mod memory;
mod notice;
mod recovery;
mod request;
mod session;
mod stalling;
mod succession;
mod timers;
mod turns;
mod visitor;
mod wire;

pub use engine::{Batch, Engine};
pub use error::Refusal;
pub use host::{Host, Options};
pub use limits::Limits;
pub use memory::{LARGEST_VALUE, MemoryChange, Remember};
pub use notice::{Inbox, Lease, Notice};
pub use request::{Append, Code, Decision, ForkRun, Reply, Request, RerunRun, StartRun, Ticket};
pub use session::{Session, Trace};
pub use visitor::visit;
pub use wire::memory_request;
