//! Disks that are full, broken or from the future, and what is left after a deletion.

mod common;

use std::fs::{self, OpenOptions};
use std::os::fd::AsRawFd;
use std::os::unix::fs::FileExt;
use std::path::Path;

use agnt5_store::*;
use common::{add_run, event, finish, hash, job, open, record, refusal, segment, within};

#[test]
fn child() {
    let Some((job, dir)) = job() else { return };
    println!();
    match job.as_str() {
        "fill" => fill(&dir),
        "break" => break_the_disk(&dir),
        other => panic!("no job {other}"),
    }
}

fn limit_files(bytes: libc::rlim_t) {
    let limit = libc::rlimit { rlim_cur: bytes, rlim_max: libc::RLIM_INFINITY };
    // SAFETY: plain calls; without the ignored signal the kernel would kill the process instead of failing the write.
    unsafe {
        libc::signal(libc::SIGXFSZ, libc::SIG_IGN);
        assert_eq!(libc::setrlimit(libc::RLIMIT_FSIZE, &limit), 0);
    }
}

/// Writes until there is no room, makes room, goes on with the same handle.
fn fill(dir: &Path) {
    let mut store = open(dir);
    let num = add_run(&mut store, "r");
    limit_files(600_000);
    let mut at = 0;
    let error = loop {
        store.begin().unwrap();
        let written =
            (0..3).try_for_each(|part| store.append(num, &segment(at * 3 + part, 1, vec![7; 20_000])));
        match written.and_then(|()| store.commit()) {
            Ok(()) => at += 1,
            Err(error) => break error,
        }
        assert!(at < 1000, "the limit has no effect");
    };
    store.rollback();
    println!(">{}", error.class());
    println!(">{error}");
    assert!(!error.poisons());
    assert_eq!(store.journal(num, 0, usize::MAX).unwrap().len() as u64, at * 3, "rolled back whole");

    // Still full: refused again, and reading works.
    store.begin().unwrap();
    let again = store.append(num, &segment(at * 3, 1, vec![7; 200_000])).and_then(|()| store.commit());
    assert!(matches!(again, Err(StoreError::Full(_))), "{again:?}");
    store.rollback();

    limit_files(libc::RLIM_INFINITY);
    within(&mut store, |store| store.append(num, &segment(at * 3, 1, vec![7; 200_000])).unwrap());
    println!(">{}", at * 3 + 1);
}

#[test]
fn a_full_disk_names_the_store_and_the_bytes_and_works_again_when_there_is_room() {
    let home = tempfile::tempdir().unwrap();
    let dir = home.path().join("store");
    let said = finish("fill", &dir);
    assert_eq!(said[0], "StoreFull");
    assert!(said[1].contains(dir.canonicalize().unwrap().to_str().unwrap()), "{said:?}");
    assert!(said[1].contains("60000 bytes were to be written"), "{said:?}");
    let store = open(&dir);
    let num = store.run_by_id("r").unwrap().unwrap().num;
    assert_eq!(store.journal(num, 0, usize::MAX).unwrap().len().to_string(), said[2]);
}

/// Puts something that fails differently under SQLite's descriptor of the WAL.
fn break_the_disk(dir: &Path) {
    let mut store = open(dir);
    let num = add_run(&mut store, "r");
    within(&mut store, |store| store.append(num, &segment(0, 1, "acknowledged")).unwrap());
    let wal = fs::canonicalize(dir.join("journal.db-wal")).unwrap();
    // A descriptor without the right to write: EBADF, as arbitrary as any other error of a dying disk.
    let broken = OpenOptions::new().read(true).open("/dev/null").unwrap();
    let mut found = 0;
    for fd in 3..200 {
        if fd_names(fd, &wal) {
            // SAFETY: replaces a descriptor that SQLite owns; that is the point.
            assert_eq!(unsafe { libc::dup2(broken.as_raw_fd(), fd) }, fd);
            found += 1;
        }
    }
    assert!(found > 0);
    store.begin().unwrap();
    let error = store.append(num, &segment(1, 1, "never")).and_then(|()| store.commit()).unwrap_err();
    assert!(matches!(error, StoreError::Io(_)), "{error}");
    assert!(error.poisons());
    assert_eq!(store.begin(), Err(error), "refuses until opened again");
    println!(">{num}");
    // SAFETY: a process whose disk fails does not tidy up.
    unsafe { libc::_exit(0) };
}

fn fd_names(fd: i32, path: &Path) -> bool {
    // SAFETY: fstat writes one stat or fails.
    let here = unsafe {
        let mut stat: libc::stat = std::mem::zeroed();
        (libc::fstat(fd, &mut stat) == 0).then_some((stat.st_dev as u64, stat.st_ino as u64))
    };
    use std::os::unix::fs::MetadataExt;
    let there = fs::metadata(path).unwrap();
    here == Some((there.dev(), there.ino()))
}

#[test]
fn a_failing_disk_is_never_acknowledged_and_stops_the_store() {
    let home = tempfile::tempdir().unwrap();
    let dir = home.path().join("store");
    let num: i64 = finish("break", &dir)[0].parse().unwrap();
    assert_eq!(open(&dir).journal(num, 0, 100).unwrap(), vec![segment(0, 1, "acknowledged")]);
}

fn damage(dir: &Path, from: u64, to: u64) {
    let file = OpenOptions::new().write(true).open(dir.join("journal.db")).unwrap();
    let pages = file.metadata().unwrap().len() / 4096;
    for page in pages * from / 100..pages * to / 100 {
        file.write_all_at(&[0xAA; 512], page * 4096).unwrap();
    }
}

#[test]
fn a_damaged_page_is_reported_and_stops_writes() {
    let home = tempfile::tempdir().unwrap();
    let dir = home.path().join("store");
    let mut store = open(&dir);
    let num = add_run(&mut store, "r");
    within(&mut store, |store| {
        (0..5000).for_each(|at| store.append(num, &segment(at, 1, vec![7; 300])).unwrap());
    });
    drop(store);

    // In the middle of the segments: found when they are read.
    damage(&dir, 30, 50);
    let mut store = open(&dir);
    let Err(StoreError::Corrupt(message)) = store.journal(num, 0, usize::MAX) else { panic!() };
    assert!(message.contains("damaged") && message.contains("store"), "{message}");
    assert!(matches!(store.begin(), Err(StoreError::Corrupt(_))), "no writes into a damaged file");
    assert!(store.run(num).unwrap().is_some(), "what can be read is read");
    drop(store);

    // Where the owner looks first: it does not open, and a visitor saves what there is.
    damage(&dir, 30, 100);
    assert_eq!(refusal(&dir).class(), "StoreCorrupt");
    let visitor = SqliteReader::open(&dir).unwrap();
    assert!(visitor.run(num).unwrap().is_some());
    assert!(matches!(visitor.journal(num, 0, usize::MAX), Err(StoreError::Corrupt(_))));
    assert_ne!(visitor.health().unwrap().quick_check, "ok");
}

#[test]
fn a_file_that_is_no_database_is_refused() {
    let home = tempfile::tempdir().unwrap();
    let dir = home.path().join("store");
    fs::create_dir(&dir).unwrap();
    fs::write(dir.join("journal.db"), vec![b'x'; 8192]).unwrap();
    assert_eq!(refusal(&dir).class(), "StoreCorrupt");
    assert_eq!(SqliteReader::open(&dir).err().unwrap().class(), "StoreCorrupt");
    assert_eq!(fs::read(dir.join("journal.db")).unwrap(), vec![b'x'; 8192], "untouched");
}

#[test]
fn a_newer_schema_is_refused_with_both_versions() {
    let home = tempfile::tempdir().unwrap();
    let dir = home.path().join("store");
    drop(open(&dir));
    let conn = rusqlite::Connection::open(dir.join("journal.db")).unwrap();
    conn.pragma_update(None, "user_version", 7).unwrap();
    drop(conn);
    for error in [refusal(&dir), SqliteReader::open(&dir).err().unwrap()] {
        let StoreError::TooNew(message) = error else { panic!("{error}") };
        assert!(message.contains("version 7") && message.contains("up to 3"), "{message}");
    }
}

#[test]
fn health_tells_how_a_store_is() {
    let home = tempfile::tempdir().unwrap();
    let dir = home.path().join("store");
    let mut store = open(&dir);
    add_run(&mut store, "r");
    let health = SqliteReader::open(&dir).unwrap().health().unwrap();
    assert_eq!(
        (health.schema_version, health.journal_mode.as_str(), health.quick_check.as_str()),
        (3, "wal", "ok")
    );
    assert!(health.wal_bytes > 0 && health.database_bytes > 0);
    drop(store);
    assert!(!dir.join("journal.db-wal").exists(), "a clean close leaves one file");
}

#[test]
fn a_backup_is_a_store_of_its_own_and_never_replaces_a_file() {
    use std::os::unix::fs::PermissionsExt;
    let home = tempfile::tempdir().unwrap();
    let (dir, copy) = (home.path().join("store"), home.path().join("copy"));
    let mut store = open(&dir);
    let num = add_run(&mut store, "r");
    within(&mut store, |store| store.append(num, &segment(0, 2, "in the copy")).unwrap());
    let visitor = SqliteReader::open(&dir).unwrap();
    fs::create_dir(&copy).unwrap();
    let target = copy.join("journal.db");
    visitor.backup(&target).unwrap();
    assert_eq!(fs::metadata(&target).unwrap().permissions().mode() & 0o777, 0o600);
    within(&mut store, |store| store.append(num, &segment(2, 1, "later")).unwrap());

    let StoreError::Unusable(message) = visitor.backup(&target).unwrap_err() else { panic!() };
    assert!(message.contains("exists already"), "{message}");
    assert!(visitor.backup(&home.path().join("no/such/place")).is_err());
    assert_eq!(open(&copy).journal(num, 0, 100).unwrap(), vec![segment(0, 2, "in the copy")]);
}

#[test]
fn what_is_deleted_is_gone_from_every_file() {
    let home = tempfile::tempdir().unwrap();
    let dir = home.path().join("store");
    let mut store = open(&dir);
    let secret = b"the-secret-to-be-forgotten".repeat(40);
    // Incompressible around the secret, so that the blob is stored as it is.
    let mut noise: Vec<u8> =
        (0..3000u32).flat_map(|at| *blake3::hash(&at.to_le_bytes()).as_bytes()).collect();
    noise.splice(500..500, secret[..26].iter().copied());
    let (gone, stays) = (add_run(&mut store, "gone"), add_run(&mut store, "stays"));
    within(&mut store, |store| {
        for at in 0..50 {
            store.append(gone, &segment(at, 1, secret.clone())).unwrap();
            store.append(stays, &segment(at, 1, vec![b'k'; 1000])).unwrap();
        }
        store.append(gone, &segment(50, 1, secret.repeat(40))).unwrap();
        store.put_blob(gone, &hash(&noise), &noise).unwrap();
        let sent = EventRow { target: Some(gone), payload: secret.clone().into(), ..event("e", "mail") };
        store.put_event(&sent).unwrap();
    });
    let traces = || -> usize {
        let files = ["journal.db", "journal.db-wal"].map(|name| fs::read(dir.join(name)).unwrap());
        files.iter().map(|bytes| bytes.windows(26).filter(|part| *part == &secret[..26]).count()).sum()
    };
    // Reading the files here drops the POSIX locks of this process; the guards hold, and nobody else is about.
    assert!(traces() > 0);
    let before = fs::metadata(dir.join("journal.db")).unwrap().len();
    within(&mut store, |store| store.delete_run(gone).unwrap());
    assert_eq!(traces(), 0);
    assert_eq!(store.journal(stays, 0, usize::MAX).unwrap().len(), 50);
    assert!(
        fs::metadata(dir.join("journal.db")).unwrap().len() <= before.max(400_000),
        "space was given back"
    );
    drop(store);
    assert_eq!(SqliteReader::open(&dir).unwrap().health().unwrap().quick_check, "ok");
}

#[test]
fn what_is_forgotten_is_gone_from_every_file_and_from_the_index_of_words() {
    let home = tempfile::tempdir().unwrap();
    let dir = home.path().join("store");
    let mut store = open(&dir);
    let secret = "unforgettableword";
    let words = |at: u32| format!("{secret}{} and plain words", at % 7);
    let shelf = within(&mut store, |store| {
        let shelf = store.put_shelf("ada", "semantic", "", 0).unwrap();
        for at in 0..300 {
            let new = NewRecord { words: words(at), value: words(at).into(), ..record(&at.to_string()) };
            store.put_record(shelf, &new).unwrap();
        }
        let kept = NewRecord { words: "kept and plain words".into(), ..record("kept") };
        store.put_record(shelf, &kept).unwrap();
        shelf
    });
    let traces = || -> usize {
        let files = ["journal.db", "journal.db-wal"].map(|name| fs::read(dir.join(name)).unwrap());
        let found =
            |bytes: &Vec<u8>| bytes.windows(secret.len()).filter(|part| *part == secret.as_bytes()).count();
        files.iter().map(found).sum()
    };
    assert!(traces() > 0);
    within(&mut store, |store| {
        (0..300).for_each(|at| assert!(store.delete_record(shelf, &at.to_string()).unwrap()))
    });
    assert_eq!(traces(), 0, "deleted one by one");
    within(&mut store, |store| {
        let new = NewRecord { words: words(1), value: words(1).into(), ..record("again") };
        store.put_record(shelf, &new).unwrap();
    });
    assert!(traces() > 0);
    within(&mut store, |store| assert_eq!(store.clear_shelf(shelf, 9).unwrap(), 2));
    assert_eq!(traces(), 0, "cleared");
    drop(store);
    assert_eq!(SqliteReader::open(&dir).unwrap().health().unwrap().quick_check, "ok");
}
