//! The wire format, byte for byte, and what happens to every prefix of it.

use proptest::prelude::*;

use super::*;
use crate::fuzz::{Target, fuzz, outcome};
use crate::lsn::Lsn;

fn tuple(cells: &[Cell<'_>]) -> Vec<u8> {
    let mut bytes = u16::try_from(cells.len()).unwrap().to_be_bytes().to_vec();
    for cell in cells {
        cell.encode(&mut bytes);
    }
    bytes
}

fn samples() -> Vec<Vec<u8>> {
    let row = tuple(&[
        Cell::Text(b"1"),
        Cell::Null,
        Cell::Unchanged,
        Cell::Binary(&[0, 1]),
    ]);
    let key = tuple(&[Cell::Text(b"7"), Cell::Null, Cell::Null, Cell::Null]);
    let join = |parts: &[&[u8]]| parts.concat();
    let oid = 77_u32.to_be_bytes();
    vec![
        join(&[
            b"B",
            &9_u64.to_be_bytes(),
            &5_i64.to_be_bytes(),
            &3_u32.to_be_bytes(),
        ]),
        join(&[
            b"C\0",
            &9_u64.to_be_bytes(),
            &12_u64.to_be_bytes(),
            &5_i64.to_be_bytes(),
        ]),
        join(&[b"I", &oid, b"N", &row]),
        join(&[b"U", &oid, b"N", &row]),
        join(&[b"U", &oid, b"K", &key, b"N", &row]),
        join(&[b"D", &oid, b"O", &key]),
        join(&[b"T", &1_u32.to_be_bytes(), &[2], &oid]),
        join(&[
            b"R",
            &oid,
            b"public\0t\0d",
            &1_u16.to_be_bytes(),
            b"\x01id\0",
            &[0; 8],
        ]),
        join(&[b"O", &1_u64.to_be_bytes(), b"origin\0"]),
        join(&[b"Y", &oid, b"public\0mood\0"]),
        join(&[
            b"M\x01",
            &9_u64.to_be_bytes(),
            b"walferry\0",
            &2_u32.to_be_bytes(),
            b"hi",
        ]),
    ]
}

#[test]
fn a_key_change_carries_the_old_key_and_the_new_row() {
    let bytes = samples().swap_remove(4);
    let Ok(Message::Update {
        relation: 77,
        old: Some(old),
        new,
    }) = Message::parse(&bytes)
    else {
        panic!("not an update: {bytes:?}");
    };
    assert_eq!(old.cells().next(), Some(Cell::Text(b"7".as_slice())));
    let cells: Vec<_> = new.cells().collect();
    let expected = [
        Cell::Text(b"1"),
        Cell::Null,
        Cell::Unchanged,
        Cell::Binary(&[0, 1]),
    ];
    assert_eq!(cells, expected);
    assert!(new.has_unchanged() && !old.has_unchanged());
}

#[test]
fn a_commit_gives_the_end_of_its_record() {
    let sample = samples().swap_remove(1);
    let parsed = Message::parse(&sample).unwrap();
    assert_eq!(
        parsed,
        Message::Commit {
            end_lsn: Lsn(12),
            committed_at: 5
        }
    );
}

#[test]
fn a_relation_message_keeps_names_and_identity() {
    let samples = samples();
    let Ok(Message::Relation(relation)) = Message::parse(&samples[7]) else {
        panic!("not a relation");
    };
    assert_eq!(
        (relation.schema.as_str(), relation.name.as_str()),
        ("public", "t")
    );
    assert!(relation.columns[0].in_identity);
}

#[test]
fn every_prefix_and_every_extension_of_a_message_is_an_error() {
    for sample in samples() {
        assert!(Message::parse(&sample).is_ok(), "{sample:?}");
        for end in 0..sample.len() {
            assert!(
                Message::parse(&sample[..end]).is_err(),
                "{sample:?} cut at {end}"
            );
        }
        let longer = [sample.as_slice(), &[0]].concat();
        assert_eq!(Message::parse(&longer), Err(DecodeError::TrailingBytes(1)));
    }
}

#[test]
fn blocks_commits_and_aborts_of_transactions_in_progress_are_told_apart() {
    let xid = 7_u32.to_be_bytes();
    let commit = [
        b"c",
        xid.as_slice(),
        &[0],
        &9_u64.to_be_bytes(),
        &12_u64.to_be_bytes(),
        &5_i64.to_be_bytes(),
    ]
    .concat();
    let abort = [b"A", xid.as_slice(), &8_u32.to_be_bytes()].concat();
    let expected = [
        (
            [b"S", xid.as_slice(), &[1]].concat(),
            InProgress::Start { xid: 7 },
        ),
        (b"E".to_vec(), InProgress::Stop),
        (
            commit,
            InProgress::Commit {
                xid: 7,
                final_lsn: Lsn(9),
                end_lsn: Lsn(12),
                committed_at: 5,
            },
        ),
        (abort, InProgress::Abort { xid: 7, subxid: 8 }),
    ];
    for (bytes, message) in expected {
        assert_eq!(InProgress::parse(&bytes), Ok(Some(message)));
        for end in 0..bytes.len() {
            assert!(InProgress::parse(&bytes[..end]).is_err(), "cut at {end}");
        }
        let longer = [bytes.as_slice(), &[0]].concat();
        assert_eq!(
            InProgress::parse(&longer),
            Err(DecodeError::TrailingBytes(1))
        );
    }
    for sample in samples() {
        assert_eq!(InProgress::parse(&sample), Ok(None));
    }
}

#[test]
fn a_streamed_change_is_the_change_with_its_subtransaction_before_it() {
    // Begin and Commit are in no block, Origin has no subtransaction
    let mut changes = 0;
    for sample in samples() {
        let (tag, rest) = sample.split_first().unwrap();
        let bytes = [&[*tag], 7_u32.to_be_bytes().as_slice(), rest].concat();
        match (tag, Streamed::parse(&bytes)) {
            (b'B' | b'C', streamed) => assert!(streamed.is_err()),
            (b'O', streamed) => assert_eq!(streamed, Ok(None)),
            (_, streamed) => {
                let streamed = streamed.unwrap().unwrap();
                assert_eq!(streamed.subxid(), 7);
                assert_eq!(streamed.message(), Message::parse(&sample));
                assert_eq!(streamed.relation(), (*tag == b'R').then_some(77));
                changes += 1;
            }
        }
    }
    assert_eq!(changes, samples().len() - 3);
}

#[test]
fn a_negative_length_is_refused() {
    let bytes = [
        b"I".as_slice(),
        &[0, 0, 0, 1],
        b"N",
        &[0, 1],
        b"t",
        &[0xFF; 4],
    ]
    .concat();
    assert_eq!(
        Message::parse(&bytes),
        Err(DecodeError::NegativeLength("a column value"))
    );
}

proptest! {
    #[test]
    fn arbitrary_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        let _ = Replication::parse(&bytes);
        let _ = Message::parse(&bytes);
        let _ = InProgress::parse(&bytes);
        let _ = Streamed::parse(&bytes).map(|change| change.map(|change| change.message()));
    }

    #[test]
    fn a_damaged_message_never_panics(
        which in 0..11_usize,
        at in any::<prop::sample::Index>(),
        byte in any::<u8>(),
    ) {
        let mut sample = samples().swap_remove(which);
        let at = at.index(sample.len());
        sample[at] = byte;
        let _ = Message::parse(&sample);
    }
}

/// What is not told apart by an error's text.
fn fault<T>(
    parsed: &Result<T, DecodeError>,
) -> Option<(std::mem::Discriminant<DecodeError>, &str)> {
    let error = parsed.as_ref().err()?;
    let what = match error {
        DecodeError::Truncated(what)
        | DecodeError::NegativeLength(what)
        | DecodeError::NotUtf8(what)
        | DecodeError::UnknownTag { what, .. } => what,
        DecodeError::TrailingBytes(_) | DecodeError::TooManyColumns(_) => "",
    };
    Some((std::mem::discriminant(error), what))
}

#[test]
fn fuzzed_messages_never_panic_nor_take_more_memory_than_twice_their_length() {
    let target = Target {
        name: "Message::parse",
        one_in: 1,
        times: 2,
        samples: samples(),
    };
    fuzz(target, |bytes| {
        let parsed = Message::parse(bytes);
        let rows = match &parsed {
            Ok(Message::Insert { new, .. }) => [Some(*new), None],
            Ok(Message::Update { old, new, .. }) => [Some(*new), *old],
            Ok(Message::Delete { old, .. }) => [Some(*old), None],
            _ => [None, None],
        };
        for row in rows.into_iter().flatten() {
            assert_eq!(row.cells().count(), row.len());
            let has = row.cells().any(|cell| cell == Cell::Unchanged);
            assert_eq!(has, row.has_unchanged());
        }
        let kind = parsed.as_ref().ok().map(std::mem::discriminant);
        let width = rows[0].map(|row| row.len().min(8));
        outcome((kind, width, fault(&parsed)))
    });
}

#[test]
fn fuzzed_frames_never_panic_nor_take_memory() {
    let data = [b"w".as_slice(), &[0; 24], &samples()[2]].concat();
    let target = Target {
        name: "Replication::parse",
        one_in: 1,
        times: 0,
        samples: vec![data, [b"k".as_slice(), &[0; 17]].concat()],
    };
    fuzz(target, |bytes| {
        let parsed = Replication::parse(bytes);
        let kind = parsed.as_ref().ok().map(std::mem::discriminant);
        outcome((kind, fault(&parsed)))
    });
}

#[test]
fn fuzzed_transactions_in_progress_never_panic_nor_take_more_memory_than_twice_their_length() {
    let mut samples: Vec<Vec<u8>> = samples()
        .iter()
        .map(|sample| [&sample[..1], &[0, 0, 0, 8], &sample[1..]].concat())
        .collect();
    samples.push(b"S\0\0\0\x07\x01".to_vec());
    samples.push(b"A\0\0\0\x07\0\0\0\x08".to_vec());
    samples.push([b"c\0\0\0\x07\0".as_slice(), &[0; 24]].concat());
    let target = Target {
        name: "InProgress::parse, Streamed::parse",
        one_in: 1,
        times: 2,
        samples,
    };
    fuzz(target, |bytes| {
        let parsed = InProgress::parse(bytes);
        let kind = parsed
            .as_ref()
            .ok()
            .map(|kind| kind.as_ref().map(std::mem::discriminant));
        let change = Streamed::parse(bytes);
        let message = match &change {
            Ok(Some(change)) => Some(change.message()),
            _ => None,
        };
        let fault_within = message.as_ref().map(fault);
        outcome((kind, fault(&parsed), fault(&change), fault_within))
    });
}
