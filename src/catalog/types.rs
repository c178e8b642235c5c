//! What becomes of a column's type in the destination.
//!
//! ```text
//! definition: what a type is made of ─▶ map: its name there, or text ─▶ difference: steps that
//!                                                          make the copy the same again
//! ```

mod definition;
mod difference;
mod map;

use postgres_protocol::Oid;

pub use definition::{Definition, Label, Order, Part, Sort, definitions};
pub use difference::{Change, Place};
pub use map::{Recorded, Surroundings, Types};

/// Built-in types whose binary form means the same to every supported server: it holds no oids
/// and depends on no setting. Their oids never change. Arrays of them follow in [`ARRAYS`].
const SCALARS: &[Oid] = &[
    16, 17, 18, 19, 20, 21, 23, 25, 26, // bool bytea "char" name int8 int2 int4 text oid
    27, 28, 29, 114, // tid xid cid json
    600, 601, 602, 603, 604, 628, 718, // point lseg path box polygon line circle
    650, 829, 774, 869, // cidr macaddr macaddr8 inet
    700, 701, 790, // float4 float8 money
    1042, 1043, 1082, 1083, 1114, 1184, 1186,
    1266, // bpchar varchar date time(stamp)(tz) interval
    1560, 1562, 1700, 2950, 3220, 3802, // bit varbit numeric uuid pg_lsn jsonb
];

const ARRAYS: &[Oid] = &[
    1000, 1001, 1002, 1003, 1005, 1007, 1009, 1014, 1015, 1016, 1021, 1022, 1028, 199, 651, 719,
    775, 791, 1017, 1018, 1019, 1020, 1027, 629, 1040, 1041, 1115, 1182, 1183, 1185, 1187, 1231,
    1270, 1561, 1563, 2951, 3221, 3807,
];

/// COPY and pgoutput may carry this built-in type in binary between servers of any version.
fn binary_is_portable(type_oid: u32) -> bool {
    SCALARS.contains(&type_oid) || ARRAYS.contains(&type_oid)
}

/// `FirstGenbkiObjectId`: oids below it are the same in every version that has them.
const FIRST_OID_OF_A_VERSION: u32 = 10_000;

/// The type is one of `pg_catalog` that every server knows by this oid, if it knows it.
pub fn is_built_in(oid: u32) -> bool {
    oid < FIRST_OID_OF_A_VERSION
}

/// `pg_type.oid` of text.
pub const TEXT: Oid = 25;
