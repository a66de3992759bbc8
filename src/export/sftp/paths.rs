//! OpenDAL paths as paths of a server.

use opendal::{Error, ErrorKind, Result};

/// The absolute root folder: `folder` below `base`, without a slash at its end unless it is `/`.
pub(super) fn root(base: &str, folder: &str) -> String {
    let segments: Vec<&str> =
        base.split('/').chain(folder.split('/')).filter(|part| !part.is_empty()).collect();
    format!("/{}", segments.join("/"))
}

/// The absolute path of an OpenDAL path (`a/b`, `a/b/` or `/`) below an absolute root.
///
/// A path must not climb: `..` is refused, not resolved, since what it means depends on the server's links.
pub(super) fn absolute(root: &str, path: &str) -> Result<String> {
    if path.split('/').any(|segment| segment == "..") {
        return Err(Error::new(ErrorKind::ConfigInvalid, "path must not contain .. segments"));
    }
    if path.contains('\0') {
        return Err(Error::new(ErrorKind::ConfigInvalid, "path must not contain a NUL character"));
    }
    Ok(self::root(root, path))
}

/// The folders between root and `path`, outermost first, without the root and without `path` itself.
pub(super) fn parents(root: &str, path: &str) -> Vec<String> {
    let below = path.strip_prefix(root).unwrap_or(path);
    let start = path.len() - below.len();
    path.match_indices('/')
        .map(|(at, _)| at)
        .filter(|at| *at > start)
        .map(|at| path[..at].to_owned())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn roots_are_absolute_without_a_slash_at_the_end() {
        assert_eq!(root("/", ""), "/");
        assert_eq!(root("/", "/srv/siem/"), "/srv/siem");
        assert_eq!(root("/home/bob", "in"), "/home/bob/in");
        assert_eq!(root("/home/bob", ""), "/home/bob");
    }

    #[test]
    fn paths_stay_below_the_root() {
        assert_eq!(absolute("/", "/").unwrap(), "/");
        assert_eq!(absolute("/in", "a/b/").unwrap(), "/in/a/b");
        assert!(absolute("/in", "a/../../etc").is_err());
        assert!(absolute("/in", "a..b").is_ok());
    }

    #[test]
    fn parents_leave_out_root_and_the_path_itself() {
        assert_eq!(parents("/in", "/in/a/b/c"), ["/in/a", "/in/a/b"]);
        assert_eq!(parents("/", "/a/b"), ["/a"]);
        assert!(parents("/in", "/in/c").is_empty());
        assert!(parents("/", "/c").is_empty());
    }
}
