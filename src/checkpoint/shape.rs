//! Which columns a source table has had: a later look at the source can tell a rename from a new
//! column, and a relation message from before a change can still be read after it.

use std::collections::HashMap;

use tokio_postgres::types::{ToSql, Type};
use tokio_postgres::{Client, Row};

use super::{Loader, Record, Writer};
use crate::catalog::source::{Member, Sending, Shape, ShapeColumn};
use crate::error::postgres::from_client;
use crate::error::{Result, Side};
use crate::sql::checkpoint as sql;

/// The shapes that a source table has had, oldest first.
#[derive(Clone, Debug, Default)]
pub struct Shapes {
    /// The file of the table when it was last compared; `None` when it never was.
    pub filenode: Option<u32>,
    /// Its TOAST table then; `None` when nobody has looked.
    pub toast: Option<u32>,
    /// How it was sent then; `None` when nobody has looked.
    pub sending: Option<Sending>,
    /// The destination follows the last one.
    pub versions: Vec<Vec<ShapeColumn>>,
}

const DOING: &str = "use the bookkeeping tables";

impl Writer {
    /// The shapes of all loaded tables, by the source's oid.
    pub async fn shapes(&self) -> Result<HashMap<u32, Shapes>> {
        let failed = |error| from_client(Side::Destination, DOING, &error);
        let mut shapes: HashMap<u32, Shapes> = HashMap::new();
        let statement = sql::select_sending(&self.state_schema);
        let rows = self.client.query(&statement, &[&self.pipeline]).await;
        for row in rows.map_err(failed)? {
            let shapes = shapes.entry(row.get(0)).or_default();
            (shapes.filenode, shapes.toast) = (row.get(1), row.get(2));
            let words: Option<Vec<String>> = row.get(3);
            shapes.sending = words.map(|words| Sending {
                words,
                members: members(&row),
            });
        }
        let statement = sql::select_columns(&self.state_schema);
        let rows = self.client.query(&statement, &[&self.pipeline]).await;
        for row in rows.map_err(failed)? {
            let (oid, version): (u32, i32) = (row.get(0), row.get(1));
            // of a table that was replaced by another one of its name
            let Some(shapes) = shapes.get_mut(&oid) else {
                continue;
            };
            let version = usize::try_from(version).unwrap_or(0);
            if shapes.versions.len() <= version {
                shapes.versions.resize_with(version + 1, Vec::new);
            }
            shapes.versions[version].push(ShapeColumn {
                attnum: row.get(2),
                name: row.get(3),
                type_oid: row.get(4),
                type_modifier: row.get(5),
                row_version: row.get(6),
                missing: None,
            });
        }
        Ok(shapes)
    }
}

fn members(row: &Row) -> Vec<Member> {
    let (oids, files): (Vec<u32>, Vec<u32>) = (row.get(4), row.get(5));
    let joined: Vec<String> = row.get(6);
    let members = oids.into_iter().zip(files).zip(joined);
    let member = |((oid, filenode), joined)| Member {
        oid,
        filenode,
        joined,
        changed_by: String::new(),
        with_rows: false,
    };
    members.map(member).collect()
}

impl Loader {
    /// Writes down a shape of a table in the open transaction of `client`, in place of any of that
    /// number and after it.
    pub async fn record_shape(
        &self,
        client: &Client,
        oid: u32,
        version: usize,
        shape: &Shape,
    ) -> Result<()> {
        for record in self.shape(oid, version, shape)? {
            record.run(client).await?;
        }
        Ok(())
    }

    /// What writes it down.
    pub fn shape(&self, oid: u32, version: usize, shape: &Shape) -> Result<[Record; 3]> {
        let version = i32::try_from(version).unwrap_or(i32::MAX);
        let columns = || shape.columns.iter();
        let attnums: Vec<i16> = columns().map(|column| column.attnum).collect();
        let names: Vec<&str> = columns().map(|column| column.name.as_str()).collect();
        let types: Vec<u32> = columns().map(|column| column.type_oid).collect();
        let modifiers: Vec<i32> = columns().map(|column| column.type_modifier).collect();
        let row_versions: Vec<&str> = columns().map(|c| c.row_version.as_str()).collect();
        let members = &shape.sending.members;
        let oids: Vec<u32> = members.iter().map(|member| member.oid).collect();
        let files: Vec<u32> = members.iter().map(|member| member.filenode).collect();
        let joins: Vec<&str> = members.iter().map(|m| m.joined.as_str()).collect();
        let [forget, insert, sending] = &self.record_shape;
        let table: [(&(dyn ToSql + Sync), Type); 2] =
            [(&self.pipeline, Type::TEXT), (&oid, Type::OID)];
        let version: [(&(dyn ToSql + Sync), Type); 1] = [(&version, Type::INT4)];
        let columns: [(&(dyn ToSql + Sync), Type); 5] = [
            (&attnums, Type::INT2_ARRAY),
            (&names, Type::TEXT_ARRAY),
            (&types, Type::OID_ARRAY),
            (&modifiers, Type::INT4_ARRAY),
            (&row_versions, Type::TEXT_ARRAY),
        ];
        let sent: [(&(dyn ToSql + Sync), Type); 6] = [
            (&shape.filenode, Type::OID),
            (&shape.toast, Type::OID),
            (&shape.sending.words, Type::TEXT_ARRAY),
            (&oids, Type::OID_ARRAY),
            (&files, Type::OID_ARRAY),
            (&joins, Type::TEXT_ARRAY),
        ];
        Ok([
            Record::new(forget, &[&table[..], &version].concat())?,
            Record::new(insert, &[&table[..], &version, &columns].concat())?,
            Record::new(sending, &[&table[..], &sent].concat())?,
        ])
    }
}
