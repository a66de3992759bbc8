//! What `vidne` draws where a person looks at it: the real program on a terminal of 40 columns.

use std::process::Command;

use super::program::{Run, client, client_with};
use crate::support::{from_tests_run, server::Server};

const COLUMNS: usize = 40;
/// What a bar is made of.
const BAR: [char; 2] = ['█', '░'];

/// Runs it as a client of `server` on a terminal; all that it draws.
fn drawn(server: &Server, arguments: &[&str], variables: &[(&str, &str)]) -> String {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/python/terminal.py");
    let mut command = Command::new(from_tests_run("VIDNE_TEST_PYTHON"));
    command.args([script, &COLUMNS.to_string(), env!("CARGO_BIN_EXE_vidne")]).args(arguments);
    command.env_remove("NO_COLOR").env("TERM", "xterm").env("VIDNE_SERVER", server.endpoint());
    command.envs(variables.iter().copied()).current_dir("/");
    let output = command.output().unwrap();
    let said = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success(), "{said}{}", String::from_utf8_lossy(&output.stderr));
    said
}

/// A terminal, as far as the program makes use of one. Anything else that is sent to it fails the test.
#[derive(Default)]
struct Screen {
    rows: Vec<Vec<char>>,
    column: usize,
    /// What a row held when it was wiped or written over from its beginning.
    before: Vec<String>,
}

impl Screen {
    fn show(drawn: &str) -> Self {
        let mut screen = Self { rows: vec![Vec::new()], ..Self::default() };
        let mut characters = drawn.chars();
        while let Some(character) = characters.next() {
            match character {
                '\r' => screen.column = 0,
                '\n' => screen.rows.push(Vec::new()),
                '\x1b' => {
                    let mut order = String::new();
                    while !order.ends_with(|end: char| end.is_ascii_alphabetic()) {
                        order.push(characters.next().expect("the end of what is sent to the terminal"));
                    }
                    screen.obey(&order);
                }
                character => screen.put(character),
            }
        }
        screen
    }

    fn obey(&mut self, order: &str) {
        match order {
            "[2K" => {
                let row = self.row().drain(..).collect();
                self.before.push(row);
            }
            colour if colour.starts_with('[') && colour.ends_with('m') => {}
            other => panic!("the cursor leaves its row, or something else that is not known: {other}"),
        }
    }

    fn put(&mut self, character: char) {
        if self.column == COLUMNS {
            self.rows.push(Vec::new());
            self.column = 0;
        }
        let column = self.column;
        let row = self.row();
        row.resize(row.len().max(column + 1), ' ');
        row[column] = character;
        self.column += 1;
    }

    fn row(&mut self) -> &mut Vec<char> {
        self.rows.last_mut().unwrap()
    }

    /// The bars that were drawn, each in its row.
    fn bars(&self) -> Vec<&str> {
        self.before.iter().map(String::as_str).filter(|row| row.contains(BAR)).collect()
    }

    /// What stands there in the end, its rows put together.
    fn text(&self) -> String {
        self.rows.iter().flatten().collect()
    }
}

/// A server with a job that makes a file of each event.
fn server_with_a_job() -> Server {
    let server = Server::on_sqlite();
    let job = ["export", "create", "--name", "siem", "--fs", "in", "--manual", "--type", "read"];
    client(&server, &[&job[..], &["--max-events", "1"]].concat()).ok();
    server
}

fn record(server: &Server, events: usize) {
    client_with(server, &["record", "--file", "-"], &"{\"type\":\"RECORD_READ\"}\n".repeat(events)).ok();
}

const RUN: [&str; 4] = ["export", "run", "siem", "--follow"];

#[test]
fn a_followed_run_draws_a_bar_in_one_row_and_its_last_word_in_its_place() {
    let server = server_with_a_job();
    record(&server, 40);
    let drawn = drawn(&server, &RUN, &[]);
    let screen = Screen::show(&drawn);
    let bars = screen.bars();
    assert!(bars.len() > 10, "{bars:?}");
    // The bar, how much, of how many, and what is being done; the first one has no numbers yet.
    let come = bars.iter().filter(|bar| bar.contains(" of ")).map(|bar| {
        let words: Vec<&str> = bar.split_whitespace().collect();
        assert!(words[0].chars().count() == 10 && words[3] == "of" && words.len() > 5, "{bar}");
        let number = |word: &str| word.trim_end_matches('%').parse::<f64>().unwrap();
        assert!((number(words[2]) / number(words[4]) * 100. - number(words[1])).abs() <= 1., "{bar}");
        number(words[2])
    });
    let come: Vec<f64> = come.collect();
    assert!(come.is_sorted() && come[0] == 0. && come.last() > Some(&39.), "{come:?}");
    let text = screen.text();
    assert!(!text.contains(BAR) && !text.contains('%'), "{text}");
    assert_eq!(text.matches(".jsonl").count(), 40, "{text}");
    let last: String = screen.rows.iter().rev().find(|row| !row.is_empty()).unwrap().iter().collect();
    assert!(last.starts_with("40 files, 40 events,"), "{last}");
    assert!(drawn.contains("\x1b[32m"), "names are green");
}

#[test]
fn a_bar_has_no_colours_where_they_are_not_wanted_and_is_not_drawn_on_a_terminal_that_cannot() {
    let server = server_with_a_job();
    record(&server, 5);
    let plain = drawn(&server, &RUN, &[("NO_COLOR", "1")]);
    let colours = plain
        .split("\x1b[")
        .skip(1)
        .filter(|order| order.trim_start_matches(char::is_numeric).starts_with('m'));
    assert_eq!(colours.count(), 0, "{plain}");
    assert!(!Screen::show(&plain).bars().is_empty(), "{plain}");

    record(&server, 5);
    let dumb = drawn(&server, &RUN, &[("TERM", "dumb")]);
    assert!(!dumb.contains(['\x1b', '%']) && !dumb.contains(BAR), "{dumb}");
    assert!(dumb.contains("5 files, 5 events"), "{dumb}");

    record(&server, 5);
    let Run { code, out, err } = client(&server, &RUN);
    assert!(code == 0 && err.is_empty() && !out.contains(['\x1b', '\r', '%']), "{out}{err}");
    assert!(out.lines().count() == 6 && out.contains("5 files, 5 events"), "{out}");
}
