//! In which order things happened, from what strace wrote.

use std::collections::HashMap;

/// One system call that came back.
#[derive(Debug)]
struct Call {
    /// The line on which it began, and the one on which it came back.
    began: usize,
    ended: usize,
    name: String,
    /// The rest of it: what file it was about, the bytes, the result.
    text: String,
}

impl Call {
    /// What its file descriptor is.
    fn is_about(&self, file: &str) -> bool {
        let end = self.text.find([',', ')', '"']).unwrap_or(self.text.len());
        self.text[..end].contains(file)
    }

    fn is_sync(&self) -> bool {
        matches!(self.name.as_str(), "fsync" | "fdatasync")
    }

    fn succeeded(&self) -> bool {
        self.text.rsplit_once(" = ").is_some_and(|(_, result)| !result.starts_with('-'))
    }
}

/// Checks for one event that its bytes were written to `file`, that a sync of that file began after that and came
/// back well, and that only then the answer with its id was written to a TCP connection that is none to `database`
/// (`:port`, where there is one).
pub fn synced_before_answered(
    trace: &str,
    id: &str,
    file: &str,
    database: Option<&str>,
) -> Result<(), String> {
    let calls = calls(trace);
    let to_client = |call: &&Call| {
        call.is_about("<TCP") && !call.is_sync() && !database.is_some_and(|port| call.is_about(port))
    };
    let with_id = |call: &&Call| call.text.contains(id);
    let answer = calls.iter().filter(to_client).find(with_id).ok_or("no answer was seen")?;
    let of_file = || calls.iter().filter(|call| call.is_about(file));
    let written = of_file().filter(|call| !call.is_sync()).find(with_id).ok_or(format!(
        "its bytes were not written to {file}, but to {:?}",
        calls.iter().filter(with_id).map(|call| &call.name).collect::<Vec<_>>()
    ))?;
    if written.ended > answer.began {
        return Err(format!("it was written to {file} after the answer"));
    }
    let synced = of_file().filter(|call| call.is_sync() && call.succeeded());
    let mut after = synced.filter(|call| call.began > written.ended);
    match after.next() {
        Some(sync) if sync.ended < answer.began => Ok(()),
        Some(_) => Err("the answer was written before the sync came back".to_owned()),
        None => Err(format!("{file} was never synced after it was written")),
    }
}

fn calls(trace: &str) -> Vec<Call> {
    let mut calls = Vec::new();
    let mut unfinished: HashMap<&str, Call> = HashMap::new();
    for (at, line) in trace.lines().enumerate() {
        // process, time, call
        let mut words = line.trim_start().splitn(2, ' ');
        let (Some(process), Some(rest)) = (words.next(), words.next()) else { continue };
        let Some((_, rest)) = rest.trim_start().split_once(' ') else { continue };
        if let Some(rest) = rest.strip_prefix("<... ") {
            let Some(mut call) = unfinished.remove(process) else { continue };
            call.ended = at;
            call.text.push_str(rest.split_once("resumed>").map_or(rest, |(_, result)| result));
            calls.push(call);
            continue;
        }
        let Some((name, text)) = rest.split_once('(') else { continue };
        let call = Call { began: at, ended: at, name: name.to_owned(), text: text.to_owned() };
        match text.strip_suffix("<unfinished ...>") {
            Some(text) => {
                unfinished.insert(process, Call { text: text.to_owned(), ..call });
            }
            None => calls.push(call),
        }
    }
    calls
}

const GOOD: &str = "\
7 1.0 pwrite64(9</d/vidne.db-wal>, \"..id-1..\", 4096, 56 <unfinished ...>\n\
8 1.1 sendto(11<TCP:[127.0.0.1:1->127.0.0.1:2]>, \"other\", 5, 0, NULL, 0) = 5\n\
7 1.2 <... pwrite64 resumed>) = 4096\n\
7 1.3 fdatasync(9</d/vidne.db-wal>) = 0\n\
8 1.4 writev(11<TCP:[127.0.0.1:1->127.0.0.1:2]>, [{iov_base=\"..id-1..\", iov_len=9}], 1) = 9\n";

#[test]
fn what_is_synced_in_time_is_found_and_what_is_not_is_not() {
    let check = |trace: &str| synced_before_answered(trace, "id-1", ".db-wal", None);
    check(GOOD).unwrap();
    let lines: Vec<&str> = GOOD.lines().collect();
    let order = |places: &[usize]| places.iter().map(|&i| format!("{}\n", lines[i])).collect::<String>();
    for wrong in [
        // No sync; the sync before the write has ended; the sync behind the answer; no answer; never written.
        order(&[0, 1, 2, 4]),
        order(&[0, 3, 2, 4]),
        order(&[0, 1, 2, 4, 3]),
        order(&[0, 1, 2, 3]),
        order(&[1, 3, 4]),
        GOOD.replace("fdatasync(9</d/vidne.db-wal>) = 0", "fdatasync(9</d/vidne.db-wal>) = -1 EIO"),
        GOOD.replace("fdatasync(9</d/vidne.db-wal>)", "fdatasync(8</d/vidne.db>)"),
    ] {
        check(&wrong).unwrap_err();
    }
}
