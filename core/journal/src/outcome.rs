//! What the world answered, in one flat shape.

use crate::pb::{completion, ended};
use crate::{Cancelled, Continued, Fired, Payload, Received, TimedOut};

/// The answer to a command, or the end of a run.
#[derive(Clone, Debug, PartialEq)]
pub enum Outcome {
    Value(Payload),
    Failure(Payload),
    Fired,
    TimedOut,
    Received(Received),
    Cancelled,
    /// Only of a run: another one goes on in its place. It answers no command, for whoever waits waits for that one then.
    Continued(Continued),
}

impl Outcome {
    pub fn into_completion(self) -> completion::Outcome {
        match self {
            Self::Value(payload) => completion::Outcome::Value(payload),
            Self::Failure(payload) => completion::Outcome::Failure(payload),
            Self::Fired => completion::Outcome::Fired(Fired {}),
            Self::TimedOut => completion::Outcome::TimedOut(TimedOut {}),
            Self::Received(received) => completion::Outcome::Received(received),
            Self::Cancelled => completion::Outcome::Cancelled(Cancelled {}),
            Self::Continued(next) => {
                unreachable!("the answer comes from the end of the chain, not from before {}", next.run_id)
            }
        }
    }

    /// `None` for an entry whose outcome this version does not know.
    pub fn of_completion(outcome: &Option<completion::Outcome>) -> Option<Self> {
        Some(match outcome.as_ref()? {
            completion::Outcome::Value(payload) => Self::Value(payload.clone()),
            completion::Outcome::Failure(payload) => Self::Failure(payload.clone()),
            completion::Outcome::Fired(_) => Self::Fired,
            completion::Outcome::TimedOut(_) => Self::TimedOut,
            completion::Outcome::Received(received) => Self::Received(received.clone()),
            completion::Outcome::Cancelled(_) => Self::Cancelled,
        })
    }

    pub fn of_end(outcome: &Option<ended::Outcome>) -> Option<Self> {
        Some(match outcome.as_ref()? {
            ended::Outcome::Value(payload) => Self::Value(payload.clone()),
            ended::Outcome::Failure(payload) => Self::Failure(payload.clone()),
            ended::Outcome::Cancelled(_) => Self::Cancelled,
            ended::Outcome::Continued(continued) => Self::Continued(continued.clone()),
        })
    }

    /// `None` when a run cannot end this way.
    pub fn into_end(self) -> Option<ended::Outcome> {
        match self {
            Self::Value(payload) => Some(ended::Outcome::Value(payload)),
            Self::Failure(payload) => Some(ended::Outcome::Failure(payload)),
            Self::Cancelled => Some(ended::Outcome::Cancelled(Cancelled {})),
            Self::Continued(continued) => Some(ended::Outcome::Continued(continued)),
            Self::Fired | Self::TimedOut | Self::Received(_) => None,
        }
    }

    pub fn payload(&self) -> Option<&Payload> {
        match self {
            Self::Value(payload) | Self::Failure(payload) => Some(payload),
            Self::Received(received) => received.payload.as_ref(),
            Self::Continued(continued) => continued.input.as_ref(),
            Self::Fired | Self::TimedOut | Self::Cancelled => None,
        }
    }
}
