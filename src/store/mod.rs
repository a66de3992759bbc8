//! The only room that knows SeaORM.
