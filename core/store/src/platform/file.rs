//! Which file a path names right now, and what kind of disk it lies on. Looks, never opens.

use std::ffi::CString;
use std::io;
use std::mem::MaybeUninit;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

/// Two paths with the same id are the same file; a path whose id changed names another file than before.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct FileId {
    device: u64,
    inode: u64,
}

impl FileId {
    /// Asks for the inode number only. Asking for times as well, as `std::fs::metadata` does, makes newer Linux kernels
    /// give the file's next write a timestamp of its own (multigrain timestamps), and a commit of one row takes a third longer.
    #[cfg(target_os = "linux")]
    pub fn of(path: &Path) -> io::Result<Self> {
        let path = CString::new(path.as_os_str().as_bytes())?;
        let mut out = MaybeUninit::<libc::statx>::uninit();
        // SAFETY: `path` ends with NUL and `out` has room for one statx, which a zero return has filled.
        let found = unsafe {
            let done = libc::statx(libc::AT_FDCWD, path.as_ptr(), 0, libc::STATX_INO, out.as_mut_ptr());
            if done != 0 {
                return Err(io::Error::last_os_error());
            }
            out.assume_init()
        };
        let device = u64::from(found.stx_dev_major) << 32 | u64::from(found.stx_dev_minor);
        Ok(Self { device, inode: found.stx_ino })
    }

    #[cfg(not(target_os = "linux"))]
    pub fn of(path: &Path) -> io::Result<Self> {
        use std::os::unix::fs::MetadataExt;
        let meta = std::fs::metadata(path)?;
        Ok(Self { device: meta.dev(), inode: meta.ino() })
    }
}

fn statfs(path: &Path) -> io::Result<libc::statfs> {
    let path = CString::new(path.as_os_str().as_bytes())?;
    let mut out = MaybeUninit::<libc::statfs>::uninit();
    // SAFETY: `path` ends with NUL and `out` has room for one statfs, which a zero return has filled.
    match unsafe { libc::statfs(path.as_ptr(), out.as_mut_ptr()) } {
        0 => Ok(unsafe { out.assume_init() }),
        _ => Err(io::Error::last_os_error()),
    }
}

/// Bytes an unprivileged process may still write on the disk of `path`.
#[allow(clippy::unnecessary_cast)] // the field widths differ between platforms
pub fn free_bytes(path: &Path) -> io::Result<u64> {
    statfs(path).map(|fs| (fs.f_bavail as u64).saturating_mul(fs.f_bsize as u64))
}

/// The name of the network file system `path` lies on, or `None` on a local disk. Locks and shared memory do not work
/// across machines, so WAL journals are lost there.
#[cfg(target_os = "linux")]
#[allow(clippy::unnecessary_cast)]
pub fn network_file_system(path: &Path) -> io::Result<Option<&'static str>> {
    statfs(path).map(|fs| network_name(fs.f_type as u32))
}

#[cfg(target_os = "macos")]
pub fn network_file_system(path: &Path) -> io::Result<Option<&'static str>> {
    statfs(path).map(|fs| (fs.f_flags & libc::MNT_LOCAL as u32 == 0).then_some("network file system"))
}

/// Magic numbers of statfs(2) and linux/magic.h. FUSE is refused as a whole: it is mostly sshfs, cloud drives and shared
/// folders of virtual machines, and nothing tells those from a local one.
#[cfg(target_os = "linux")]
fn network_name(magic: u32) -> Option<&'static str> {
    Some(match magic {
        0x6969 => "NFS",
        0x517B | 0xFE53_4D42 | 0xFF53_4D42 => "SMB/CIFS",
        0x6573_5546 => "FUSE",
        0x0102_1997 => "9P",
        0x00C3_6400 => "Ceph",
        0x5346_414F | 0x6B41_4653 => "AFS",
        0x7375_7245 => "Coda",
        0x0BD0_0BD0 => "Lustre",
        0x4750_4653 => "GPFS",
        0x1983_0326 => "BeeGFS",
        0x0116_1970 => "GFS2",
        0x7461_636F => "OCFS2",
        0x786F_4256 => "VirtualBox shared folder",
        0xBACB_ACBC => "VMware shared folder",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_names_of_one_file_have_one_id() {
        let dir = tempfile::tempdir().unwrap();
        let (a, b) = (dir.path().join("a"), dir.path().join("b"));
        std::fs::write(&a, "x").unwrap();
        std::fs::hard_link(&a, &b).unwrap();
        assert_eq!(FileId::of(&a).unwrap(), FileId::of(&b).unwrap());
        assert_ne!(FileId::of(&a).unwrap(), FileId::of(dir.path()).unwrap());
        assert!(free_bytes(dir.path()).unwrap() > 0);
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn network_file_systems_are_known_by_their_magic() {
        assert_eq!(network_name(0x6969), Some("NFS"));
        assert_eq!(network_name(0xFF53_4D42), Some("SMB/CIFS"));
        assert_eq!(network_name(0x6573_5546), Some("FUSE"));
        assert_eq!(network_name(0xEF53), None, "ext4 is local");
        assert_eq!(network_file_system(Path::new("/proc")).unwrap(), None);
    }
}
