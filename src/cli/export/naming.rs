//! What files are called, how they are packed and what lies beside them, from flags.

use clap::{Args, ValueEnum};

use super::super::CliError;
use crate::{
    codec::proto::v1::{self, ExportJob, ExportManifest},
    domain::delivery::{Naming, check_folder},
};

/// How files are packed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Compression {
    /// As they are.
    None,
    /// gzip; the name ends in .gz.
    Gzip,
}

/// How files are laid down.
#[derive(Debug, Default, Args)]
#[command(next_help_heading = "Under which names")]
pub struct NamingArgs {
    /// How files are packed. Default: none.
    #[arg(long, value_enum)]
    compression: Option<Compression>,
    /// The same as --compression gzip.
    #[arg(long, conflicts_with = "compression")]
    gzip: bool,
    /// Folders below the destination's, made as they are needed, such as "{tenant}/{yyyy}/{mm}/{dd}". Also: {job}, {id},
    /// {HH}, {time}, {first}, {last}. Default: none.
    #[arg(long, value_name = "TEMPLATE")]
    directory_template: Option<String>,
    /// The name without its ending; it has {id}, {first} and {last}. Default: "{job}_{id}_{time}_{first}-{last}".
    #[arg(long, value_name = "TEMPLATE")]
    name_template: Option<String>,
    /// The folder of manifests, below the destination's, away from where a consumer looks for data. Default: .manifests.
    #[arg(long, value_name = "FOLDER")]
    manifest_directory: Option<String>,
    /// Write no manifests.
    #[arg(long, conflicts_with = "manifest_directory")]
    no_manifest: bool,
}

impl NamingArgs {
    /// Puts what is given into a job and leaves the rest of it. The paths of what is given.
    ///
    /// # Errors
    ///
    /// If a template or a folder cannot be used.
    pub fn apply(&self, job: &mut ExportJob) -> Result<Vec<&'static str>, CliError> {
        let mut paths = Vec::new();
        if self.directory_template.is_some() || self.name_template.is_some() {
            let given = |text: &Option<String>| text.clone().unwrap_or_default();
            check(&given(&self.directory_template), &given(&self.name_template))?;
            let naming = job.naming.get_or_insert_default();
            if let Some(directory) = &self.directory_template {
                naming.directory.clone_from(directory);
            }
            if let Some(name) = &self.name_template {
                naming.name.clone_from(name);
            }
            paths.push("naming");
        }
        let gzip = self.gzip.then_some(Compression::Gzip);
        if let Some(compression) = self.compression.or(gzip) {
            job.compression = match compression {
                Compression::None => v1::Compression::None,
                Compression::Gzip => v1::Compression::Gzip,
            }
            .into();
            paths.push("compression");
        }
        if self.no_manifest {
            job.manifest = Some(ExportManifest { off: true, directory: String::new() });
            paths.push("manifest");
        } else if let Some(directory) = self.manifest_directory.clone() {
            check_folder(&directory)
                .map_err(|error| CliError::Usage(format!("--manifest-directory: {error}")))?;
            job.manifest = Some(ExportManifest { off: false, directory });
            paths.push("manifest");
        }
        Ok(paths)
    }
}

fn check(directory: &str, name: &str) -> Result<(), CliError> {
    let Err((in_directory, in_name)) = Naming::new(directory, name) else { return Ok(()) };
    let wrong = [("--directory-template", in_directory), ("--name-template", in_name)];
    let said = wrong.into_iter().filter_map(|(flag, error)| Some(format!("{flag}: {}", error?)));
    Err(CliError::Usage(said.collect::<Vec<_>>().join("; ")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codec::proto::v1::ExportNaming;

    #[test]
    fn what_is_not_given_stays() {
        let naming = ExportNaming { directory: "{yyyy}".into(), name: "{id}_{first}_{last}".into() };
        let mut job = ExportJob { naming: Some(naming.clone()), ..ExportJob::default() };
        let args = NamingArgs { directory_template: Some("{mm}".into()), ..NamingArgs::default() };
        assert_eq!(args.apply(&mut job).unwrap(), ["naming"]);
        assert_eq!(job.naming, Some(ExportNaming { directory: "{mm}".into(), ..naming }));
        assert!(NamingArgs::default().apply(&mut job).unwrap().is_empty());
    }

    #[test]
    fn what_cannot_be_used_is_named_by_its_flag() {
        let args = NamingArgs {
            directory_template: Some("../{yyyy}".into()),
            name_template: Some("{first}".into()),
            ..NamingArgs::default()
        };
        let said = args.apply(&mut ExportJob::default()).unwrap_err().to_string();
        assert!(said.contains("--directory-template: not a folder"), "{said}");
        assert!(said.contains("--name-template: must hold {id}"), "{said}");
    }
}
