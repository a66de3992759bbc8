//! What of the chart is made from something else.

use super::render::python;

#[test]
fn the_table_of_values_and_the_schema_of_config_are_what_comments_and_defaults_say() {
    let output = python("tests/chart/document.py").output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}
