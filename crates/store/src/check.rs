//! A look at every page and every row, for `amends doctor`.

use rusqlite::params;
use zeroize::Zeroizing;

use crate::error::ReadError;
use crate::row;
use crate::store::CHECK_KEY;
use crate::{Store, Table};

/// How many of SQLite's own findings are kept.
const FINDINGS: u32 = 100;

/// What [`Store::check`] found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Report {
    /// Rows looked at.
    pub rows: u64,
    /// What is wrong; empty where all is well.
    pub faults: Vec<Fault>,
}

/// One thing wrong with a store.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Fault {
    /// SQLite found its own structure broken, in its words.
    Database(String),
    /// This row does not open.
    Row {
        /// The row's table.
        table: Table,
        /// The row's key.
        key: Vec<u8>,
    },
    /// The rest of this table cannot be read.
    Table {
        /// Which.
        table: Table,
        /// SQLite's words.
        detail: String,
    },
    /// The row by which the key is known is gone or does not open, though the key opens others.
    KeyCheck,
}

impl Store {
    /// Looks at the whole database and opens every row. Envelopes and chunks of photos are sealed by others: whether they open is for the replica to say.
    /// Takes time in proportion to the store; one row at a time is in memory.
    ///
    /// # Errors
    /// [`ReadError`] where the check itself cannot run; what it finds is in the report.
    pub fn check(&self) -> Result<Report, ReadError> {
        let mut report = Report::default();
        self.check_structure(&mut report)?;
        self.check_key(&mut report);
        for table in Table::ALL {
            if let Err(error) = self.check_rows(table, &mut report) {
                report.faults.push(Fault::Table {
                    table,
                    detail: error.to_string(),
                });
            }
        }
        Ok(report)
    }

    fn check_structure(&self, report: &mut Report) -> Result<(), ReadError> {
        let found = (|| {
            let mut statement = self
                .conn
                .prepare(&format!("PRAGMA integrity_check({FINDINGS})"))?;
            let rows = statement.query_map([], |row| row.get::<_, String>(0))?;
            rows.collect::<Result<Vec<_>, _>>()
        })();
        match found.map_err(ReadError::from) {
            Ok(found) => report.faults.extend(
                found
                    .into_iter()
                    .filter(|line| line != "ok")
                    .map(Fault::Database),
            ),
            Err(ReadError::Damaged(detail)) => report.faults.push(Fault::Database(detail)),
            Err(other) => return Err(other),
        }
        Ok(())
    }

    fn check_key(&self, report: &mut Report) {
        let check = row::key_check();
        let sealed = self.conn.query_row(check.get, params![CHECK_KEY], |row| {
            row.get::<_, Vec<u8>>(0)
        });
        let opens =
            sealed.is_ok_and(|sealed| row::open(&self.key, check.name, CHECK_KEY, &sealed).is_ok());
        if !opens {
            report.faults.push(Fault::KeyCheck);
        }
    }

    fn check_rows(&self, table: Table, report: &mut Report) -> Result<(), ReadError> {
        let mut statement = self.conn.prepare_cached(row::statements(table).scan_from)?;
        let mut rows = statement.query(params![&b""[..], i64::MAX])?;
        while let Some(found) = rows.next()? {
            report.rows = report.rows.saturating_add(1);
            let key = found.get_ref(0)?.as_blob().unwrap_or_default();
            match self.opened(table, key, found.get_ref(1)?) {
                // Keys may stand in it.
                Ok(value) => drop(Zeroizing::new(value)),
                Err(ReadError::Row { table, key }) => report.faults.push(Fault::Row { table, key }),
                Err(other) => return Err(other),
            }
        }
        Ok(())
    }
}
