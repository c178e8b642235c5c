//! Statements of the bookkeeping together with their values, for whichever session has the
//! transaction that they belong to.

use tokio_postgres::Client;
use tokio_postgres::types::{IsNull, ToSql, Type, private::BytesMut, to_sql_checked};

use crate::decode::Cell;
use crate::error::postgres::from_client;
use crate::error::{Error, Kind, Result, Side};

const DOING: &str = "use the bookkeeping tables";

/// A value that is to be sent as one of this type.
pub(super) type Value<'v> = (&'v (dyn ToSql + Sync), Type);

/// Many rows as one value. JSON, since those of some columns are arrays, each of another length.
pub(super) fn array(rows: impl Iterator<Item = serde_json::Value>) -> String {
    serde_json::Value::Array(rows.collect()).to_string()
}

/// A statement and its values, in binary.
pub struct Record {
    /// Its text.
    pub statement: String,
    values: Vec<Encoded>,
}

#[derive(Debug)]
struct Encoded {
    sort: Type,
    /// `None` is NULL.
    bytes: Option<Vec<u8>>,
}

impl Record {
    /// Of a statement that takes these values as `$1` and so on.
    pub(super) fn new(statement: &str, values: &[Value<'_>]) -> Result<Self> {
        let encoded = values.iter().map(|(value, sort)| {
            let mut bytes = BytesMut::new();
            let is_null = value.to_sql_checked(sort, &mut bytes).map_err(|error| {
                let what = format!("Could not {DOING}: {error}");
                Error::new(Kind::Unknown, what).on(Side::Destination)
            })?;
            Ok(Encoded {
                sort: sort.clone(),
                bytes: matches!(is_null, IsNull::No).then(|| bytes.to_vec()),
            })
        });
        Ok(Record {
            statement: statement.to_owned(),
            values: encoded.collect::<Result<_>>()?,
        })
    }

    /// The values, as the wire has them.
    pub fn values(&self) -> impl Iterator<Item = Cell<'_>> + Clone {
        let values = self.values.iter();
        values.map(|value| value.bytes.as_deref().map_or(Cell::Null, Cell::Binary))
    }

    /// Runs it in the open transaction of `client`, in one round trip; the rows that it changed.
    pub async fn run(&self, client: &Client) -> Result<u64> {
        let values = self.values.iter();
        let values: Vec<Value<'_>> = values
            .map(|value| (value as &(dyn ToSql + Sync), value.sort.clone()))
            .collect();
        let done = client.execute_typed(&self.statement, &values).await;
        done.map_err(|error| from_client(Side::Destination, DOING, &error))
    }
}

impl ToSql for Encoded {
    fn to_sql(
        &self,
        _: &Type,
        out: &mut BytesMut,
    ) -> Result<IsNull, Box<dyn std::error::Error + Sync + Send>> {
        let Some(bytes) = &self.bytes else {
            return Ok(IsNull::Yes);
        };
        out.extend_from_slice(bytes);
        Ok(IsNull::No)
    }

    fn accepts(_: &Type) -> bool {
        true
    }

    to_sql_checked!();
}
