//! Which columns a source table has had: a later look at the source can tell a rename from a new
//! column, and a relation message from before a change can still be read after it.

use std::collections::HashMap;

use serde_json::json;
use tokio::try_join;
use tokio_postgres::Row;
use tokio_postgres::types::Type;

use super::record::{Value, array};
use super::{Loader, Record, Writer};
use crate::catalog::source::{Member, Sending, Shape, ShapeColumn};
use crate::error::postgres::from_client;
use crate::error::{Result, Side};
use crate::sql::ask::{self, Typed};
use crate::sql::checkpoint as sql;

/// The shapes that a source table has had, oldest first.
#[derive(Clone, Debug, Default)]
pub struct Shapes {
    /// The file of the table when it was last compared; `None` when it never was.
    pub filenode: Option<u32>,
    /// Its TOAST table then; `None` when nobody has looked.
    pub toast: Option<u32>,
    /// Its primary key then; `None` when nobody has looked.
    pub key: Option<u32>,
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
        let sending = sql::select_sending(&self.state_schema);
        let columns = sql::select_columns(&self.state_schema);
        let values: [&dyn Typed; 1] = [&self.pipeline];
        let (sending, columns) = try_join!(
            ask::query(&self.client, &sending, &values),
            ask::query(&self.client, &columns, &values),
        )
        .map_err(failed)?;
        for row in sending {
            let shapes = shapes.entry(row.get(0)).or_default();
            (shapes.filenode, shapes.toast) = (row.get(1), row.get(2));
            shapes.key = row.get(7);
            let words: Option<Vec<String>> = row.get(3);
            shapes.sending = words.map(|words| Sending {
                words,
                members: members(&row),
            });
        }
        for row in columns {
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
                expression: row.get(7),
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
        attached: false,
        with_rows: false,
        replaced: false,
    };
    members.map(member).collect()
}

impl Loader {
    /// What writes down shapes of tables, by the source's oid, in place of any of that number and
    /// after it.
    pub fn shapes(&self, shapes: &[(u32, &Shape)], version: usize) -> Result<[Record; 3]> {
        let version = i32::try_from(version).unwrap_or(i32::MAX);
        let oids: Vec<u32> = shapes.iter().map(|(oid, _)| *oid).collect();
        let columns = shapes.iter().flat_map(|(oid, shape)| {
            let columns = shape.columns.iter();
            columns.map(move |column| {
                json!({
                    "source_oid": oid,
                    "attnum": column.attnum,
                    "name": column.name,
                    "type_oid": column.type_oid,
                    "type_modifier": column.type_modifier,
                    "row_version": column.row_version,
                    "expression": column.expression,
                })
            })
        });
        let sendings = shapes.iter().map(|(oid, shape)| {
            let members = || shape.sending.members.iter();
            json!({
                "source_oid": oid,
                "source_filenode": shape.filenode,
                "source_toast": shape.toast,
                "source_key": shape.key,
                "sent": shape.sending.words,
                "member_oids": members().map(|member| member.oid).collect::<Vec<_>>(),
                "member_files": members().map(|member| member.filenode).collect::<Vec<_>>(),
                "member_joins": members().map(|member| &*member.joined).collect::<Vec<_>>(),
            })
        });
        let (columns, sendings) = (array(columns), array(sendings));
        let pipeline: Value = (&self.pipeline, Type::TEXT);
        let version: Value = (&version, Type::INT4);
        let [forget, insert, sending] = &self.record_shapes;
        Ok([
            Record::new(
                forget,
                &[pipeline.clone(), (&oids, Type::OID_ARRAY), version.clone()],
            )?,
            Record::new(insert, &[pipeline.clone(), (&columns, Type::TEXT), version])?,
            Record::new(sending, &[pipeline, (&sendings, Type::TEXT)])?,
        ])
    }
}
