//! Which environment variable sets which key.

use std::collections::BTreeMap;

use super::{error::ConfigError, source::suggestion};

const PREFIX: &str = "VIDNE_";
/// Variables of the clients and of choosing the file itself.
const OTHERS: [&str; 3] = ["VIDNE_SERVER", "VIDNE_API_KEY", "VIDNE_CONFIG"];
/// Variables of the test suite.
const TESTS: &str = "VIDNE_TEST_";

/// The variable of a key: `database.url` is `VIDNE_DATABASE_URL`.
pub(super) fn variable(key: &str) -> String {
    format!("{PREFIX}{}", key.to_uppercase().replace('.', "_"))
}

/// The keys that variables set, with their text; unknown `VIDNE_` variables are refused.
pub(super) fn assignments<'a>(
    keys: impl Iterator<Item = &'a str>,
    variables: &[(String, String)],
) -> Result<Vec<(String, String, String)>, ConfigError> {
    let known: BTreeMap<String, &str> = keys.map(|key| (variable(key), key)).collect();
    let mut wrong = ConfigError::new();
    let mut found = Vec::new();
    for (name, text) in variables {
        if let Some(key) = known.get(name) {
            found.push(((*key).to_owned(), name.clone(), text.clone()));
        } else if name.starts_with(PREFIX) && !is_other(name) {
            let names = known.keys().map(String::as_str).chain(OTHERS);
            wrong.add(format!("the environment variable {name} is not known{}", suggestion(name, names)));
        }
    }
    wrong.into_result(found)
}

fn is_other(name: &str) -> bool {
    OTHERS.contains(&name) || name.starts_with(TESTS) || is_kubernetes(name)
}

/// What Kubernetes sets in every pod beside a Service called `vidne`: its address in several spellings, such as
/// `VIDNE_PORT_50051_TCP_ADDR`.
fn is_kubernetes(name: &str) -> bool {
    name == "VIDNE_SERVICE_HOST"
        || ["VIDNE_SERVICE_PORT", "VIDNE_PORT"].iter().any(|prefix| {
            name.strip_prefix(prefix).is_some_and(|rest| rest.is_empty() || rest.starts_with('_'))
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(name: &str) -> Result<Vec<(String, String, String)>, ConfigError> {
        assignments(["database.url", "server.listen"].into_iter(), &[(name.to_owned(), "x".to_owned())])
    }

    #[test]
    fn a_variable_sets_its_key() {
        let expected = ("database.url".to_owned(), "VIDNE_DATABASE_URL".to_owned(), "x".to_owned());
        assert_eq!(read("VIDNE_DATABASE_URL").unwrap(), [expected]);
    }

    #[test]
    fn a_misspelled_variable_is_refused_with_the_right_one() {
        let error = read("VIDNE_DATABSE_URL").unwrap_err().to_string();
        assert!(error.contains("VIDNE_DATABSE_URL") && error.contains("did you mean VIDNE_DATABASE_URL?"));
    }

    #[test]
    fn variables_of_others_are_left_alone() {
        for name in [
            "HOME",
            "VIDNE_SERVER",
            "VIDNE_API_KEY",
            "VIDNE_TEST_POSTGRES_URL",
            "VIDNE_SERVICE_HOST",
            "VIDNE_SERVICE_PORT",
            "VIDNE_SERVICE_PORT_GRPC",
            "VIDNE_PORT",
            "VIDNE_PORT_50051_TCP_ADDR",
        ] {
            assert_eq!(read(name).unwrap(), [], "{name}");
        }
        assert!(read("VIDNE_PORTS").is_err());
    }
}
