//! Keys: sealing of secrets, fingerprints, tokens.
