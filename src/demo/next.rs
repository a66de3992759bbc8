//! What to try after the demo.

use crate::cli::CliError;

use super::{
    narrate::Narrator,
    scene::{SFTP_USER, Scene},
};

/// Prints the commands to try; with `keep`, waits for Ctrl-C.
///
/// # Errors
///
/// If the output is closed.
pub async fn steps(tell: &mut Narrator, scene: &Scene, keep: bool) -> Result<(), CliError> {
    let program = std::env::args().next().unwrap_or_else(|| "vidne".to_owned());
    let server = format!("--server {}", scene.endpoint());
    tell.line("")?;
    if !keep {
        tell.line("What to try next (the demo's data is gone now; --keep keeps it running):")?;
        tell.command(&format!("{program} demo --keep"), "the same, and then try the commands against it")?;
        tell.command(&format!("{program} serve"), "a server that stays: data in ./vidne-data")?;
        tell.command(&format!("{program} record --type record_read --actor-id me"), "an event of your own")?;
        tell.command(&format!("{program} query"), "what happened")?;
        tell.command(&format!("{program} tail"), "what happens")?;
        tell.command(&format!("{program} export create --help"), "files for your SIEM")?;
        return Ok(());
    }
    tell.line("Everything keeps running until Ctrl-C. In another terminal:")?;
    tell.command(&format!("{program} query {server}"), "what happened")?;
    tell.command(&format!("{program} tail {server}"), "what happens")?;
    tell.command(&format!("{program} record --type read --actor-id me {server}"), "an event of your own")?;
    tell.command(&format!("{program} export run siem-json {server}"), "drop what is new")?;
    let address = scene.sftp.address();
    tell.command(&format!("sftp -P {} {SFTP_USER}@{}", address.port(), address.ip()), "look at the files")?;
    tell.say(&format!("(the password of this run is {})", scene.password.expose()))?;
    tokio::signal::ctrl_c()
        .await
        .map_err(|error| CliError::failed(format!("cannot wait for Ctrl-C: {error}")))?;
    tell.line("")?;
    tell.line("Stopped; the data is gone.")?;
    Ok(())
}
