//! Names that are derived, never drawn: digests, idempotency keys, ids of child runs, seeds.
//!
//! Every derivation has its own context string, so equal inputs never give equal bytes for two purposes.

use bytes::Bytes;

use crate::CommandKind;

const BASE32: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";
/// 13 characters of base 32: 65 bits, so a million runs collide with a chance below 1 in 70 million.
const ID_LENGTH: usize = 13;

/// What commands are matched by.
pub fn digest(data: &[u8]) -> Bytes {
    Bytes::copy_from_slice(&blake3::hash(data).as_bytes()[..16])
}

/// Fills `out` with bytes derived from `seed` for the purpose `label`.
pub fn derive(seed: &[u8], label: &str, out: &mut [u8]) {
    let mut hasher = blake3::Hasher::new_derive_key("agnt5 2026 derive");
    field(&mut hasher, seed);
    field(&mut hasher, label.as_bytes());
    hasher.finalize_xof().fill(out);
}

/// A run id made of 16 bytes, random or derived.
pub fn run_id(bytes: [u8; 16]) -> String {
    let mut bits = u128::from_le_bytes(bytes);
    let mut id = String::with_capacity(2 + ID_LENGTH);
    id.push_str("r_");
    for _ in 0..ID_LENGTH {
        id.push(BASE32[(bits & 31) as usize] as char);
        bits >>= 5;
    }
    id
}

/// The id of a child run: the same whenever the parent asks for it again.
pub fn child_id(parent: &str, identity: &[u8]) -> String {
    let mut bytes = [0; 16];
    derive(identity, parent, &mut bytes);
    run_id(bytes)
}

/// The id of the run that a run hands over to: it hands over once.
pub fn successor_id(predecessor: &str) -> String {
    let mut bytes = [0; 16];
    derive(predecessor.as_bytes(), "successor", &mut bytes);
    run_id(bytes)
}

/// Identity of a script's command: the path is enough, since a script asks in one order.
pub fn script_identity(run_id: &str, path: &str) -> [u8; 16] {
    let mut hasher = blake3::Hasher::new_derive_key("agnt5 2026 script command");
    field(&mut hasher, run_id.as_bytes());
    field(&mut hasher, path.as_bytes());
    short(&hasher)
}

/// Identity of a memo's command: independent of the order in which concurrent code asks.
pub fn memo_identity(scope: &[u8], kind: CommandKind, name: &str, digest: &[u8], uses: u32) -> [u8; 16] {
    let mut hasher = blake3::Hasher::new_derive_key("agnt5 2026 memo command");
    field(&mut hasher, scope);
    field(&mut hasher, &(kind as i32).to_le_bytes());
    field(&mut hasher, name.as_bytes());
    field(&mut hasher, digest);
    field(&mut hasher, &uses.to_le_bytes());
    short(&hasher)
}

/// What a rerun recognises a step by.
pub fn reuse_key(scope: &str, kind: CommandKind, name: &str, digest: &[u8], code: &[u8]) -> [u8; 16] {
    let mut hasher = blake3::Hasher::new_derive_key("agnt5 2026 reuse");
    field(&mut hasher, scope.as_bytes());
    field(&mut hasher, &(kind as i32).to_le_bytes());
    field(&mut hasher, name.as_bytes());
    field(&mut hasher, digest);
    field(&mut hasher, code);
    short(&hasher)
}

/// Lower-case hexadecimal.
pub fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write;
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

fn field(hasher: &mut blake3::Hasher, bytes: &[u8]) {
    // The length first: without it ("ab", "c") and ("a", "bc") would be one identity.
    hasher.update(&(bytes.len() as u64).to_le_bytes());
    hasher.update(bytes);
}

fn short(hasher: &blake3::Hasher) -> [u8; 16] {
    let mut out = [0; 16];
    hasher.finalize_xof().fill(&mut out);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_stable_and_readable() {
        let id = run_id([7; 16]);
        assert_eq!(id.len(), 15);
        assert!(id.starts_with("r_"));
        assert_eq!(id, run_id([7; 16]));
    }

    #[test]
    fn fields_do_not_run_together() {
        assert_ne!(script_identity("ab", "c"), script_identity("a", "bc"));
    }

    #[test]
    fn a_use_of_the_same_command_has_its_own_identity() {
        let first = memo_identity(b"s", CommandKind::Step, "f", b"d", 0);
        let second = memo_identity(b"s", CommandKind::Step, "f", b"d", 1);
        assert_ne!(first, second);
    }
}
