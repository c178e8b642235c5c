//! What a table's rows on the wire depend on besides its columns: how the publications send it, and
//! which partitions it is made of.
//!
//! Nothing of it sends a message when it changes, and what is written meanwhile may never come. So
//! it is written down with each table that is loaded, and compared whenever the catalogs are read.
//!
//! **Words** say why a table is sent: `table` and `part` (with a row filter or a column list) with
//! the oid of its row in `pg_publication_rel`, `schema` with that of `pg_publication_namespace` and
//! the version of the row that puts the table there, `all`; each with the publication, what that
//! sends, and the version of its own row. A changed filter or list, and a table that leaves and
//! comes back, get another row and so another word. So does a publication that stops sending
//! something and begins again: its row has another version, as after OWNER TO, but not after ADD,
//! SET or DROP TABLE. Before a word stands the way up to
//! the partitioned table that it is said of, if it is not the table itself.
//!
//! **Members** are the partitions of a table that is sent as one. The rows of one that is attached,
//! detached, dropped, truncated or rewritten come or go without a message. Each has its file, and
//! the version of the row that makes it a partition. Of one that nobody has seen before the catalog
//! tells whether it was attached, and whether it lost the file that it was made with.

use std::collections::HashMap;

use tokio::try_join;
use tokio_postgres::Client;

use super::super::rows::{get, query};
use super::version_num;
use crate::error::{Result, Side};
use crate::sql;
use crate::sql::ask::Typed;

/// How a table is sent.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sending {
    /// Why it is sent, sorted; empty when it is not.
    pub words: Vec<String>,
    /// Its partitions at all depths, by oid; empty unless it is sent as one for them.
    pub members: Vec<Member>,
}

/// A partition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Member {
    /// `pg_class.oid`
    pub oid: u32,
    /// `relfilenode`: another one after TRUNCATE and after each rewrite, 0 without rows of its own.
    pub filenode: u32,
    /// `xmin` of its row in `pg_inherits`: another one when it was attached again.
    pub joined: String,
    /// `xmin` of its row in `pg_class`: the transaction that gave it its file, unless another one
    /// has touched the row since. Not written down.
    pub changed_by: String,
    /// It was attached, not made as a partition. Not written down.
    pub attached: bool,
    /// It was attached, and its file is not empty. Not written down.
    pub with_rows: bool,
    /// Its file is not the one that it was made with, and was given to it once it was a partition:
    /// TRUNCATE or a rewrite. Not written down.
    pub replaced: bool,
}

/// How the marks of a way up begin.
const UP: char = '^';

impl Sending {
    /// Rows may have been left out since the table was sent as `before`.
    pub fn words_may_lack(&self, before: &Sending) -> bool {
        self.words != before.words && !self.goes_on(before)
    }

    /// The same once it has been written down.
    pub fn is_written_as(&self, known: &Sending) -> bool {
        let key = |member: &Member| (member.oid, member.filenode, member.joined.clone());
        self.words == known.words
            && self.members.len() == known.members.len()
            && self
                .members
                .iter()
                .map(key)
                .eq(known.members.iter().map(key))
    }

    /// It is only a part of others that it is sent for.
    pub fn is_only_a_part(&self) -> bool {
        !self.words.is_empty() && self.words.iter().all(|word| word.starts_with(UP))
    }

    /// One reason to send all of it has been there all the time.
    fn goes_on(&self, before: &Sending) -> bool {
        let whole = |word: &&String| !word.trim_start_matches(is_way).starts_with("part");
        let mut whole = self.words.iter().filter(whole);
        whole.any(|word| before.words.contains(word))
    }

    /// Rows may have come or gone with partitions. One that was made as such has had no row that
    /// did not come as one of the whole table.
    pub fn members_may_lack(&self, before: &Sending) -> bool {
        let now: HashMap<u32, &Member> = self.members.iter().map(|m| (m.oid, m)).collect();
        let stays = |old: &Member| {
            let now = now.get(&old.oid);
            now.is_some_and(|now| now.filenode == old.filenode && now.joined == old.joined)
        };
        let doubtful = |now: &Member| now.with_rows || now.replaced;
        !before.members.iter().all(stays) || self.new_members(before).any(doubtful)
    }

    /// Rows may have come, and gone without a message, with partitions that were sent and never
    /// seen, by oid: those that are not there, or that may have been detached for a while.
    pub fn lacks_one_of(&self, partitions: &[u32]) -> bool {
        let is_there = |oid: &u32| {
            let mut members = self.members.iter();
            members.any(|member| member.oid == *oid && !member.attached)
        };
        !partitions.iter().all(is_there)
    }

    /// All partitions that there were are still there, and whatever became of their rows, this
    /// transaction emptied them all in the end.
    pub fn is_emptied_by(&self, before: &Sending, xid: u32) -> bool {
        let xid = xid.to_string();
        let stays = |old: &Member| {
            let mut now = self.members.iter().filter(|now| now.oid == old.oid);
            now.any(|now| {
                let emptied = now.filenode == 0 || now.changed_by == xid;
                now.joined == old.joined && emptied
            })
        };
        let right = |now: &Member| !now.with_rows && (!now.replaced || now.changed_by == xid);
        before.members.iter().all(stays) && self.new_members(before).all(right)
    }

    fn new_members(&self, before: &Sending) -> impl Iterator<Item = &Member> {
        let is_new = |now: &&Member| before.members.iter().all(|old| old.oid != now.oid);
        self.members.iter().filter(is_new)
    }
}

fn is_way(sign: char) -> bool {
    sign == UP || sign == ':' || sign.is_ascii_digit()
}

/// How the publications send each table, by oid.
pub(super) async fn sendings(
    client: &Client,
    version: i32,
    publications: &[String],
) -> Result<HashMap<u32, Sending>> {
    let doing = "look at how the tables are sent";
    let members = include_str!("../queries/source_members.sql");
    let values: [&dyn Typed; 1] = [&publications];
    let (sent, members) = try_join!(
        biased;
        query(client, Side::Source, doing, sent(version), &values),
        query(client, Side::Source, doing, members, &values),
    )?;
    let mut sendings: HashMap<u32, Sending> = HashMap::new();
    for row in sent {
        sendings.entry(get(&row, "oid")?).or_default().words = get(&row, "sent")?;
    }
    for row in members {
        let sending = sendings.entry(get(&row, "root")?).or_default();
        sending.members.push(Member {
            oid: get(&row, "oid")?,
            filenode: get(&row, "filenode")?,
            joined: get(&row, "joined")?,
            changed_by: get(&row, "changed_by")?,
            attached: get(&row, "attached")?,
            with_rows: get(&row, "with_rows")?,
            replaced: get(&row, "replaced")?,
        });
    }
    Ok(sendings)
}

/// Changes whenever something about the published tables does that a start has to look at.
pub async fn fingerprint(client: &Client, publications: &[String]) -> Result<String> {
    fingerprint_of(client, version_num(client).await?, publications).await
}

/// The same of a server whose version is known.
pub(super) async fn fingerprint_of(
    client: &Client,
    version: i32,
    publications: &[String],
) -> Result<String> {
    let doing = "look at the tables' columns";
    let of_tables = include_str!("../queries/source_fingerprint.sql");
    let of_sending = sql::probe::hash_of_rows(sent(version));
    let values: [&dyn Typed; 1] = [&publications];
    let (tables, sending) = try_join!(
        biased;
        query(client, Side::Source, doing, of_tables, &values),
        query(client, Side::Source, doing, &of_sending, &values),
    )?;
    let mut fingerprint = String::new();
    for rows in [tables, sending] {
        if let Some(row) = rows.first() {
            fingerprint += &get::<String>(row, "fingerprint")?;
        }
        fingerprint.push(' ');
    }
    Ok(fingerprint)
}

fn sent(version: i32) -> &'static str {
    if version < 15_00_00 {
        include_str!("../queries/source_sent_10.sql")
    } else {
        include_str!("../queries/source_sent_15.sql")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(words: &[&str]) -> Sending {
        Sending {
            words: words.iter().map(|word| (*word).to_owned()).collect(),
            members: Vec::new(),
        }
    }

    fn members(members: &[(u32, u32, &str, bool)]) -> Sending {
        let member = |(oid, filenode, joined, with_rows): &(u32, u32, &str, bool)| Member {
            oid: *oid,
            filenode: *filenode,
            joined: (*joined).to_owned(),
            changed_by: format!("9{filenode}"),
            attached: *with_rows,
            with_rows: *with_rows,
            replaced: false,
        };
        Sending {
            words: vec!["all:1:11111".to_owned()],
            members: members.iter().map(member).collect(),
        }
    }

    #[test]
    fn what_left_the_publication_or_is_filtered_otherwise_may_lack_rows() {
        let before = words(&["part7:1:11111"]);
        assert!(!before.words_may_lack(&before));
        assert!(
            words(&["part8:1:11111"]).words_may_lack(&before),
            "another filter"
        );
        assert!(
            words(&["part7:1:11111", "part9:2:11111"]).words_may_lack(&before),
            "one more"
        );
        let before = words(&["table7:1:11111"]);
        assert!(
            words(&["table8:1:11111"]).words_may_lack(&before),
            "left and came back"
        );
        assert!(
            words(&["table7:1:11101"]).words_may_lack(&before),
            "without truncate"
        );
        let both = words(&["part9:2:11111", "table7:1:11111"]);
        assert!(
            !both.words_may_lack(&before) && !before.words_may_lack(&both),
            "sent whole all the time"
        );
    }

    #[test]
    fn a_partition_that_was_attached_again_may_lack_rows() {
        let before = words(&["^700:table7:1:11110"]);
        assert!(before.is_only_a_part() && !words(&["all:1:11110"]).is_only_a_part());
        assert!(words(&["^701:table7:1:11110"]).words_may_lack(&before));
        let filtered = words(&["^700:part7:1:11110"]);
        assert!(words(&["^700:part7:1:11110", "part8:1:11110"]).words_may_lack(&filtered));
    }

    #[test]
    fn partitions_that_come_with_rows_or_go_change_what_is_there() {
        let before = members(&[(1, 10, "700", false), (2, 20, "701", true)]);
        assert!(!before.members_may_lack(&before));
        let grown = members(&[
            (1, 10, "700", false),
            (2, 20, "701", true),
            (3, 30, "702", false),
        ]);
        assert!(!grown.members_may_lack(&before), "made as a partition");
        assert!(before.members_may_lack(&grown), "dropped");
        let attached = members(&[
            (1, 10, "700", false),
            (2, 20, "701", true),
            (3, 3, "9", true),
        ]);
        assert!(attached.members_may_lack(&before));
        let truncated = members(&[(1, 11, "700", false), (2, 20, "701", true)]);
        assert!(truncated.members_may_lack(&before));
        let again = members(&[(1, 10, "703", false), (2, 20, "701", true)]);
        assert!(again.members_may_lack(&before));
    }

    #[test]
    fn a_partition_that_sent_rows_unseen_must_be_there_as_it_was_made() {
        let before = members(&[(1, 10, "700", false)]);
        let mut now = members(&[(1, 10, "700", false), (2, 2, "701", false)]);
        assert!(!now.members_may_lack(&before) && !now.lacks_one_of(&[2]));
        assert!(before.lacks_one_of(&[2]), "gone");
        now.members[1].attached = true;
        assert!(now.lacks_one_of(&[2]), "detached for a while");
        assert!(!now.members_may_lack(&before), "attached without rows");
        now.members[1].replaced = true;
        assert!(now.members_may_lack(&before), "truncated");
        for member in &mut now.members {
            "902".clone_into(&mut member.changed_by);
        }
        assert!(now.is_emptied_by(&before, 902), "with all others");
    }

    #[test]
    fn partitions_that_one_transaction_emptied_together_lack_nothing_that_came_before() {
        let before = members(&[
            (1, 0, "700", false),
            (2, 20, "701", true),
            (3, 30, "702", true),
        ]);
        let mut now = members(&[
            (1, 0, "700", false),
            (2, 77, "701", true),
            (3, 77, "702", true),
        ]);
        assert!(now.members_may_lack(&before) && now.is_emptied_by(&before, 977));
        assert!(!now.is_emptied_by(&before, 978));
        now.members[2].changed_by = "981".to_owned();
        assert!(!now.is_emptied_by(&before, 977), "truncated once more");
        let now = members(&[(1, 0, "700", false), (2, 77, "701", true)]);
        assert!(!now.is_emptied_by(&before, 977), "one is gone");
    }
}
