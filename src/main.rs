//! vidne
fn main() {}
