//! `[ROLE=]TYPE:ID[:NAME][;tenant=ID]`.

use crate::domain::{event::TargetRole, input::TargetInput};

use super::super::input::{one_of, target_type};

const TENANT: &str = ";tenant=";

/// Reads a target.
///
/// # Errors
///
/// In words, if it has not the form.
pub fn parse(text: &str) -> Result<TargetInput, String> {
    let (text, tenant_id) = text.rsplit_once(TENANT).unwrap_or((text, ""));
    // The role stands before the type, which has no `=`: ids and names may have one.
    let (kind, rest) = text.split_once(':').unwrap_or((text, ""));
    let (role, kind) = match kind.split_once('=') {
        Some((role, kind)) => (parse_role(role)?.number(), kind),
        None => (0, kind),
    };
    let target_type = target_type(kind)?.number();
    let (id, name) = rest.split_once(':').unwrap_or((rest, ""));
    if id.is_empty() && name.is_empty() && tenant_id.is_empty() {
        return Err("expected [ROLE=]TYPE:ID[:NAME], such as form:BL-88 or principal=user:jh:Jens".to_owned());
    }
    Ok(TargetInput {
        role,
        target_type,
        id: id.to_owned(),
        name: name.to_owned(),
        tenant_id: tenant_id.to_owned(),
    })
}

fn parse_role(text: &str) -> Result<TargetRole, String> {
    TargetRole::from_name(text).ok_or_else(|| one_of(TargetRole::ALL.iter().map(|role| role.name())))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::event::TargetType;

    #[test]
    fn a_target_has_a_type_and_an_id_and_maybe_more() {
        let form = parse("form:BL-88").unwrap();
        let expected = TargetInput {
            target_type: TargetType::Form.number(),
            id: "BL-88".into(),
            ..TargetInput::default()
        };
        assert_eq!(form, expected);

        let user = parse("principal=user:jh:Jens: Hansen;tenant=7").unwrap();
        assert_eq!(user.role, TargetRole::Principal.number());
        assert_eq!(
            (user.id.as_str(), user.name.as_str(), user.tenant_id.as_str()),
            ("jh", "Jens: Hansen", "7")
        );
    }

    #[test]
    fn a_target_may_have_a_tenant_only() {
        let tenant = parse("tenant;tenant=7").unwrap();
        assert_eq!((tenant.id.as_str(), tenant.tenant_id.as_str()), ("", "7"));
    }

    #[test]
    fn ids_may_hold_equals_signs() {
        assert_eq!(parse("document:a=b").unwrap().id, "a=b");
    }

    #[test]
    fn wrong_targets_name_what_is_right() {
        assert!(parse("form").unwrap_err().contains("TYPE:ID"));
        assert!(parse("blanket:1").unwrap_err().contains("form"));
        assert!(parse("owner=form:1").unwrap_err().contains("principal"));
        assert!(parse("").is_err());
    }
}
