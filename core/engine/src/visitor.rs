//! The owner's local socket: one process owns a store, the others send it their writes.
//!
//! Served by Rust threads, so an owner whose Python is busy still answers. One JSON object per line each way. The socket
//! has mode 0600 and only the same user is answered.

use std::io::{BufRead, BufReader, Read, Write};
use std::os::fd::AsRawFd;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use agnt5_store::{Durability, StoreError, platform};

use crate::error::Refusal;
use crate::host::{Host, Options, Shared};
use crate::limits::Limits;
use crate::wire::carry_out;

/// A request is small, but an event may carry a large payload.
const LONGEST_REQUEST: u64 = 512 << 20;
const PATIENCE: Duration = Duration::from_secs(30);
/// Bytes of a path that every supported system accepts for a socket.
const LONGEST_SOCKET_PATH: usize = 100;

pub(crate) struct Visitors {
    path: PathBuf,
    listener: UnixListener,
    stopping: Arc<AtomicBool>,
    thread: JoinHandle<()>,
}

impl Visitors {
    pub fn serve(directory: &Path, shared: Arc<Shared>) -> Result<Self, StoreError> {
        let path = socket_path(directory);
        let failed = |error: std::io::Error| {
            StoreError::Unusable(format!("the socket {} cannot be made: {error}", path.display()))
        };
        // We hold the store's lock, so whoever made this file is gone.
        if let Err(error) = std::fs::remove_file(&path)
            && error.kind() != std::io::ErrorKind::NotFound
        {
            return Err(failed(error));
        }
        let listener = UnixListener::bind(&path).map_err(failed)?;
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).map_err(failed)?;
        let stopping = Arc::new(AtomicBool::new(false));
        let thread = {
            let (listener, stopping) = (listener.try_clone().map_err(failed)?, stopping.clone());
            std::thread::Builder::new()
                .name("agnt5-visitors".to_owned())
                .spawn(move || accept(&listener, &shared, &stopping))
                .map_err(failed)?
        };
        Ok(Self { path, listener, stopping, thread })
    }

    pub fn stop(self) {
        self.stopping.store(true, Ordering::SeqCst);
        // Two ways to wake the accept: one that not every system knows, one that needs the file to be there still.
        // SAFETY: the descriptor is open.
        unsafe { libc::shutdown(self.listener.as_raw_fd(), libc::SHUT_RDWR) };
        drop(UnixStream::connect(&self.path));
        for _ in 0..1_000 {
            if self.thread.is_finished() {
                break;
            }
            std::thread::sleep(Duration::from_millis(1));
        }
        // A thread that did not wake holds nothing of the store; nobody must wait for it.
        let _ = std::fs::remove_file(&self.path);
    }
}

fn accept(listener: &UnixListener, shared: &Arc<Shared>, stopping: &AtomicBool) {
    for stream in listener.incoming() {
        if stopping.load(Ordering::SeqCst) {
            return;
        }
        let Ok(stream) = stream else { continue };
        let shared = shared.clone();
        // One thread a visitor: there are few, and none may keep the others waiting.
        let served = std::thread::Builder::new().name("agnt5-visitor".to_owned()).spawn(move || {
            // A visitor that goes away in the middle is nobody's error.
            let _ = answer(&stream, &shared);
        });
        drop(served);
    }
}

fn answer(stream: &UnixStream, shared: &Shared) -> std::io::Result<()> {
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    // SAFETY: getuid cannot fail and touches no memory.
    if platform::peer_uid(stream)? != unsafe { libc::getuid() } {
        return Ok(());
    }
    let mut line = String::new();
    BufReader::new(stream.take(LONGEST_REQUEST)).read_line(&mut line)?;
    let reply = carry_out(&line, |request| shared.call(request));
    let mut writer = stream;
    writeln!(writer, "{reply}")
}

/// Sends a request to the owner of a store, or, when nobody owns it, carries it out as its owner for this moment.
pub fn visit(directory: &Path, request: &str, timeout: Duration) -> Result<String, Refusal> {
    let unusable = |error: std::io::Error| {
        let message = format!("the owner of {} does not answer: {error}", directory.display());
        Refusal::new("RuntimeUnavailableError", message)
    };
    for _ in 0..2 {
        if let Ok(stream) = UnixStream::connect(socket_path(directory)) {
            return ask_owner(&stream, request, timeout).map_err(unusable);
        }
        let options = Options {
            durability: Durability::Full,
            // A visitor drives nothing; runs it finds interrupted wait for the next owner.
            ask_first: true,
            limits: Limits::default(),
            wake: None,
        };
        match Host::open(directory, options) {
            Ok(host) => return Ok(carry_out(request, |request| host.call(request)).to_string()),
            // Somebody became the owner just now, and serves.
            Err(StoreError::Locked { .. }) => std::thread::sleep(Duration::from_millis(200)),
            Err(error) => return Err(Refusal::from(&error)),
        }
    }
    let message = format!("{} is owned by a process that does not answer on its socket", directory.display());
    Err(Refusal::new("RuntimeUnavailableError", message))
}

fn ask_owner(stream: &UnixStream, request: &str, timeout: Duration) -> std::io::Result<String> {
    stream.set_read_timeout(Some(timeout))?;
    stream.set_write_timeout(Some(timeout))?;
    let mut writer = stream;
    writeln!(writer, "{}", request.replace('\n', " "))?;
    let mut line = String::new();
    BufReader::new(stream.take(LONGEST_REQUEST)).read_line(&mut line)?;
    match line.is_empty() {
        true => Err(std::io::ErrorKind::UnexpectedEof.into()),
        false => Ok(line),
    }
}

/// Beside the store, or, when that path is too long for a socket, in the temporary directory under its digest.
fn socket_path(directory: &Path) -> PathBuf {
    let beside = directory.join("socket");
    if beside.as_os_str().len() <= LONGEST_SOCKET_PATH {
        return beside;
    }
    let whole = directory.canonicalize().unwrap_or_else(|_| directory.to_owned());
    let digest = agnt5_journal::identity::digest(whole.as_os_str().as_encoded_bytes());
    // SAFETY: getuid cannot fail and touches no memory.
    let uid = unsafe { libc::getuid() };
    let name = format!("agnt5-{uid}-{}.sock", agnt5_journal::identity::hex(&digest));
    std::env::temp_dir().join(name)
}
