//! Help, errors and exit codes, without a server.

use super::program::{command, run, run_with};

/// An address where nobody listens.
fn nobody() -> String {
    let address = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    format!("http://{address}")
}

#[test]
fn every_command_explains_itself() {
    let commands = [
        "serve", "migrate", "record", "query", "tail", "types", "tenant", "export", "config", "health",
        "demo",
    ];
    let overview = run(&["--help"]).ok().out;
    for command in commands {
        assert!(overview.contains(&format!("\n  {command} ")), "{command} is missing in {overview}");
        let help = run(&[command, "--help"]).ok();
        assert!(help.err.is_empty() && help.out.contains("Usage: vidne"), "{}", help.out);
    }
}

#[test]
fn wrong_usage_is_exit_code_2() {
    for wrong in [
        &["no-such-command"][..],
        &["record"],
        &["record", "--type", "no_such_type"],
        &["record", "--type", "read", "--target", "form"],
        &["record", "--file", "-", "--type", "read"],
        &["query", "--since", "yesterday"],
        &["query", "--server", "not a url"],
        &["tenant", "update", "default"],
        &["export", "create", "--name", "x"],
        &["export", "create", "--name", "x", "--sftp", "drop", "--user", "u"],
    ] {
        let run = run(wrong);
        assert_eq!(run.code, 2, "{wrong:?}: {}", run.err);
        assert!(run.out.is_empty() && !run.err.is_empty());
    }
}

#[test]
fn a_server_that_is_not_there_is_exit_code_1_and_names_the_way_out() {
    for client in [
        &["record", "--type", "read"][..],
        &["query"],
        &["health"],
        &["tenant", "list"],
        &["export", "run", "siem"],
    ] {
        let run = run_with(command(client).env("VIDNE_SERVER", nobody()), "");
        assert_eq!(run.code, 1, "{client:?}: {}", run.err);
        assert!(run.err.contains("vidne serve") && run.err.contains("--server"), "{}", run.err);
        assert!(run.out.is_empty());
    }
}

#[test]
fn the_catalogue_is_known_without_a_server() {
    let types = run_with(command(&["types", "--json"]).env("VIDNE_SERVER", nobody()), "").ok().json();
    assert_eq!(types.iter().filter(|t| t["category"] == "security_administration").count(), 27);
    let misspelt = types.iter().find(|t| t["type_code"] == 22).unwrap();
    assert_eq!(misspelt["type_name"], "ProjectHotFolderDiable");
}

#[test]
fn a_pipe_gets_no_colours() {
    let run = run_with(command(&["query"]).env("VIDNE_SERVER", nobody()), "");
    assert!(!run.err.contains('\u{1b}'), "{:?}", run.err);
}
