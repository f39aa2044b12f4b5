//! Which process this is, in a way that survives the reuse of pids.

/// The calling process. After a fork the child sees another number.
pub fn pid() -> u32 {
    std::process::id()
}

/// A process, told apart from a later one with the same pid by its start and from one before a reboot by the boot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProcessId {
    pub pid: u32,
    /// When it started, in the platform's own unit; only good for comparing.
    pub start: u64,
    /// Empty when the platform does not tell.
    pub boot: String,
}

impl ProcessId {
    pub fn current() -> Self {
        let pid = pid();
        Self { pid, start: start_of(pid).unwrap_or(0), boot: boot_id() }
    }

    /// Whether this very process still runs. A zombie does not.
    pub fn is_alive(&self) -> bool {
        self.boot == boot_id() && start_of(self.pid) == Some(self.start)
    }
}

/// Clock ticks after boot at which the process started (proc(5), field 22); `None` when it is gone.
#[cfg(target_os = "linux")]
fn start_of(pid: u32) -> Option<u64> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The name in parentheses may hold blanks and parentheses itself: the fields start behind the last one.
    let mut fields = stat[stat.rfind(')')? + 1..].split_ascii_whitespace();
    match fields.next()? {
        "Z" | "X" => None,
        _ => fields.nth(18)?.parse().ok(),
    }
}

#[cfg(target_os = "linux")]
fn boot_id() -> String {
    std::fs::read_to_string("/proc/sys/kernel/random/boot_id")
        .map(|id| id.trim().to_owned())
        .unwrap_or_default()
}

/// Microseconds since 1970 at which the process started; `None` when it is gone.
#[cfg(target_os = "macos")]
fn start_of(pid: u32) -> Option<u64> {
    // SAFETY: proc_bsdinfo is plain integers and arrays; proc_pidinfo writes at most `size` bytes.
    unsafe {
        let mut info: libc::proc_bsdinfo = std::mem::zeroed();
        let size = size_of::<libc::proc_bsdinfo>() as libc::c_int;
        let out = (&raw mut info).cast();
        let got = libc::proc_pidinfo(pid as libc::c_int, libc::PROC_PIDTBSDINFO, 0, out, size);
        let zombie = info.pbi_status == libc::SZOMB;
        (got == size && !zombie).then(|| info.pbi_start_tvsec * 1_000_000 + info.pbi_start_tvusec)
    }
}

#[cfg(target_os = "macos")]
fn boot_id() -> String {
    let mut id = [0u8; 64];
    let mut size = id.len();
    // SAFETY: the name ends with NUL, `id` has `size` bytes of room.
    let done = unsafe {
        let name = c"kern.bootsessionuuid".as_ptr();
        libc::sysctlbyname(name, id.as_mut_ptr().cast(), &mut size, std::ptr::null_mut(), 0)
    };
    if done == 0 {
        String::from_utf8_lossy(&id[..size]).trim_end_matches('\0').to_owned()
    } else {
        String::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn we_are_alive_and_a_reused_pid_is_somebody_else() {
        let me = ProcessId::current();
        assert!(me.is_alive());
        assert!(!ProcessId { start: me.start + 1, ..me.clone() }.is_alive());
        assert!(!ProcessId { boot: "another boot".into(), ..me }.is_alive());
    }

    #[test]
    fn a_zombie_is_dead() {
        let mut child = std::process::Command::new("sleep").arg("60").spawn().unwrap();
        let there = ProcessId { pid: child.id(), start: start_of(child.id()).unwrap(), boot: boot_id() };
        assert!(there.is_alive());
        child.kill().unwrap();
        while there.is_alive() {
            std::thread::yield_now();
        }
        child.wait().unwrap();
    }
}
