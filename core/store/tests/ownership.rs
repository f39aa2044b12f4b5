//! One owner, many visitors, whatever other programs and forks do to the files.

mod common;

use std::fs::{self, File};
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::Child;
use std::sync::{PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use agnt5_store::*;
use common::{add_run, finish, job, open, refusal, run, segment, within};

/// A child that is forked while another test is inside SQLite inherits a lock that nobody frees, so tests that fork have
/// this process for themselves.
static FORKING: RwLock<()> = RwLock::new(());

fn beside_others() -> RwLockReadGuard<'static, ()> {
    FORKING.read().unwrap_or_else(PoisonError::into_inner)
}

fn alone() -> RwLockWriteGuard<'static, ()> {
    FORKING.write().unwrap_or_else(PoisonError::into_inner)
}

#[test]
fn child() {
    let Some((job, dir)) = job() else { return };
    println!();
    match job.as_str() {
        "own" => {
            let mut store = open(&dir);
            add_run(&mut store, "of the child");
            println!(">ready");
            std::io::stdout().flush().unwrap();
            std::io::stdin().read_line(&mut String::new()).unwrap();
        }
        "visit" => {
            let visitor = SqliteReader::open(&dir).unwrap();
            println!(">{}", visitor.owner().map_or(0, |owner| owner.process.pid));
            for row in visitor.list_runs(&RunFilter::default()).unwrap() {
                println!(">{}", row.id);
            }
        }
        "try" => println!(">{}", refusal(&dir).class()),
        "take over" => {
            // What only a bug or a vandal does: own it although the record names a living process.
            fs::remove_file(dir.join("owner.json")).unwrap();
            let mut store = open(&dir);
            add_run(&mut store, "of the usurper");
        }
        // Another program with an SQLite of its own, which takes itself for the last user and tidies up.
        "sqlite3" => {
            let conn = rusqlite::Connection::open(dir.join("journal.db")).unwrap();
            let rows: i64 = conn.query_row("SELECT count(*) FROM segments", [], |row| row.get(0)).unwrap();
            println!(">{rows}");
        }
        "nobody" => {
            // SAFETY: plain calls; the test binary runs nothing else now. Root may write anywhere, so become somebody else.
            unsafe {
                if libc::geteuid() == 0 {
                    assert_eq!((libc::setgid(65534), libc::setuid(65534)), (0, 0));
                }
            }
            println!(">{}", refusal(&dir));
        }
        other => panic!("no job {other}"),
    }
}

fn owner_in_another_process(dir: &Path) -> Child {
    let mut child = common::spawn("own", dir);
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    while lines.next().unwrap().unwrap() != ">ready" {}
    child
}

#[test]
fn a_second_owner_hears_the_pid_of_the_first_and_can_read() {
    let _turn = beside_others();
    let home = tempfile::tempdir().unwrap();
    let dir = home.path().join("store");
    let mut child = owner_in_another_process(&dir);

    let StoreError::Locked { pid, message, path } = refusal(&dir) else { panic!() };
    assert_eq!(pid, Some(child.id()));
    assert_eq!(path, dir.canonicalize().unwrap());
    assert!(message.contains(&format!("process {}", child.id())), "{message}");

    let visitor = SqliteReader::open(&dir).unwrap();
    assert_eq!(visitor.owner().unwrap().process.pid, child.id());
    assert!(visitor.owner().unwrap().started > 0);
    assert!(visitor.run_by_id("of the child").unwrap().is_some());

    child.kill().unwrap();
    child.wait().unwrap();
    assert_eq!(visitor.owner(), None);
    let mut store = open(&dir);
    add_run(&mut store, "of the heir");
    assert_eq!(visitor.list_runs(&RunFilter::default()).unwrap().len(), 2);
}

#[test]
fn a_second_open_in_this_process_is_refused_until_the_first_is_closed() {
    let _turn = beside_others();
    let home = tempfile::tempdir().unwrap();
    let dir = home.path().join("store");
    let store = open(&dir);
    let link = home.path().join("by another name");
    std::os::unix::fs::symlink(&dir, &link).unwrap();
    for name in [&dir, &link] {
        let StoreError::Locked { pid, message, .. } = refusal(name) else { panic!() };
        assert_eq!(pid, Some(std::process::id()));
        assert!(message.contains("this process"), "{message}");
    }
    assert_eq!(finish("try", &dir), ["StoreLocked"], "the refused opens did not drop the lock");
    let epoch = store.owner_epoch();
    drop(store);
    assert!(!dir.join("owner.json").exists());
    assert_eq!(open(&dir).owner_epoch(), epoch + 1);
}

#[test]
fn visitors_read_beside_the_owner_in_its_process_and_in_others() {
    let _turn = beside_others();
    let home = tempfile::tempdir().unwrap();
    let dir = home.path().join("store");
    let mut store = open(&dir);
    let inside = SqliteReader::open(&dir).unwrap();
    add_run(&mut store, "one");
    assert!(inside.run_by_id("one").unwrap().is_some());
    assert_eq!(finish("visit", &dir), [std::process::id().to_string(), "one".into()]);
    store.begin().unwrap();
    store.insert_run(&run("uncommitted")).unwrap();
    assert!(inside.run_by_id("uncommitted").unwrap().is_none());
    store.commit().unwrap();
    drop(store);
    assert_eq!(finish("visit", &dir), ["0", "uncommitted", "one"]);
    assert_eq!(inside.list_runs(&RunFilter::default()).unwrap().len(), 2);
}

#[test]
fn there_is_nothing_to_visit_before_there_is_a_store() {
    let _turn = beside_others();
    let home = tempfile::tempdir().unwrap();
    for place in [home.path().to_owned(), home.path().join("missing")] {
        assert!(
            matches!(SqliteReader::open(&place), Err(StoreError::Unusable(message)) if message.contains("no store"))
        );
    }
    assert!(!home.path().join("missing").exists());
}

#[test]
fn who_looks_while_a_store_is_being_made_waits_for_its_tables() {
    let _others = beside_others();
    for _ in 0..20 {
        let home = tempfile::tempdir().unwrap();
        let dir = home.path().join("store");
        std::thread::scope(|scope| {
            let visitor = scope.spawn(|| {
                while !dir.join("journal.db").is_file() {
                    std::hint::spin_loop();
                }
                SqliteReader::open(&dir).map(|visitor| visitor.health().unwrap().schema_version)
            });
            let store = open(&dir);
            assert_eq!(visitor.join().unwrap().unwrap(), 3);
            drop(store);
        });
    }
}

#[test]
fn the_directory_is_private_and_ignored_but_a_full_one_is_left_alone() {
    let _turn = beside_others();
    use std::os::unix::fs::PermissionsExt;
    let home = tempfile::tempdir().unwrap();
    let dir = home.path().join(".agnt5/notebook");
    drop(open(&dir));
    assert_eq!(fs::metadata(&dir).unwrap().permissions().mode() & 0o777, 0o700);
    assert_eq!(fs::read_to_string(dir.join(".gitignore")).unwrap(), "*\n");

    let project = home.path().join("project");
    fs::create_dir(&project).unwrap();
    fs::write(project.join("main.py"), "").unwrap();
    drop(open(&project));
    assert!(!project.join(".gitignore").exists());
}

#[test]
fn a_directory_that_cannot_be_written_is_refused_and_says_why() {
    let _turn = beside_others();
    use std::os::unix::fs::PermissionsExt;
    let home = tempfile::tempdir().unwrap();
    let dir = home.path().join("store");
    fs::create_dir(&dir).unwrap();
    fs::write(dir.join("file"), "").unwrap();
    fs::set_permissions(&dir, fs::Permissions::from_mode(0o555)).unwrap();
    fs::set_permissions(home.path(), fs::Permissions::from_mode(0o755)).unwrap();
    let said = finish("nobody", &dir);
    assert!(said[0].contains("no permission to write"), "{said:?}");
    let StoreError::Unusable(message) = refusal(&dir.join("file")) else { panic!() };
    assert!(message.contains("cannot open"), "{message}");
}

/// `sqlite3.connect(...).close()` in the owner's own process drops every POSIX lock on the file; then another program opens
/// it. In the design this loses commits; here nobody can take itself for the last user.
#[test]
fn locks_dropped_in_this_process_lose_nothing_when_another_program_opens_the_file() {
    let _turn = beside_others();
    let home = tempfile::tempdir().unwrap();
    let dir = home.path().join("store");
    let mut store = open(&dir);
    let num = add_run(&mut store, "r");
    let mut acknowledged = 0;
    for round in 0..10u64 {
        for name in ["journal.db", "journal.db-wal", "journal.db-shm"] {
            drop(File::open(dir.join(name)).unwrap());
        }
        assert_eq!(finish("sqlite3", &dir), [acknowledged.to_string()]);
        let written = store
            .begin()
            .and_then(|()| store.append(num, &segment(round, 1, "x")))
            .and_then(|()| store.commit());
        match written {
            Ok(()) => acknowledged += 1,
            Err(error) => {
                assert!(matches!(error, StoreError::Hijacked(_)), "{error}");
                break;
            }
        }
    }
    // Where the guard lasts nothing is ever taken away; elsewhere the store may have noticed and stopped.
    assert!(acknowledged == 10 || !platform::Guard::LASTS);
    drop(store);
    assert!(open(&dir).journal(num, 0, usize::MAX).unwrap().len() >= acknowledged);
}

#[test]
fn files_that_vanish_or_change_stop_the_store_before_it_acknowledges() {
    let _turn = beside_others();
    for name in ["journal.db", "journal.db-wal", "journal.db-shm"] {
        for replaced in [false, true] {
            let home = tempfile::tempdir().unwrap();
            let dir = home.path().join("store");
            let mut store = open(&dir);
            add_run(&mut store, "before");
            store.begin().unwrap();
            store.insert_run(&run("lost")).unwrap();
            fs::rename(dir.join(name), dir.join("moved")).unwrap();
            if replaced {
                fs::copy(dir.join("moved"), dir.join(name)).unwrap();
            }
            let Err(StoreError::Hijacked(message)) = store.commit() else {
                panic!("{name} was acknowledged")
            };
            let expected = if replaced { "replaced" } else { "deleted" };
            assert!(message.contains(name) && message.contains(expected), "{message}");
            assert!(matches!(store.begin(), Err(StoreError::Hijacked(_))), "poisoned");
        }
    }
}

#[test]
fn a_store_taken_over_by_another_owner_stops_at_its_next_transaction() {
    let _turn = beside_others();
    let home = tempfile::tempdir().unwrap();
    let dir = home.path().join("store");
    let mut store = open(&dir);
    add_run(&mut store, "before");
    // Something in this process reads every file it finds: the lock is gone, but the record still protects us.
    drop(File::open(dir.join("lock")).unwrap());
    assert_eq!(finish("try", &dir), ["StoreLocked"]);

    drop(File::open(dir.join("lock")).unwrap());
    finish("take over", &dir);
    let Err(StoreError::Hijacked(message)) = store.begin() else { panic!() };
    assert!(message.contains("took over"), "{message}");
    assert!(matches!(store.begin(), Err(StoreError::Hijacked(_))));
    drop(store);
    let store = open(&dir);
    let ids: Vec<_> = store.list_runs(&RunFilter::default()).unwrap().into_iter().map(|row| row.id).collect();
    assert_eq!(ids, ["of the usurper", "before"]);
}

#[test]
fn a_forked_child_can_use_nothing_and_harms_nothing() {
    let _turn = alone();
    let home = tempfile::tempdir().unwrap();
    let dir = home.path().join("store");
    let mut store = open(&dir);
    let visitor = SqliteReader::open(&dir).unwrap();
    let num = add_run(&mut store, "r");
    let refused = |error: Option<StoreError>| matches!(error, Some(StoreError::Unusable(text)) if text.contains("fork"));
    // SAFETY: the child calls only what this test is about, then leaves without running anything of the parent.
    let child = unsafe { libc::fork() };
    if child == 0 {
        let all = [
            refused(store.begin().err()),
            refused(store.run(num).err()),
            refused(visitor.run(num).err()),
            refused(SqliteReader::open(&dir).err()),
            refused(SqliteStore::open(&dir, Durability::Full).err()),
        ];
        drop(store);
        drop(visitor);
        let failures = all.iter().filter(|ok| !**ok).count();
        unsafe { libc::_exit(failures as i32) };
    }
    let mut status = 0;
    // SAFETY: waits for the child of the line above.
    assert_eq!(unsafe { libc::waitpid(child, &mut status, 0) }, child);
    assert_eq!(status, 0, "every call of the child was refused");
    within(&mut store, |store| store.append(num, &segment(0, 1, "still ours")).unwrap());
    assert!(dir.join("owner.json").exists());
    assert_eq!(finish("try", &dir), ["StoreLocked"]);
    assert_eq!(visitor.journal(num, 0, 100).unwrap().len(), 1);
}

/// With flock a forked worker kept a killed kernel's lock. Here the heir opens while the fork still lives.
#[test]
fn a_fork_that_outlives_its_parent_does_not_keep_the_store() {
    let _turn = alone();
    let home = tempfile::tempdir().unwrap();
    let dir = home.path().join("store");
    drop(open(&dir));
    let mut pipe = [0; 2];
    // SAFETY: two nested forks that touch nothing but the store and a pipe, and leave by _exit or SIGKILL.
    unsafe {
        assert_eq!(libc::pipe(pipe.as_mut_ptr()), 0);
        let owner = libc::fork();
        if owner == 0 {
            let mut store = SqliteStore::open(&dir, Durability::Full).unwrap();
            add_run(&mut store, "of the dead");
            let worker = libc::fork();
            if worker == 0 {
                // Lives until the test closes its end of the pipe.
                libc::close(pipe[1]);
                libc::read(pipe[0], (&raw mut pipe).cast(), 1);
                libc::_exit(0);
            }
            libc::kill(libc::getpid(), libc::SIGKILL);
        }
        let mut status = 0;
        assert_eq!(libc::waitpid(owner, &mut status, 0), owner);
    }
    let mut store = open(&dir);
    add_run(&mut store, "of the heir");
    drop(store);
    let store = open(&dir);
    assert_eq!(store.list_runs(&RunFilter::default()).unwrap().len(), 2);
    // SAFETY: both ends are ours; closing the second lets the worker go.
    unsafe {
        libc::close(pipe[0]);
        libc::close(pipe[1]);
    }
}
