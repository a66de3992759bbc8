//! What a server stands on: data folder, key, database.

use std::{
    io,
    path::{Path, PathBuf},
    sync::Arc,
};

use uuid::Uuid;

use super::StartError;
use crate::{
    config::{DatabaseSettings, Settings},
    service::journal::JournalOptions,
    store::{
        Store, StoreError,
        contract::Installation,
        folder::DataFolder,
        sql::{self, Database, PoolOptions, SqlStore},
    },
    vault::{MasterKey, Vault},
};

/// The key file in the data folder.
const KEY_FILE: &str = "vidne.key";

/// An open store with the key of its installation.
pub struct Backing {
    /// The store.
    pub store: Arc<dyn Store>,
    /// The keys.
    pub vault: Vault,
    /// What the store is, in words without secrets.
    pub place: String,
    key_place: String,
    /// To be closed in the end.
    sql: Option<Arc<SqlStore>>,
    /// Held as long as the server lives.
    folder: Option<DataFolder>,
}

impl Backing {
    /// Any store with any key.
    pub fn new(store: Arc<dyn Store>, vault: Vault) -> Self {
        let key_place = "the key that was handed in".to_owned();
        Self {
            store,
            vault,
            place: "a store that was handed in".to_owned(),
            key_place,
            sql: None,
            folder: None,
        }
    }

    /// Opens what the settings name. SQLite: takes the data folder and migrates. A database server: migrates
    /// only if told to.
    pub async fn open(settings: &Settings) -> Result<Self, StartError> {
        let database = database(settings)?;
        let (folder, place) = match &database {
            Database::Sqlite { folder } => {
                (Some(DataFolder::lock(folder)?), format!("SQLite in {}", folder.display()))
            }
            Database::Postgres { .. } => (None, "PostgreSQL".to_owned()),
            Database::MySql { .. } => (None, "MariaDB or MySQL".to_owned()),
        };
        if folder.is_some() || settings.database.migrate {
            report(&sql::migrate(&database).await?);
        }
        let store = Arc::new(SqlStore::open(&database, &pool(&settings.database)).await?);
        let place = match durable(&store, settings.database.require_durable).await? {
            true => place,
            false => format!("{place}, WHICH CAN LOSE THEM (the log says why)"),
        };
        let (key, key_place) = master_key(settings)?;
        Ok(Self { store: store.clone(), vault: Vault::new(&key), place, key_place, sql: Some(store), folder })
    }

    /// The installation of the database. Refuses a key that is not its key: secrets would not open, and
    /// tokens and fingerprints would not fit.
    pub(super) async fn installation(&self) -> Result<Installation, StartError> {
        let key_check = self.vault.key_check();
        let installation = self.store.installation(Installation { id: Uuid::new_v4(), key_check }).await?;
        if installation.key_check == key_check {
            Ok(installation)
        } else {
            Err(StartError::OtherKey { place: self.key_place.clone() })
        }
    }

    /// How many transactions at a time are of use: SQLite has one writer.
    pub(super) fn committers(&self, options: &JournalOptions) -> usize {
        if self.folder.is_some() { 1 } else { options.committers }
    }

    /// Closes the database; then the folder is free.
    pub(super) async fn close(self) {
        if let Some(sql) = &self.sql
            && let Err(error) = sql.close().await
        {
            tracing::warn!(%error, "the database was not closed in good order");
        }
    }
}

/// The database that the settings name.
pub fn database(settings: &Settings) -> Result<Database, StoreError> {
    match &settings.database.url {
        Some(url) => Database::from_url(url),
        None => Ok(Database::sqlite(&settings.data_dir)),
    }
}

/// Migrates the database that the settings name; says which migrations it had not had.
pub async fn migrate(settings: &Settings) -> Result<Vec<String>, StartError> {
    let database = database(settings)?;
    let _folder = match &database {
        Database::Sqlite { folder } => Some(DataFolder::lock(folder)?),
        Database::Postgres { .. } | Database::MySql { .. } => None,
    };
    Ok(sql::migrate(&database).await?)
}

fn report(migrations: &[String]) {
    if !migrations.is_empty() {
        tracing::info!(migrations = migrations.join(", "), "the database was migrated");
    }
}

/// Whether what is acknowledged is on disk. If not, says so loudly, or refuses if it is `required`.
async fn durable(store: &SqlStore, required: bool) -> Result<bool, StartError> {
    let weaknesses = store.weaknesses().await?;
    if required && !weaknesses.is_empty() {
        return Err(StartError::NotDurable(weaknesses.join("; ")));
    }
    for weakness in &weaknesses {
        tracing::warn!(
            weakness,
            "ACKNOWLEDGED EVENTS CAN BE LOST; --require-durable refuses to start like this"
        );
    }
    Ok(weaknesses.is_empty())
}

fn pool(settings: &DatabaseSettings) -> PoolOptions {
    let DatabaseSettings {
        url: _,
        max_connections,
        acquire_timeout,
        statement_timeout,
        lock_timeout,
        migrate: _,
        require_durable: _,
    } = *settings;
    PoolOptions { max_connections, acquire_timeout, statement_timeout, lock_timeout }
}

fn master_key(settings: &Settings) -> Result<(MasterKey, String), StartError> {
    if let Some(key) = &settings.keys.key {
        let place = "keys.key (VIDNE_KEYS_KEY)";
        return Ok((MasterKey::from_base64(key.expose(), place)?, place.to_owned()));
    }
    let path = settings.keys.file.clone().unwrap_or_else(|| settings.data_dir.join(KEY_FILE));
    makefolder(&path)?;
    let place = format!("the one in {}", path.display());
    Ok((MasterKey::from_file(&path)?, place))
}

fn makefolder(file: &Path) -> Result<(), StartError> {
    let Some(folder) = file.parent().filter(|folder| !folder.as_os_str().is_empty()) else { return Ok(()) };
    privatefolder(folder)
        .map_err(|source| StartError::KeyFolder { folder: folder.display().to_string(), source })
}

fn privatefolder(folder: &Path) -> io::Result<()> {
    let folder: PathBuf = folder.to_owned();
    let mut builder = std::fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder)
}
