//! The life of a run.

/// Where a run stands. Terminal ones never change again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Status {
    /// Recorded; nobody drives it yet.
    Pending = 0,
    /// An attempt drives it.
    Running = 1,
    /// Everything it asked for is a durable wait.
    Waiting = 2,
    /// Needs a person's decision; `RunRow::reason` says which.
    Paused = 3,
    Completed = 4,
    Failed = 5,
    Cancelled = 6,
}

impl Status {
    pub const ALL: [Self; 7] = [
        Self::Pending,
        Self::Running,
        Self::Waiting,
        Self::Paused,
        Self::Completed,
        Self::Failed,
        Self::Cancelled,
    ];

    pub fn name(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Running => "running",
            Self::Waiting => "waiting",
            Self::Paused => "paused",
            Self::Completed => "completed",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
        }
    }

    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.name() == name)
    }

    pub fn from_u8(value: u8) -> Option<Self> {
        Self::ALL.get(usize::from(value)).copied()
    }

    pub fn is_terminal(self) -> bool {
        matches!(self, Self::Completed | Self::Failed | Self::Cancelled)
    }

    /// Whether a run may go from here to there in one step.
    pub fn may_become(self, next: Self) -> bool {
        use Status::*;
        match self {
            Pending => matches!(next, Running | Paused | Cancelled | Failed),
            Running => !matches!(next, Running),
            Waiting => matches!(next, Running | Pending | Paused | Completed | Failed | Cancelled),
            Paused => matches!(next, Pending | Running | Cancelled | Failed),
            Completed | Failed | Cancelled => false,
        }
    }
}
