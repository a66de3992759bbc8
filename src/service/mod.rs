//! The use cases: record, query, manage tenants and export jobs.
