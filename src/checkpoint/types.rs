//! Which types of the destination are copies, and of what.

use tokio_postgres::Client;

use super::Writer;
use crate::catalog::TypeName;
use crate::catalog::types::Label;
use crate::error::postgres::from_client;
use crate::error::{Error, Kind, Result, Side};
use crate::sql;
use crate::sql::ask::{self, Typed};

/// A copy of a type.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecordedType {
    /// `pg_type.oid` on the source.
    pub source_oid: u32,
    /// Its name in the destination.
    pub name: TypeName,
    /// walferry made it.
    pub made: bool,
    /// Labels or attributes of the source's type when both were last the same.
    pub members: Vec<Label>,
}

const DOING: &str = "use the bookkeeping tables";

/// The types of a pipeline; none where no walferry of this version has kept books yet.
pub async fn recorded_types(
    client: &Client,
    state_schema: &str,
    pipeline: &str,
) -> Result<Vec<RecordedType>> {
    let failed = |error| from_client(Side::Destination, DOING, &error);
    let known = sql::probe::types_are_recorded(state_schema);
    let known = ask::query_one(client, &known, &[]).await.map_err(failed)?;
    if !known.get::<_, bool>(0) {
        return Ok(Vec::new());
    }
    let statement = sql::checkpoint::select_types(state_schema);
    let rows = ask::query(client, &statement, &[&pipeline]).await;
    let types = rows.map_err(failed)?.into_iter().map(|row| {
        let ids: Vec<u32> = row.get(4);
        let members = ids.into_iter().zip(row.get::<_, Vec<String>>(5));
        RecordedType {
            source_oid: row.get(0),
            name: TypeName::new(row.get::<_, String>(1), row.get::<_, String>(2)),
            made: row.get(3),
            members: members.map(|(id, name)| Label { id, name }).collect(),
        }
    });
    Ok(types.collect())
}

impl Writer {
    /// The types that have a copy.
    pub async fn recorded_types(&self) -> Result<Vec<RecordedType>> {
        recorded_types(&self.client, &self.state_schema, &self.pipeline).await
    }

    /// Runs the statements that make and change types, each with the type that it is about, and
    /// remembers the types, in one transaction.
    ///
    /// # Errors
    /// After one the session is of no more use.
    pub async fn change_types(
        &self,
        statements: &[(TypeName, String)],
        records: &[RecordedType],
    ) -> Result<()> {
        let failed = |error| from_client(Side::Destination, DOING, &error);
        let begun = self.client.batch_execute(sql::apply::BEGIN).await;
        begun.map_err(failed)?;
        for (name, statement) in statements {
            // They hold text from the source's catalog: the extended protocol takes no second
            // statement after the first.
            let done = ask::execute(&self.client, statement, &[]).await;
            done.map_err(|error| {
                let doing = format!("make or change the type {name}");
                from_client(Side::Destination, &doing, &error)
            })?;
        }
        let insert = sql::checkpoint::insert_type(&self.state_schema);
        for record in records {
            let (ids, names): (Vec<u32>, Vec<&str>) = record
                .members
                .iter()
                .map(|member| (member.id, member.name.as_str()))
                .unzip();
            let values: [&dyn Typed; 8] = [
                &self.pipeline,
                &self.fence,
                &record.source_oid,
                &record.name.schema,
                &record.name.name,
                &record.made,
                &ids,
                &names,
            ];
            let inserted = ask::execute(&self.client, &insert, &values).await;
            if inserted.map_err(failed)? != 1 {
                let what = format!(
                    "Another walferry took over the pipeline \"{}\"",
                    self.pipeline
                );
                return Err(Error::new(Kind::Fenced, what).on(Side::Destination));
            }
        }
        let committed = self.client.batch_execute(sql::apply::COMMIT).await;
        committed.map_err(failed)
    }
}
