//! The payloads of an entry, wherever they sit.

use crate::entry::Body;
use crate::{Entry, Payload, completion, ended, given};

/// Both ways to look at an entry are one list: a payload that one of them forgot would be lost with its run.
macro_rules! payloads {
    ($body:expr, $iter:ident, $($reference:tt)+) => {{
        let mut found: Vec<$($reference)+ Payload> = Vec::new();
        match $body {
            Some(Body::Started(started)) => {
                found.extend(started.input.$iter());
                found.extend(started.code.$iter());
            }
            Some(Body::Command(command)) => found.extend(command.input.$iter()),
            Some(Body::Completion(completion)) => match $($reference)+ completion.outcome {
                Some(completion::Outcome::Value(one) | completion::Outcome::Failure(one)) => found.push(one),
                Some(completion::Outcome::Received(received)) => found.extend(received.payload.$iter()),
                _ => {}
            },
            Some(Body::FailedAttempt(failed)) => found.extend(failed.failure.$iter()),
            Some(Body::Ended(ended)) => {
                match $($reference)+ ended.outcome {
                    Some(ended::Outcome::Value(one) | ended::Outcome::Failure(one)) => found.push(one),
                    Some(ended::Outcome::Continued(continued)) => found.extend(continued.input.$iter()),
                    _ => {}
                }
                found.extend(ended.object_state.$iter());
            }
            Some(Body::Forked(forked)) => {
                for one in forked.given.$iter() {
                    match $($reference)+ one.outcome {
                        Some(given::Outcome::Value(one) | given::Outcome::Failure(one)) => found.push(one),
                        Some(given::Outcome::Received(received)) => found.extend(received.payload.$iter()),
                        _ => {}
                    }
                }
                for change in forked.state.$iter() {
                    found.extend(change.value.$iter());
                }
            }
            _ => {}
        }
        found
    }};
}

impl Entry {
    /// Every payload in it.
    pub fn payloads(&self) -> Vec<&Payload> {
        payloads!(&self.body, iter, &)
    }

    /// The same, to be changed.
    pub fn payloads_mut(&mut self) -> Vec<&mut Payload> {
        payloads!(&mut self.body, iter_mut, &mut)
    }
}
