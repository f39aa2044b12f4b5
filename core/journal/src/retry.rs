//! How long to wait before the next attempt.

use crate::{Micros, identity};

/// Exponential growth with a cap and a jitter that is a fraction of the wait.
#[derive(Clone, Copy, Debug)]
pub struct Backoff {
    pub initial: Micros,
    pub factor: f64,
    pub max_interval: Micros,
    /// 0.1 spreads a wait over 90 to 110 percent.
    pub jitter: f64,
}

impl Backoff {
    /// The wait after failed attempt `attempt` (1 is the first). The jitter derives from `key`: asked again, it is the same.
    pub fn delay(&self, attempt: u32, key: &[u8]) -> Micros {
        let exponent = attempt.saturating_sub(1).min(1_000) as i32;
        let grown = self.initial.max(0) as f64 * self.factor.powi(exponent);
        let capped = grown.min(self.max_interval.max(0) as f64);
        let mut bytes = [0; 8];
        identity::derive(key, &format!("retry {attempt}"), &mut bytes);
        let unit = (u64::from_le_bytes(bytes) >> 11) as f64 / (1u64 << 53) as f64;
        (capped * (1.0 + self.jitter * (2.0 * unit - 1.0))).max(0.0) as Micros
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_wait_stays_within_its_jitter(
            attempt in 1u32..2_000, initial in 0i64..10_000_000, factor in 1.0f64..10.0,
            cap in 0i64..100_000_000, jitter in 0.0f64..1.0, key: [u8; 4],
        ) {
            let backoff = Backoff { initial, factor, max_interval: cap, jitter };
            let wait = backoff.delay(attempt, &key);
            prop_assert!(wait >= 0);
            prop_assert!(wait as f64 <= cap as f64 * (1.0 + jitter) + 1.0);
            prop_assert_eq!(wait, backoff.delay(attempt, &key));
        }

        #[test]
        fn without_jitter_waits_never_shrink(attempt in 1u32..100, initial in 0i64..10_000_000) {
            let backoff = Backoff { initial, factor: 2.0, max_interval: 60_000_000, jitter: 0.0 };
            prop_assert!(backoff.delay(attempt, b"") <= backoff.delay(attempt + 1, b""));
        }
    }
}
