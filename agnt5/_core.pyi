"""The Rust core: journal, store and engine.

Only `execution`, `runtime`, `worker`, `client` and `cli` import it. `str`, `int` and `bytes` cross, nothing else.
Times are microseconds since 1970 (UTC). Payloads are bytes made by `agnt5.codec`. Every error is raised as the class of
`agnt5.errors` it belongs to.
"""

from typing import Final, final

__version__: Final[str]
sqlite_version: Final[str]

# A notice is a tuple whose first item says what it is; the second is a session's `key` unless said otherwise.
NOTICE_LEASED: Final[int]  # (LEASED, Session)            drive this run
NOTICE_DURABLE: Final[int]  # (DURABLE, key, seq)         entries up to and including seq are durable
NOTICE_ARRIVED: Final[int]  # (ARRIVED, key)              session.take() has something
NOTICE_ENDED: Final[int]  # (ENDED, run_id, status)       status 4 completed, 5 failed, 6 cancelled, 3 paused
NOTICE_LOST: Final[int]  # (LOST, key, class_name, message)  the attempt is dead: fence it, write nothing

Notice = (
    tuple[int, "Session"] | tuple[int, int, int] | tuple[int, int] | tuple[int, str, int] | tuple[int, int, str, str]
)

@final
class Engine:
    """The owner of one store. Thread-safe; whatever can wait releases the GIL."""

    @staticmethod
    def open(
        directory: str,
        *,
        wake_fd: int,
        durability: str = "full",
        recover: str = "auto",
        max_active: int = 1000,
        max_children: int = 10_000,
        max_depth: int = 32,
        max_payload: int = 268_435_456,
    ) -> Engine:
        """Open or create the store in `directory` and own it.

        One byte is written to `wake_fd` (non-blocking; duplicated by the engine) when notices are there to take, and
        not again before they were taken. `durability` is "full" (fsync at every commit) or "process" (a power loss may
        take the last commits; a crash of the process does not). `recover="ask"` leaves interrupted runs alone until
        `resume`. Raises StoreLocked, StoreCorrupt, StoreTooNew, StoreError.
        """
    @property
    def directory(self) -> str: ...
    def serve(self, component: str) -> None:
        """From now on this process can drive runs of `component`; those that wait for it are leased."""
    def start(
        self,
        run_id: str,
        component: str,
        kind: int,
        input: bytes,
        *,
        code: bytes = b"",
        code_digest: bytes = b"",
        python: str = "",
        tags: str = "{}",
        object_key: str = "",
        rerun_of: str = "",
        always: list[str] = ...,
    ) -> bool:
        """Record a new run; returns when it is durable. False: the same run exists already. RunConflict: another does.

        `rerun_of`: an older run whose results answer steps with the same place, arguments and code, except those named
        in `always`.
        """
    def fork(
        self,
        run_id: str,
        origin_id: str,
        at: int,
        *,
        input: bytes | None = None,
        code: bytes = b"",
        code_digest: bytes = b"",
        other_code: bool = False,
        outcomes: dict[str, tuple[int, bytes]] = ...,
        state: dict[str, bytes | None] = ...,
        reuse: bool = False,
        overlay: bool = True,
    ) -> None:
        """Record a run that shares the first entries of another and goes on from there; durable when it returns.

        The cut is at the last position that is not after entry `at`; another `input` shares only the start, and what
        was asked because of the last shared answer is not shared when `other_code` may ask otherwise. `outcomes`
        answers commands after the cut by path: (OUTCOME_VALUE or OUTCOME_FAILURE, payload). `state` sets or deletes
        execution-scoped state there. `reuse`: what was in flight gets the answer it had. `overlay`: object calls act on
        copies. RunNotFound, RunConflict, ConfigurationError (an answer that lies before the cut; a method's run).
        """
    def send_event(
        self, name: str, payload: bytes, *, event_id: str = "", run_id: str = "", keep_us: int = 604_800_000_000
    ) -> bool:
        """False when this event id was seen before. RunNotFound or RunClosed when `run_id` cannot take it."""
    def cancel(self, run_id: str) -> bool:
        """Ask the run to stop. False when it had ended already."""
    def pause(self, run_id: str, reason: str = "") -> None: ...
    def resume(self, run_id: str, *, outcomes: dict[str, tuple[int, bytes]] | None = None) -> bool:
        """Let an interrupted or paused run go on. `outcomes` settles uncertain steps by path: (OUTCOME_VALUE, payload), (OUTCOME_FAILURE, payload), or (OUTCOME_RETRY, b"") to run it again. False when there was nothing to resume."""
    def fail(self, run_id: str, failure: bytes) -> None:
        """End a run that nobody drives as failed (poison input, discarded by a person)."""
    def delete(self, run_id: str) -> None:
        """Remove an ended run and all it kept. RunConflict while it has not ended."""
    def prune(self, before: int) -> int:
        """Delete ended runs that ended before this time; returns how many."""
    def object_state(self, object_key: str) -> bytes | None: ...
    def kick(self) -> None:
        """Let the writer thread commit what sessions submitted."""
    def flush(self) -> list[Notice]:
        """Commit what was submitted on this thread, then take all notices. For a lone run: no thread hop."""
    def notices(self) -> list[Notice]: ...
    def reader(self) -> Reader: ...
    def memory(self) -> Memory: ...
    def live(self) -> int:
        """How many runs have an attempt in this process."""
    def close(self) -> None:
        """Mark live runs interrupted, commit, stop the threads, give the store free. Idempotent."""

@final
class Reader:
    """Reads a store, owned by this process or another. JSON comes back as `str`; payloads as `bytes`."""

    @staticmethod
    def open(directory: str) -> Reader: ...
    def owner(self) -> str:
        """JSON {"pid": int, "started": int} of the living owner, or ""."""
    def runs(
        self,
        *,
        status: int = -1,
        component: str = "",
        since: int = 0,
        id_prefix: str = "",
        parent_id: str = "",
        origin_id: str = "",
        roots: bool = False,
        before: int = 0,
        limit: int = 100,
    ) -> list[RunRow]: ...
    def run(self, run_id: str) -> RunRow | None: ...
    def entries(self, run_id: str, first: int = 0, limit: int = 1000) -> list[Entry]: ...
    def recording(self, run_id: str) -> Recording:
        """The whole journal; StoreCorrupt when a part of it is missing."""
    def entry_count(self, run_id: str) -> int: ...
    def fork_plan(
        self, run_id: str, at: int, other_code: bool = False
    ) -> tuple[int, list[tuple[int, int, int, str]], list[tuple[int, int, int, str]]]:
        """Where a fork would cut: (first entry not shared, what is in flight there, what was answered or asked later).
        Commands are (seq, scope, kind, path); later ones come in the order of their answers."""
    def ending(self, run_id: str) -> Entry | None:
        """The last entry of a run that has ended; cheap however long its journal is."""
    def object_state(self, object_key: str) -> bytes | None: ...
    def events(self, name: str = "", limit: int = 100) -> str:
        """JSON list of kept and expired events."""
    def health(self) -> str:
        """JSON: schema version, sqlite version, journal mode, sizes, quick_check result."""
    def backup(self, path: str) -> None:
        """A consistent copy, made with VACUUM INTO."""

@final
class MemoryRecord:
    """One thing remembered. `value` is bytes made by `agnt5.codec`, `vector` little-endian f32, b"" unless asked for."""

    num: int  # grows in the order in which records of a shelf were first put
    id: str
    label: str
    created: int
    written: int
    revision: int  # another with every put
    used: int  # grows with every put and use
    value: bytes
    vector: bytes

@final
class Memory:
    """What agents remember: records on shelves, one for each namespace and kind of memory. Thread-safe; releases the GIL.

    Of `Engine.memory()` it belongs to the store's owner; `visit` reads a store that another process owns and asks that
    one to write; `scratch` keeps everything in this process, in no store. A change is durable when the call returns.
    """

    @staticmethod
    def visit(directory: str) -> Memory: ...
    @staticmethod
    def scratch() -> Memory: ...
    def put(
        self,
        namespace: str,
        kind: str,
        id: str,
        value: bytes,
        *,
        label: str = "",
        text: str = "",
        vector: bytes = b"",
        embedder: str = "",
        capacity: int = 0,
        expect: int = -1,
    ) -> bool:
        """Put a record in place of the one with its id, and take off what was used longest ago beyond `capacity` (0: no
        limit), at most 250 at once.

        `expect`: only if the record there has this revision (0: only if there is none); False when not. `text` is what it
        is found by. ConfigurationError when another embedder filled the shelf, SerializationError for more than 1 MiB.
        """
    def use_record(self, namespace: str, kind: str, id: str) -> bool:
        """The record is now the one used last; False when it was, or is not there."""
    def delete(self, namespace: str, kind: str, id: str) -> bool: ...
    def clear(self, namespace: str, kind: str) -> int:
        """How many records went; another embedder may fill the shelf now."""
    def shelf(self, namespace: str, kind: str) -> str:
        """JSON {"namespace", "kind", "embedder", "dimension", "count", "trimmed"}, or "" when nothing was ever put."""
    def shelves(self) -> str:
        """JSON list of all of them."""
    def get(self, namespace: str, kind: str, id: str) -> MemoryRecord | None: ...
    def records(
        self,
        namespace: str,
        kind: str,
        *,
        label: str = "",
        since: int = 0,
        before: int = 0,
        by_use: bool = False,
        limit: int = 100,
        vectors: bool = False,
    ) -> list[MemoryRecord]:
        """Newest first, or used last first. `before`: the `num` (or `used`) of the last record of the page before."""
    def search(
        self,
        namespace: str,
        kind: str,
        *,
        text: str = "",
        vector: bytes = b"",
        embedder: str = "",
        label: str = "",
        since: int = 0,
        limit: int = 10,
    ) -> list[tuple[MemoryRecord, float, float | None, float | None]]:
        """(record, score, BM25 or None, cosine or None), best first: ranks by words and by vector, fused."""

@final
class Recording:
    """A whole journal in memory, large payloads included. Frozen."""

    def __len__(self) -> int: ...
    def entries(self, first: int = 0, limit: int = ...) -> list[Entry]: ...
    def save(self, *, status: int, created: int, started: int, ended: int, reason: str, tags: str, agnt5: str) -> bytes:
        """The bytes of a journal file."""
    @staticmethod
    def load(file: bytes) -> tuple[Recording, tuple[int, int, int, int, str, str, str]]:
        """A journal file's entries and (status, created, started, ended, reason, tags, version). StoreCorrupt, StoreTooNew."""
    def cursor(self, end: int = ...) -> Cursor:
        """A replay from the start to before entry `end`."""
    def align(self, other: Recording) -> list[tuple[int | None, int | None, bool, bool, bool, bool]]:
        """Rows: seq of a command here and in the other (None: not there), same input, same answer, same code, moved."""
    @property
    def is_script(self) -> bool:
        """Whether its body is a flow's."""

@final
class Cursor:
    """Replays a journal that is only read: Session's names mean the same. Used from one thread at a time."""

    @property
    def run_id(self) -> str: ...
    @property
    def seen_run_id(self) -> str: ...
    @property
    def component(self) -> str: ...
    @property
    def kind(self) -> int: ...
    @property
    def input(self) -> bytes: ...
    @property
    def seed(self) -> bytes: ...
    @property
    def python(self) -> str: ...
    @property
    def code_digest(self) -> bytes: ...
    @property
    def now(self) -> int: ...
    @property
    def length(self) -> int: ...
    @property
    def position(self) -> int:
        """The next entry that was not replayed."""
    def command(
        self,
        kind: int,
        name: str,
        input: bytes = b"",
        *,
        due: int = 0,
        target: str = "",
        child_kind: int = 0,
        at_most_once: bool = False,
        code: bytes = b"",
    ) -> int:
        """The seq of the recorded command. When the journal has no more, a number above all of them, which nothing will
        ever answer. DivergenceError when another command is recorded."""
    def take(self) -> tuple[int, int, bytes] | None: ...
    def returned(self) -> None:
        """The code has returned. DivergenceError when the journal goes on."""
    def at_value(self) -> bool:
        """Whether the run returned a value here: code that still waits is not the code that did."""
    def state(self, name: str) -> bytes | None: ...
    def state_keys(self) -> list[str]: ...
    def path(self, seq: int) -> str: ...
    def child_id(self, seq: int) -> str: ...
    def idempotency_key(self, seq: int) -> str: ...

@final
class RunRow:
    num: int
    id: str
    component: str
    kind: int
    status: int
    epoch: int
    parent_id: str
    depth: int
    object_key: str
    created: int
    started: int  # 0: not yet
    ended: int
    interrupted: bool
    crashes: int
    reason: str
    tags: str
    origin_id: str  # the run it was forked from, or takes results from; "" when there is none or it was deleted
    origin_seq: int  # of a fork: the first entry that is not shared; 0 for a rerun

@final
class Entry:
    """One journal entry. Fields that its body lacks are 0, "" or b""."""

    seq: int
    at: int
    body: str  # started command completion failed_attempt cancel_requested ended resumed forked
    # started
    run_id: str
    component: str
    component_kind: int
    python: str
    code_digest: bytes
    code: bytes
    parent_id: str
    seed: bytes
    rerun_of: str
    always: list[str]
    fork_of: str  # also of forked
    continues: str  # run that handed over to this one
    shift: int  # of forked: microseconds that the clock of later entries is behind
    # command
    kind: int
    name: str
    path: str
    scope: int
    input: bytes
    due: int
    target: str
    child_id: str  # also of ended: the run that goes on in its place
    at_most_once: bool
    step_code: bytes  # fingerprint of what a step or function would run; b"" when there is none
    # completion, failed_attempt, ended
    command: int
    outcome: int
    payload: bytes
    attempts: int
    began: int
    logs: bytes
    meta: bytes
    retry_at: int
    warnings: list[str]
    reason: str
    reused: int  # seq of the older run's command whose answer this is; 0: its own
    given: bool  # a person's word
    unclaimed: list[int]  # of completion and ended: commands that the last attempt of a function's body did not ask

COMPONENT_FUNCTION: Final = 1
COMPONENT_FLOW: Final = 2
COMPONENT_OBJECT: Final = 3

COMMAND_STEP: Final = 1
COMMAND_CALL: Final = 2
COMMAND_CHILD: Final = 3
COMMAND_OBJECT: Final = 4
COMMAND_SLEEP: Final = 5
COMMAND_WAIT_EVENT: Final = 6
COMMAND_STATE_SET: Final = 7
COMMAND_STATE_DELETE: Final = 8
COMMAND_STATE_GET: Final = 9
COMMAND_SEND_EVENT: Final = 10
COMMAND_CANCEL: Final = 11
COMMAND_START: Final = 12
COMMAND_JOIN: Final = 13

OUTCOME_PENDING: Final = 0
OUTCOME_VALUE: Final = 1
OUTCOME_FAILURE: Final = 2
OUTCOME_FIRED: Final = 3
OUTCOME_TIMED_OUT: Final = 4
OUTCOME_RECEIVED: Final = 5
OUTCOME_CANCELLED: Final = 6
OUTCOME_CANCEL_RUN: Final = 7  # taken with seq 0: somebody asked the run to stop
OUTCOME_RETRY: Final = 8  # taken, never journaled: the retry wait of this step is over, run it again
OUTCOME_CONTINUED: Final = 9  # of a run's end: another run, whose input this is, goes on in its place

@final
class Session:
    """One attempt at driving one run. Used from one thread (the host loop's); calls never wait.

    While `replaying`, commands are matched with the journal and `take` gives recorded completions in recorded order.
    A command that does not match raises DivergenceError (attributes: seq, path, expected, actual) and poisons the session;
    nothing is written.
    """

    @property
    def key(self) -> int: ...
    @property
    def run_id(self) -> str: ...
    @property
    def successor_id(self) -> str:
        """The id of the run that goes on when this one ends with OUTCOME_CONTINUED."""
    @property
    def component(self) -> str: ...
    @property
    def kind(self) -> int: ...
    @property
    def object_key(self) -> str: ...
    @property
    def attempt(self) -> int:
        """1 for the first; grows with every resume after the first. The engine's epoch."""
    @property
    def input(self) -> bytes: ...
    @property
    def seed(self) -> bytes: ...
    @property
    def python(self) -> str:
        """Minor version that recorded the run."""
    @property
    def code_digest(self) -> bytes: ...
    @property
    def replaying(self) -> bool: ...
    @property
    def now(self) -> int:
        """Recorded time of the last completion taken (of the start, before the first)."""
    @property
    def length(self) -> int:
        """Entries in the journal, the ones not committed yet included."""

    def command(
        self,
        kind: int,
        name: str,
        input: bytes = b"",
        *,
        due: int = 0,
        target: str = "",
        child_kind: int = 0,
        at_most_once: bool = False,
        code: bytes = b"",
    ) -> int:
        """A command of a flow's body (a script). Returns its seq. Child ids are derived and readable with `child_id`."""
    def ask(
        self,
        scope: int,
        kind: int,
        name: str,
        input: bytes = b"",
        *,
        due: int = 0,
        target: str = "",
        child_kind: int = 0,
        at_most_once: bool = False,
        code: bytes = b"",
    ) -> tuple[int, int, bytes]:
        """A command of a function's or method's body (a memo): (seq, outcome, payload).

        A recorded outcome answers at once. OUTCOME_PENDING: issue or await its effect under this seq. `due` is not part of
        the memo's key: a sleep that was recorded keeps its recorded end.
        """
    @property
    def parent_id(self) -> str: ...
    def tell_code(self, run_id: str, digest: bytes, source: bytes, python: str) -> None:
        """Of a run that the next submit makes."""
    def begin(self, scope: int, reuse: bool = True) -> int:
        """The body of this CALL (0: of the run itself) starts, again perhaps: memo uses are counted anew, failures recorded under earlier attempts are asked again; without `reuse`, successes too. Returns the attempt, from 1."""
    def settle(
        self, seq: int, outcome: int, payload: bytes, *, logs: bytes = b"", meta: bytes = b"", began: int = 0
    ) -> bool:
        """A local effect (STEP or CALL) finished; `take` will deliver it. False when it was cancelled: result dropped."""
    def retry(self, seq: int, failure: bytes, due: int, *, logs: bytes = b"", began: int = 0) -> bool:
        """An attempt of a local effect failed and the next may start at `due`; then `take` gives OUTCOME_RETRY."""
    @property
    def seen_run_id(self) -> str:
        """The id that code sees here: a fork that replays what it shares sees its parent's."""
    @property
    def reuses(self) -> bool:
        """Whether this is a rerun: an older run's results answer."""
    def attempts(self, seq: int) -> int:
        """Failed attempts of this command that are in the journal."""
    def retry_at(self, seq: int) -> int:
        """When the next attempt may start, 0 if it may now; the largest number when its answer is known and waits for its turn. For commands found unfinished when replay reached the end."""
    @property
    def by_person(self) -> bool:
        """Whether a person resumed this attempt: who does knows that an at-most-once body of the run's own may have run."""
    def is_uncertain(self, seq: int) -> bool:
        """Whether this at-most-once step may have happened already and nobody has decided about it. 0: whether the process ended while the run's own body was under way."""
    def take(self) -> tuple[int, int, bytes] | None:
        """The next completion for the code, journaled by this call when live: (seq of the command, outcome, payload). None: nothing now; when that ends the replay, `replaying` turns False."""
    def rearm(self) -> None:
        """Once, when replay has reached the end: timers, waits and children that the journal awaits are watched again."""
    def submit(self, parked: bool) -> int:
        """Hand all new entries to the engine (group commit). `parked`: no local effect is under way, only durable waits. Returns the last seq handed over. Needs `kick` or `flush` to be committed soon."""
    def end(
        self,
        outcome: int,
        payload: bytes,
        *,
        warnings: list[str] = ...,
        logs: bytes = b"",
        object_state: bytes | None = None,
    ) -> None:
        """The body returned, raised or was cancelled. Appends the last entry and submits; object state commits with it."""
    def pause(self, reason: str) -> None:
        """Stop here and wait for a person's decision (`resume`); nothing is added to the journal."""
    def release(self) -> None:
        """This attempt is over (evicted, or torn down): the engine may lease the run again when it wakes."""
    def path(self, seq: int) -> str: ...
    def child_id(self, seq: int) -> str: ...
    def idempotency_key(self, seq: int) -> str: ...
    def state(self, name: str) -> bytes | None:
        """Execution-scoped state as of the entries taken so far."""
    def state_keys(self) -> list[str]: ...
    def next_recorded(self) -> Entry | None:
        """What the journal expects next while replaying; for messages."""

def digest(data: bytes) -> bytes:
    """16 bytes of BLAKE3: what commands are matched by."""

def retry_delay(
    attempt: int, *, initial_us: int, factor: float, max_interval_us: int, jitter: float, key: bytes
) -> int:
    """Microseconds to wait after failed attempt `attempt` (1 = first). Jitter derives from `key`, so it is the same every time it is asked."""

def derive(seed: bytes, label: str, length: int = 16) -> bytes:
    """Bytes derived from a seed (BLAKE3 key derivation); length up to 1024."""

def new_run_id() -> str:
    """`r_` and 13 random characters of base 32."""

def visit(directory: str, request: str, timeout_us: int = 5_000_000) -> str:
    """Send one JSON request to the owner of a store through its socket, or, when nobody owns it, own it for the moment of the request. Returns the JSON answer; raises what the owner raised.

    Requests: {"do": "event", "name", "payload" (base64), "run_id", "event_id" (or "new_event_id")}, {"do": "cancel"|"pause"|"delete", "run_id"},
    {"do": "resume", "run_id"}, {"do": "prune", "before"}, {"do": "ping"}. `Memory` writes its own ("memory").
    """
