//! Errors of MariaDB and MySQL by their numbers: their SQLSTATEs are too coarse, most say HY000.

use sqlx::mysql::MySqlDatabaseError;

use crate::store::sql::error::Verdict;

/// Another transaction holds what is needed: lock wait time-out, deadlock (this transaction was the one chosen to
/// be undone), NOWAIT.
const BUSY: [u16; 3] = [1205, 1213, 3572];

/// Passes by itself, or once the operator has put the server right.
const PASSES: [u16; 29] = [
    // Error writing a file; disk full; table full, which is InnoDB's disk full.
    3, 1021, 1026, 1114, // Out of memory or resources.
    1037, 1038, 1041, // Too many connections, of all or of this user; too many errors from this host.
    1040, 1129, 1203,
    1226, // Shutting down, aborted, broken in the midst of a packet, a node that is not ready.
    1047, 1053, 1152, 1158, 1159, 1160, 1161, // The outcome of a commit is unknown.
    1180, // Read-only: a standby, or a failover under way; offline.
    1290, 1792, 1836,
    3032, // The statement was ended: by an administrator, or because it took too long.
    1317, 1927, 1969, 3024, // The connection was idle for too long; a row moved on.
    4031, 1020,
];

/// Wrong user name or password.
const AUTHORIZATION: [u16; 4] = [1045, 1251, 1698, 3118];
/// There is no such database.
const NO_DATABASE: u16 = 1049;
/// The user lacks a right: to the database, a table, a column, an act.
const PRIVILEGE: [u16; 5] = [1044, 1142, 1143, 1227, 1370];

pub(in crate::store::sql) fn verdict(error: &MySqlDatabaseError) -> Verdict {
    number_verdict(error.number())
}

fn number_verdict(number: u16) -> Verdict {
    if BUSY.contains(&number) {
        Verdict::Busy
    } else if PASSES.contains(&number) {
        Verdict::Passes
    } else {
        Verdict::Stays
    }
}

/// What the operator must put right, in plain words.
pub(in crate::store::sql) fn words(error: &MySqlDatabaseError) -> Option<&'static str> {
    number_words(error.number())
}

fn number_words(number: u16) -> Option<&'static str> {
    Some(if AUTHORIZATION.contains(&number) {
        "the database refuses this user name or password; correct the database URL"
    } else if number == NO_DATABASE {
        "there is no such database on the server; create it or correct the database URL"
    } else if PRIVILEGE.contains(&number) {
        "the database user lacks the right to do this, or there is no such database; grant it (GRANT ALL ON \
         name.* TO the user), or correct the database URL"
    } else {
        return None;
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_passes_by_itself_is_told_from_what_does_not() {
        for (number, expected) in [
            (1205, Verdict::Busy),
            (1213, Verdict::Busy),
            (3572, Verdict::Busy),
            (1040, Verdict::Passes),
            (1053, Verdict::Passes),
            (1114, Verdict::Passes),
            (1290, Verdict::Passes),
            (1927, Verdict::Passes),
            (1969, Verdict::Passes),
            (1062, Verdict::Stays),
            (1064, Verdict::Stays),
            (1146, Verdict::Stays),
            (1406, Verdict::Stays),
        ] {
            assert_eq!(number_verdict(number), expected, "{number}");
        }
    }

    #[test]
    fn what_the_operator_must_do_is_said() {
        assert!(number_words(1045).unwrap().contains("user name or password"));
        assert!(number_words(1049).unwrap().contains("create it"));
        assert!(number_words(1142).unwrap().contains("grant it"));
        assert_eq!(number_words(1062), None);
    }
}
