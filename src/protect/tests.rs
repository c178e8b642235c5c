//! When a copy is made anew, and when only the books change.

use super::*;

fn column(treatment: Treatment, matched: &str) -> ProtectedColumn {
    ProtectedColumn {
        treatment,
        matched: ["public", "users", matched].map(str::to_owned),
        reason: Reason::Named,
        is_sent: true,
    }
}

fn protection(columns: &[(i16, Treatment, &str)]) -> Protection {
    let columns = columns.iter().cloned();
    Protection {
        columns: columns
            .map(|(attnum, treatment, matched)| (attnum, column(treatment, matched)))
            .collect(),
    }
}

fn recorded(protection: &Protection) -> Vec<Recorded> {
    let columns = protection.columns();
    let columns = columns.map(|(attnum, column)| Recorded {
        attnum,
        matched: column.matched.clone(),
        treatment: column.recorded(),
    });
    columns.collect()
}

fn hash(salt: &str) -> Treatment {
    Treatment::Hash(Hasher::new(salt.as_bytes()))
}

#[test]
fn a_copy_is_loaded_again_when_its_values_would_come_out_otherwise() {
    let was = protection(&[(1, hash("a"), "email"), (2, Treatment::LeaveOut, "ssn")]);
    let books = recorded(&was);
    let had = |attnum| attnum <= 3;
    assert!(!was.differs(&books, had));
    let others = [
        protection(&[(1, hash("b"), "email"), (2, Treatment::LeaveOut, "ssn")]),
        protection(&[(1, hash("a"), "email"), (2, Treatment::Mask(None), "ssn")]),
        protection(&[(1, hash("a"), "email")]),
        protection(&[
            (1, hash("a"), "email"),
            (2, Treatment::LeaveOut, "ssn"),
            (3, Treatment::LeaveOut, "note"),
        ]),
    ];
    for other in others {
        assert!(other.differs(&books, had), "{other:?}");
    }
    let new_column = protection(&[
        (1, hash("a"), "email"),
        (2, Treatment::LeaveOut, "ssn"),
        (4, hash("a"), "phone"),
    ]);
    assert!(!new_column.differs(&books, had));
    assert!(!new_column.is_recorded(&books));
}

#[test]
fn another_name_alone_is_written_down_and_loads_nothing_again() {
    let was = protection(&[(1, hash("a"), "email")]);
    let now = protection(&[(1, hash("a"), "mail")]);
    assert!(!now.differs(&recorded(&was), |_| true));
    assert!(!now.is_recorded(&recorded(&was)));
    assert!(now.is_recorded(&recorded(&now)));
}
