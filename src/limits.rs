//! Every bound that walferry keeps, in one place; the unit is the last word of each name.

use std::time::Duration;

/// Longest identifier PostgreSQL stores (`NAMEDATALEN - 1`); longer names are refused, never cut,
/// but for those that walferry makes of others for indexes.
pub const IDENTIFIER_BYTES_MAX: usize = 63;

/// Largest frame the wire may announce: PostgreSQL's own allocation limit of 1 GiB plus framing.
pub const FRAME_BYTES_MAX: usize = (1 << 30) + (1 << 20);

/// Columns that a Relation message may have (`MaxTupleAttributeNumber`).
pub const RELATION_COLUMNS_MAX: usize = 1_664;

/// Columns that a table may have (`MaxHeapAttributeNumber`), also one that rows are staged in.
pub const TABLE_COLUMNS_MAX: usize = 1_600;

/// Relations that are gone and that one replication session may have described; with more, the next
/// change of what is followed opens another session.
pub const RELATIONS_GONE_MAX: usize = 10_000;

/// How much is read from a server at once.
pub const READ_BYTES: usize = 256 << 10;

/// How much of the replication stream is read before any of it is looked at.
pub const STREAM_READ_BYTES: usize = 1 << 20;

/// Size of the pieces in which the initial load hands COPY data to the destination.
pub const COPY_CHUNK_BYTES: usize = 256 << 10;

/// Room beyond that for the row with which a piece ends; a larger row has the piece copied once.
pub const COPY_ROW_BYTES: usize = 64 << 10;

/// COPY pieces of one table that may wait between reader and writer during the initial load.
pub const COPY_CHUNKS_WAITING_MAX: usize = 4;

/// Blocks of a table for each range that is copied by itself (32 MiB of 8 KiB blocks); a table of
/// less than twice that is copied whole. The ranges of a table are of one size, so they may be
/// smaller than this by what it takes to give each worker as many. Large values that the heap holds
/// elsewhere (TOAST) count as its blocks.
pub const RANGE_PAGES_MIN: u64 = 4_096;

/// Blocks of a range at most (1 GiB): what one transaction loads, and what a fault costs.
pub const RANGE_PAGES_MAX: u64 = 131_072;

/// Ranges of a table for each worker, so that all workers end at about the same time.
pub const RANGES_PER_WORKER: u64 = 4;

/// Ranges that one heap is split into at most.
pub const RANGES_PER_SEGMENT_MAX: u64 = 16_384;

/// Small tables that are loaded in one transaction.
pub const PACK_TABLES_MAX: usize = 64;

/// Bytes of small tables that are loaded in one transaction.
pub const PACK_BYTES_MAX: u64 = 16 << 20;

/// How long a worker that reads several tables at once waits for a lock that somebody holds on one
/// of them: who waits for one of the others in turn must not be told of a deadlock, which a server
/// looks for after a `deadlock_timeout` of 1 s.
pub const LOAD_LOCK_WAIT: Duration = Duration::from_millis(10);

/// How often such a job is tried.
pub const LOAD_LOCK_ATTEMPTS_MAX: u32 = 100;

/// How long the worker waits before it goes on.
pub const LOAD_LOCK_PAUSE: Duration = Duration::from_secs(1);

/// How often a job of the initial load is tried again after it has failed on the source.
pub const JOB_ATTEMPTS_MAX: u32 = 5;

/// How long a worker of the initial load waits before it tries again; for a destination that is
/// away, as long as that has been away, up to [`BACKOFF_MAX`].
pub const JOB_RETRY_PAUSE: Duration = Duration::from_millis(500);

/// How long a destination may be away before a job is not tried any more: longer than a restart, a
/// crash recovery or a failover takes. The snapshot is held on the source meanwhile.
pub const JOB_OUTAGE_MAX: Duration = Duration::from_mins(10);

/// How long a load waits for whoever still works on what an unfinished one has left: the server
/// notices within a second that a daemon has died (14+).
pub const HIDDEN_LOCK_MAX: Duration = Duration::from_secs(5);

/// Changes after which an idle applier is given a part of a transaction that is still coming.
pub const PART_CHANGES_MIN: u64 = 10_000;

/// Rows of a table that are written by a statement each; more go through COPY.
pub const SINGLE_ROWS_MAX: usize = 8;

/// So many rows at least are reached by reading the part of the index between them.
pub const DENSE_ROWS_MIN: u64 = 64;

/// So many neighbours at least that change as a whole are deleted and inserted: their pages have no
/// room for all their new versions.
pub const REPLACED_ROWS_MIN: u64 = 1_000;

/// There may be fewer numbers than this for each of them between the first and the last one.
pub const DENSE_KEYS_MAX: u64 = 3;

/// What may wait to be written to the applier's session before its answers are looked at.
pub const FLIGHT_BACKLOG_BYTES: usize = 256 << 10;

/// Commits whose flush is waited for one by one; more are taken together.
pub const UNFLUSHED_COMMITS_MAX: usize = 1_024;

/// Staged bytes after which a staging table is truncated instead of emptied by DELETE.
pub const STAGE_DEAD_BYTES_MAX: u64 = 1 << 20;

/// Memory that an applied batch had for rows, keys or the index of a table is kept for a later one,
/// unless less than one in so many parts of it was used.
pub const SPARE_SHARE_MAX: usize = 4;

/// Tables that one batch changes: each may need a staging table, and locks.
pub const BATCH_TABLES_MAX: usize = 200;

/// Staging tables one applier session keeps before it makes room by dropping them all.
pub const STAGES_MAX: usize = 500;

/// Prepared statements one applier session keeps before it forgets them all.
pub const STATEMENTS_MAX: usize = 2_000;

/// Rows that a table gets before joins with it are planned anew.
pub const PLAN_ROWS_MAX: u64 = 1_000;

/// Size of the pieces in which transactions in progress go to disk and come back.
pub const SPOOL_PIECE_BYTES_MAX: usize = 1 << 20;

/// Open transactions that have a file each.
pub const SPOOL_FILES_MAX: usize = 256;

/// `check` warns when the spool's disk has less left, unless the spool may not take that much.
pub const SPOOL_ROOM_MIN: u64 = 1 << 30;

/// Subtransactions of open transactions that have to be kept in mind.
pub const SPOOL_SUBTRANSACTIONS_MAX: usize = 1 << 18;

/// Subtransactions whose end the source is asked for at once.
pub const XACT_STATUS_BATCH: usize = 10_000;

/// How long a question about subtransactions that found no answer waits for its next try.
pub const XACT_STATUS_PAUSE: Duration = Duration::from_secs(2);

/// How long large transactions are left to the source after the spool could not take one, or are
/// applied at their commit after one could not be applied before.
pub const SPOOL_REST: Duration = Duration::from_hours(1);

/// So often in `MISFIT_LOADS_SPAN` a table is loaded again because a row fitted none of its shapes.
pub const MISFIT_LOADS_MAX: usize = 16;

/// See `MISFIT_LOADS_MAX`.
pub const MISFIT_LOADS_SPAN: Duration = Duration::from_hours(1);

/// How long a transaction that is applied while it is in progress waits for a lock.
pub const AHEAD_LOCK_MAX: Duration = Duration::from_secs(5);

/// How long a transaction that is applied while it is in progress may send nothing.
pub const AHEAD_IDLE_MAX: Duration = Duration::from_secs(10);

/// How often the reader tells the source where it stands, whatever the applier does, and asks it
/// for a reply.
pub const FEEDBACK_INTERVAL: Duration = Duration::from_secs(5);

/// How often a transactional message keeps an otherwise idle slot moving.
pub const HEARTBEAT_INTERVAL: Duration = Duration::from_secs(10);

/// How often the source is asked where its WAL ends and what the slot retains.
pub const SLOT_WATCH_INTERVAL: Duration = Duration::from_secs(2);

/// How often the publication is looked at: a new table without writes is noticed that late.
pub const PUBLICATION_WATCH_INTERVAL: Duration = Duration::from_secs(4);

/// Tables that are loaded beside the stream together; the others come after them.
pub const TABLESYNC_TABLES_MAX: usize = 250;

/// As many while no table is live yet, so that nobody waits for them: each group ends with a start,
/// which looks at all tables there are.
pub const TABLESYNC_FIRST_TABLES_MAX: usize = 800;

/// One such table for so many locks that the destination has room for: the transaction that brings
/// them to their places takes a few for each.
pub const TABLESYNC_LOCKS_SHARE: usize = 8;

/// Bytes of such tables that are loaded together, unless a single one is larger: what a fault can
/// throw away.
pub const TABLESYNC_BYTES_MAX: u64 = 2 << 30;

/// A table that is loaded beside the stream has this much log left to apply when the stream begins
/// to wait for it.
pub const TABLESYNC_NEAR_BYTES: u64 = 128 << 10;

/// While it does not come that near, [`TABLESYNC_NEAR_BYTES`] doubles each time this has passed.
pub const TABLESYNC_PATIENCE: Duration = Duration::from_secs(5);

/// But not beyond this.
pub const TABLESYNC_NEAR_BYTES_MAX: u64 = 64 << 20;

/// How long the stream waits for such a table at first before it goes on, to wait again later;
/// twice as long each time.
pub const TABLESYNC_HOLD_MIN: Duration = Duration::from_secs(1);

/// But not longer than this.
pub const TABLESYNC_HOLD_MAX: Duration = Duration::from_secs(30);

/// How often the load beside the stream asks the source where its slot is.
pub const TABLESYNC_ASK_INTERVAL: Duration = Duration::from_millis(50);

/// How long the stream waits at first for readers that hold the lock of a copy that is to go, or is
/// small (see [`KEY_IN_PLACE_BYTES_MAX`]) and to change. Then it goes on: to wait again later,
/// twice as long, or to load such a table again costs little.
pub const RESHAPE_LOCK_MIN: Duration = Duration::from_millis(300);

/// How long the stream waits for readers that hold the lock of a copy whose shape, name or place
/// changes; then it goes on, and what has to be done is done otherwise or later. Longer than a
/// server's `deadlock_timeout` of 1 s, after which an autovacuum that is in the way is cancelled.
pub const RESHAPE_LOCK_MAX: Duration = Duration::from_millis(1_200);

/// As long the stream waits where only that helps: views stand on the copy, so that no other can
/// take its place. Then the round begins again.
pub const RESHAPE_LOCK_UNDER_VIEWS_MAX: Duration = Duration::from_secs(10);

/// How long indexes are named one by one after tables have taken their places, where they could not
/// all be named at once; those that are left keep the names under which they were made.
pub const INDEX_NAMES_MAX: Duration = Duration::from_secs(5);

/// How long it goes on before it waits for them again.
pub const RESHAPE_AGAIN_PAUSE: Duration = Duration::from_secs(5);

/// Bytes of a table whose new primary key is built while the stream waits; a larger one is loaded
/// again beside the stream, with its key.
pub const KEY_IN_PLACE_BYTES_MAX: u64 = 32 << 20;

/// So many times in a row the catalogs are read once more because rows did not fit; then their
/// tables are loaded again at once.
pub const MISFITS_MAX: usize = 16;

/// How often the columns of the publication's tables are looked at: a change without a row after it
/// is noticed that late. Less often where looking takes more than a fiftieth of that.
pub const SHAPE_WATCH_INTERVAL: Duration = Duration::from_secs(6);

/// How long a statement on the source waits for a lock that somebody else holds on a table.
pub const SOURCE_LOCK_MAX: Duration = Duration::from_secs(15);

/// How long a look at the catalogs waits until a transaction that was received is seen there.
pub const COMMIT_SEEN_MAX: Duration = Duration::from_secs(2);

/// Pause between two questions for that.
pub const COMMIT_SEEN_PAUSE: Duration = Duration::from_millis(10);

/// How long a question to the source's catalog may keep the stream waiting.
pub const CATALOG_ANSWER_MAX: Duration = Duration::from_secs(20);

/// Shortest time between two warnings that the slot runs out of WAL.
pub const SLOT_WARNING_INTERVAL: Duration = Duration::from_mins(1);

/// Shortest time between two checkpoints that only move the position of an idle pipeline.
pub const IDLE_CHECKPOINT_INTERVAL: Duration = Duration::from_secs(10);

/// How long the replication stream may be silent at least before it is taken for dead; longer where
/// `silence_timeout` is. A walsender that decodes a large transaction of which it has nothing to
/// send looks at us only after half of `wal_sender_timeout`.
pub const STREAM_SILENCE_MIN: Duration = Duration::from_secs(45);

/// What we ask the source to use as `wal_sender_timeout` (12+).
pub const WAL_SENDER_TIMEOUT: Duration = Duration::from_mins(1);

/// How long a reader that is behind lets the rows pile up before it reads again.
pub const GULP_PAUSE: Duration = Duration::from_millis(30);

/// It is behind when so many bytes came within that time.
pub const BEHIND_BYTES_MIN: usize = 64 << 10;

/// After a read of at least this many bytes a reader that is behind looks whether more comes.
pub const GULP_BYTES_MIN: usize = 16 << 10;

/// How long it waits for that.
pub const GULP_PATIENCE: Duration = Duration::from_millis(1);

/// What the replication connection's socket takes in ahead of its reader, where the source is near:
/// rows that find no room wait at the source, together.
pub const STREAM_BACKLOG_BYTES: usize = 64 << 10;

/// A source that answers a trivial statement within this time is near.
pub const NEAR_ANSWER_MAX: Duration = Duration::from_millis(2);

/// Shortest pause between two attempts to reach a server.
pub const BACKOFF_MIN: Duration = Duration::from_millis(200);

/// Longest pause between two attempts to reach a server.
pub const BACKOFF_MAX: Duration = Duration::from_secs(10);

/// How long a start, or `walferry teardown`, waits for the writer lock and the slot of a
/// predecessor whose sessions are still ending. A destination of 14 and later finds a client dead
/// within a second.
pub const PREDECESSOR_WAIT_MAX: Duration = Duration::from_secs(3);

/// Pause between two tries at either.
pub const PREDECESSOR_POLL: Duration = Duration::from_millis(25);

/// How long SIGTERM waits for the transaction that is half received and the batch in flight.
pub const DRAIN_MAX: Duration = Duration::from_secs(20);

/// How long a session may take to end in good order.
pub const GOODBYE_MAX: Duration = Duration::from_secs(2);

/// How long a temporary or permanent slot may take to be created: long transactions delay it.
pub const SLOT_CREATION_MAX: Duration = Duration::from_mins(10);

/// Concurrent HTTP connections that the observability listener serves.
pub const HTTP_CONNECTIONS_MAX: usize = 64;

/// How long a client of the observability listener may take for one request.
pub const HTTP_REQUEST_MAX: Duration = Duration::from_secs(10);

/// Bytes that the request line and headers of one HTTP request may hold together.
pub const HTTP_HEAD_BYTES_MAX: usize = 16 << 10;

/// How often a token file and the endpoint's certificate are read again.
pub const HTTP_FILES_INTERVAL: Duration = Duration::from_secs(10);

/// How often a program is asked again for the endpoint's token.
pub const HTTP_TOKEN_COMMAND_INTERVAL: Duration = Duration::from_mins(5);

/// Characters that the endpoint's token has at least: nothing else slows down who tries them all.
pub const HTTP_TOKEN_BYTES_MIN: usize = 16;

/// Size of the answer that `walferry status` is willing to read.
pub const STATUS_BYTES_MAX: usize = 64 << 20;

/// How often `/status` watchers, the terminal and systemd look at the pipeline again.
pub const STATUS_INTERVAL: Duration = Duration::from_secs(1);

/// How often the initial load writes its progress to the log where there is no terminal.
pub const PROGRESS_LOG_INTERVAL: Duration = Duration::from_secs(10);

/// Tables that have a bar of their own on the terminal at once.
pub const PROGRESS_BARS_MAX: usize = 8;

/// Time without one turn of the pipeline's loop after which it counts as stuck.
pub const LOOP_SILENCE_MAX: Duration = Duration::from_secs(30);

/// How often histograms are drained, so that they stay small when nobody scrapes.
pub const METRICS_UPKEEP_INTERVAL: Duration = Duration::from_secs(5);

/// Bytes a password file, a password command or a key file may hold.
pub const SECRET_BYTES_MAX: usize = 64 << 10;

/// Bytes a `passfile` may hold.
pub const PASSFILE_BYTES_MAX: u64 = 1 << 20;

/// Largest message before the login is over: nobody has proven yet who they are.
pub const LOGIN_MESSAGE_BYTES_MAX: usize = 64 << 10;

/// All that a server may say on a SQL session until the login is over; its driver keeps it.
pub const LOGIN_BYTES_MAX: usize = 1 << 20;

/// Memory for the rows of an answer to a statement on a connection of our own.
pub const ANSWER_BYTES_MAX: usize = 64 << 20;

/// Bytes of a message that are shown when it came before anybody had to prove who they are.
pub const UNTRUSTED_BYTES_MAX: usize = 200;

/// Fewest bytes of a salt: with less, a hash is undone by trying.
pub const SALT_BYTES_MIN: usize = 16;

/// So often in `silence_timeout` SSH servers are asked for a sign of life;
/// and so often a server that owes an answer is called in vain before its session is given up.
pub const SILENCE_QUESTIONS: u32 = 3;

/// How soon somebody who waits for an answer has to come again when woken: else nobody waits.
pub const SILENCE_ROUSING: Duration = Duration::from_secs(1);

/// How long a password command may run.
pub const PASSWORD_COMMAND_MAX: Duration = Duration::from_secs(30);

/// Silence on a TCP connection after which the kernel starts to ask whether the peer is there.
pub const TCP_KEEPALIVE_IDLE: Duration = Duration::from_secs(20);

/// How often it asks.
pub const TCP_KEEPALIVE_INTERVAL: Duration = Duration::from_secs(5);

/// Unanswered questions after which the connection is over.
pub const TCP_KEEPALIVE_PROBES: u32 = 4;

/// SSH handshakes and logins that go on at one server at the same time; sshd turns away what is
/// above its `MaxStartups`.
pub const SSH_HANDSHAKES_MAX: usize = 2;

/// How long a connection waits for its turn at an SSH server.
pub const SSH_TURN_MAX: Duration = Duration::from_mins(2);

/// How often an SSH server is called that hangs up before the session begins.
pub const SSH_STARTUP_ATTEMPTS_MAX: u32 = 5;

/// How long the first pause between two such calls is; each later one is twice as long.
pub const SSH_STARTUP_PAUSE: Duration = Duration::from_millis(200);

/// SSH servers that a connection may pass on its way.
pub const SSH_HOPS_MAX: usize = 8;

/// Bytes that an SSH server may send without our leave, so what one round trip can carry: as many
/// for each millisecond that it takes to answer.
pub const SSH_WINDOW_PER_MILLISECOND_BYTES: u32 = 256 << 10;

/// As many at least; what OpenSSH's own client lets a server send.
pub const SSH_WINDOW_BYTES_MIN: u32 = 2 << 20;

/// As many at most. sshd reads ahead as much, into a buffer that it makes larger piece by piece and
/// moves each time, so that twice the window costs it four times the work.
pub const SSH_WINDOW_BYTES_MAX: u32 = 8 << 20;

/// Bytes of data that one SSH packet may hold; what every SSH server has to manage.
pub const SSH_PACKET_BYTES: u32 = 32 << 10;

/// Bytes that an SSH session takes in ahead of the reader of its stream.
pub const SSH_BACKLOG_BYTES_MAX: usize = 2 << 20;

/// Packets of one stream that may wait for its reader.
pub const SSH_PACKETS_WAITING_MAX: usize = 1 << 16;

/// Keys of an SSH agent that are offered; sshd hangs up after `MaxAuthTries`, which is 6.
pub const SSH_AGENT_KEYS_MAX: usize = 5;

/// Bytes a `known_hosts` file may hold.
pub const KNOWN_HOSTS_BYTES_MAX: usize = 16 << 20;

const _: () = assert!(SOURCE_LOCK_MAX.as_secs() < CATALOG_ANSWER_MAX.as_secs());
const _: () = assert!(FEEDBACK_INTERVAL.as_secs() * 2 < STREAM_SILENCE_MIN.as_secs());
const _: () = assert!(WAL_SENDER_TIMEOUT.as_secs() / 2 < STREAM_SILENCE_MIN.as_secs());
const _: () = assert!(STREAM_SILENCE_MIN.as_secs() < WAL_SENDER_TIMEOUT.as_secs());
