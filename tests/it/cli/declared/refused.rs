//! Declarations that stop a start, and what they keep from being done.

use vidne::codec::proto::v1::destination;

use super::{Config, JOB, client, command, job, run_with};

#[test]
fn a_job_that_was_made_by_hand_is_adopted_only_if_that_is_said() {
    let config = Config::new("");
    let mut server = config.server();
    client(&server, &["tenant", "create", "acme"]).ok();
    client(&server, &["export", "create", "--name", "local", "--tenant", "acme", "--fs", "mine"]).ok();
    let by_hand = job(&server);
    assert!(server.terminate().success());

    config.write(JOB);
    let refused = config.refused(&server.data_folder());
    assert_eq!(refused.code, 78, "{}", refused.err);
    for part in ["export job local of tenant acme", "adopt = true", "another name"] {
        assert!(refused.err.contains(part), "{}", refused.err);
    }

    config.write(&JOB.replace("name = \"local\"", "name = \"local\"\nadopt = true"));
    server.restart();
    let adopted = job(&server);
    assert_eq!((adopted.declared, adopted.job_id), (true, by_hand.job_id));
    let kind = adopted.destination.unwrap().kind.unwrap();
    assert!(matches!(&kind, destination::Kind::Fs(fs) if fs.directory == "siem"), "{kind:?}");
    server.restart();
    assert_eq!(job(&server).revision, adopted.revision);
}

#[test]
fn what_cannot_be_declared_stops_the_start_with_code_78() {
    let folder = tempfile::tempdir().unwrap();
    let config = Config::new(&JOB.replace("interval = \"1s\"", "every = \"1s\"").replace("fs =", "ftp ="));
    for refused in [
        config.refused(folder.path()),
        run_with(command(&["config", "check", "--config"]).arg(config.path()), ""),
    ] {
        assert_eq!(refused.code, 78, "{}", refused.err);
        for path in ["export_jobs[0].schedule.every", "export_jobs[0].destination.ftp"] {
            assert!(refused.err.contains(path), "{}", refused.err);
        }
    }
    let no_tenant = JOB.split_once("[[tenants]]").unwrap().1.split_once("[[export_jobs]]").unwrap().1;
    config.write(&format!("[[export_jobs]]{no_tenant}"));
    run_with(command(&["config", "check", "--config"]).arg(config.path()), "").ok();
    let refused = config.refused(folder.path());
    assert!(refused.code == 78 && refused.err.contains("[[tenants]]"), "{} {}", refused.code, refused.err);
}

#[test]
fn a_declared_job_is_deleted_only_after_a_start_without_it() {
    let config = Config::new(JOB);
    let mut server = config.server();
    let made = job(&server);
    let delete = ["export", "delete", "local", "--tenant", "acme", "--yes"];
    let refused = client(&server, &delete);
    assert_eq!((refused.code, refused.out.as_str()), (1, ""), "{}", refused.err);
    for part in ["declared in the server's configuration", "restart", "hint:", "vidne export pause"] {
        assert!(refused.err.contains(part), "{part}: {}", refused.err);
    }
    assert_eq!(job(&server).job_id, made.job_id);

    config.write("");
    server.restart();
    client(&server, &delete).ok();
    let gone = client(&server, &["export", "get", "local", "--tenant", "acme"]);
    assert!(gone.code == 1 && gone.err.contains("no such export job"), "{}", gone.err);
}
