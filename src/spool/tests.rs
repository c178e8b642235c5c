//! Against a model that keeps everything in lists, with files and little memory.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;
use tokio::runtime::{Builder, Runtime};

use super::*;

fn runtime() -> Runtime {
    Builder::new_current_thread().enable_all().build().unwrap()
}

fn config(directory: &std::path::Path, disk_max: u64) -> Apply {
    Apply {
        batch_rows_max: 1,
        memory_bytes_max: 16 << 10,
        spool_directory: directory.to_owned(),
        spool_bytes_max: disk_max,
        statement_timeout: None,
        lock_timeout: None,
    }
}

/// An Insert of a subtransaction that carries `content`; nobody looks at it here.
fn insert(subxid: u32, content: &[u8]) -> Vec<u8> {
    [b"I", subxid.to_be_bytes().as_slice(), content].concat()
}

fn relation(subxid: u32, oid: u32, content: &[u8]) -> Vec<u8> {
    [
        b"R",
        subxid.to_be_bytes().as_slice(),
        &oid.to_be_bytes(),
        content,
    ]
    .concat()
}

/// As the feed does it: never more than there is room for.
async fn push(spool: &mut Spool, xid: u32, body: &[u8]) -> Result<()> {
    while spool.is_full() {
        spool.written().await?;
    }
    let change = Streamed::parse(body).unwrap().unwrap();
    spool.push(xid, &change, body)
}

async fn replay(spool: &mut Spool) -> Result<Vec<Vec<u8>>> {
    let mut replayed = Vec::new();
    loop {
        match spool.step().unwrap() {
            Step::Change => replayed.push(spool.change().to_vec()),
            Step::Wait => spool.fill().await?,
            Step::End => return Ok(replayed),
        }
    }
}

#[derive(Clone, Debug)]
enum Event {
    Insert { xid: u32, child: u32, size: usize },
    AbortChild { xid: u32, child: u32 },
    Abort { xid: u32 },
    Commit { xid: u32 },
}

fn event() -> impl Strategy<Value = Event> {
    let xid = 1..4_u32;
    let child = 0..4_u32;
    prop_oneof![
        20 => (xid.clone(), child.clone(), 0..700_usize)
            .prop_map(|(xid, child, size)| Event::Insert { xid, child, size }),
        1 => (xid.clone(), child).prop_map(|(xid, child)| Event::AbortChild { xid, child }),
        1 => xid.clone().prop_map(|xid| Event::Abort { xid }),
        1 => xid.prop_map(|xid| Event::Commit { xid }),
    ]
}

/// A subtransaction that was rolled back is never named again: the next one has another number.
fn subxid(lives: &BTreeMap<(u32, u32), u32>, xid: u32, child: u32) -> u32 {
    if child == 0 {
        return xid;
    }
    xid * 1000 + child * 100 + lives.get(&(xid, child)).copied().unwrap_or(0)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]
    #[test]
    fn what_was_not_rolled_back_comes_back_in_order(
        events in proptest::collection::vec(event(), 1..400),
    ) {
        let directory = tempfile::tempdir().unwrap();
        runtime().block_on(async {
            let mut spool = Spool::new(&config(directory.path(), u64::MAX));
            let mut lives = BTreeMap::new();
            let mut model: BTreeMap<u32, Vec<(u32, Vec<u8>)>> = BTreeMap::new();
            for (number, event) in events.into_iter().enumerate() {
                match event {
                    Event::Insert { xid, child, size } => {
                        let subxid = subxid(&lives, xid, child);
                        let mut content = number.to_be_bytes().to_vec();
                        content.resize(8 + size, 7);
                        let body = insert(subxid, &content);
                        push(&mut spool, xid, &body).await.unwrap();
                        model.entry(xid).or_default().push((subxid, body));
                    }
                    Event::AbortChild { xid, child } if child > 0 => {
                        let subxid = subxid(&lives, xid, child);
                        spool.abort(xid, subxid);
                        if let Some(changes) = model.get_mut(&xid) {
                            changes.retain(|(of, _)| *of != subxid);
                            *lives.entry((xid, child)).or_default() += 1;
                        }
                    }
                    Event::AbortChild { .. } => {}
                    Event::Abort { xid } => {
                        spool.abort(xid, xid);
                        model.remove(&xid);
                    }
                    Event::Commit { xid } => {
                        let expected = model.remove(&xid);
                        let standing = expected.as_ref().map(|changes| {
                            let by = changes.iter().map(|(subxid, _)| *subxid);
                            by.filter(|subxid| *subxid != xid).collect::<BTreeSet<_>>()
                        });
                        let known = spool.commit(xid).map(BTreeSet::from_iter);
                        prop_assert_eq!(known, standing);
                        let replayed = replay(&mut spool).await.unwrap();
                        let expected = expected.unwrap_or_default();
                        let expected: Vec<_> = expected.into_iter().map(|(_, b)| b).collect();
                        prop_assert_eq!(replayed, expected);
                    }
                }
                prop_assert!(spool.memory < spool.memory_max + 2048);
            }
            let open: Vec<u32> = model.into_keys().collect();
            for xid in open {
                spool.abort(xid, xid);
            }
            while spool.is_writing() {
                spool.written().await.unwrap();
            }
            prop_assert_eq!((spool.memory, spool.disk, spool.subtransactions), (0, 0, 0));
            Ok(())
        })?;
        prop_assert!(directory.path().read_dir().unwrap().next().is_none(), "a file with a name");
    }
}

#[tokio::test]
async fn a_full_spool_is_an_error_and_so_is_a_directory_that_is_not_there() {
    let directory = tempfile::tempdir().unwrap();
    let fill = async |spool: &mut Spool| -> Result<()> {
        for _ in 0..100 {
            push(spool, 1, &insert(1, &[0; 500])).await?;
        }
        while spool.is_writing() {
            spool.written().await?;
        }
        Ok(())
    };
    let mut spool = Spool::new(&config(directory.path(), 10_000));
    let error = fill(&mut spool).await.unwrap_err();
    assert_eq!(error.kind(), Kind::Spool);
    assert!(error.to_string().contains("spool_max"), "{error}");
    let mut spool = Spool::new(&config(&directory.path().join("missing"), u64::MAX));
    let error = fill(&mut spool).await.unwrap_err();
    assert_eq!(error.kind(), Kind::Spool);
    assert!(error.to_string().contains("missing"), "{error}");
}

#[tokio::test]
async fn a_change_larger_than_all_memory_passes() {
    let directory = tempfile::tempdir().unwrap();
    let mut spool = Spool::new(&config(directory.path(), u64::MAX));
    let bodies = [
        insert(1, &[1]),
        insert(1, &vec![2; 100_000]),
        insert(1, &[3]),
    ];
    for body in &bodies {
        push(&mut spool, 1, body).await.unwrap();
    }
    assert!(spool.bytes() > 100_000);
    assert!(spool.commit(1).is_some());
    assert_eq!(replay(&mut spool).await.unwrap(), bodies);
    assert_eq!(spool.bytes(), 0);
}

#[tokio::test]
async fn what_is_there_is_not_waited_for() {
    let directory = tempfile::tempdir().unwrap();
    let mut spool = Spool::new(&config(directory.path(), u64::MAX));
    let bodies: Vec<Vec<u8>> = (0..100).map(|n| insert(1, &[n; 500])).collect();
    for body in &bodies {
        push(&mut spool, 1, body).await.unwrap();
    }
    assert!(spool.commit(1).is_some());
    let mut replayed = Vec::new();
    loop {
        // once for each that asks, whatever is there
        spool.fill().await.unwrap();
        match spool.step().unwrap() {
            Step::Change => replayed.push(spool.change().to_vec()),
            Step::Wait => {}
            Step::End => break,
        }
    }
    assert_eq!(replayed, bodies);
}

#[tokio::test]
async fn too_many_subtransactions_are_an_error() {
    let directory = tempfile::tempdir().unwrap();
    let mut spool = Spool::new(&config(directory.path(), u64::MAX));
    let last = u32::try_from(SPOOL_SUBTRANSACTIONS_MAX).unwrap() + 1;
    for subxid in 2..=last {
        push(&mut spool, 1, &insert(subxid, &[])).await.unwrap();
        if subxid % 2 == 0 {
            spool.abort(1, subxid);
        }
    }
    // one that is known already
    push(&mut spool, 1, &insert(last, &[])).await.unwrap();
    let error = push(&mut spool, 1, &insert(last + 1, &[])).await;
    assert_eq!(error.unwrap_err().kind(), Kind::Spool);
    // what has ended no longer counts
    spool.abort(1, 1);
    push(&mut spool, 3, &insert(4, &[])).await.unwrap();
}

#[tokio::test]
async fn the_description_that_came_last_holds_after_a_replay() {
    let directory = tempfile::tempdir().unwrap();
    let mut spool = Spool::new(&config(directory.path(), u64::MAX));
    let (old, rolled_back) = (relation(1, 77, b"old"), relation(11, 77, b"undone"));
    push(&mut spool, 1, &old).await.unwrap();
    // meanwhile an ordinary transaction has another one
    spool.describe(b"R\0\0\0\x4dnew");
    push(&mut spool, 1, &rolled_back).await.unwrap();
    spool.abort(1, 11);
    push(&mut spool, 2, &relation(2, 78, b"two")).await.unwrap();
    push(&mut spool, 3, &relation(3, 78, b"three"))
        .await
        .unwrap();
    assert!(spool.commit(1).is_some());
    let replayed = replay(&mut spool).await.unwrap();
    assert_eq!(replayed, [old, relation(0, 77, b"new")]);
    assert!(spool.commit(3).is_some());
    let three = relation(3, 78, b"three");
    assert_eq!(
        replay(&mut spool).await.unwrap(),
        std::slice::from_ref(&three)
    );
    // it came before, and commits after
    assert!(spool.commit(2).is_some());
    let replayed = replay(&mut spool).await.unwrap();
    assert_eq!(replayed, [relation(2, 78, b"two"), three]);
}
