//! What the application may do against what the connection's settings need.

use super::super::facts::Seen;
use super::super::{Check, Finding};
use crate::graph::{Error, Feature, Permission, missing};
use crate::settings::{OnDelete, Settings};

/// Roles that may set passwords of people without a role, by name and by the id of the template in a token ("Microsoft
/// Entra built-in roles").
const PASSWORD_ROLES: [(&str, &str); 3] = [
    ("User Administrator", "fe930be7-5e62-47db-91af-98c3a49a38b1"),
    ("Privileged Authentication Administrator", "7be44c8a-adaf-4e2a-84d6-ab2649e08a13"),
    ("Global Administrator", "62e90394-69f5-4237-9190-012177145e10"),
];

/// What is to be said of the permissions.
pub(super) fn permissions(seen: &Seen, settings: &Settings) -> Vec<Finding> {
    let Some(Ok(())) = seen.token else {
        return Vec::new();
    };
    let refused = refused(seen);
    let Some(held) = &seen.permissions else {
        return match refused {
            Some(finding) => vec![finding],
            None if seen.organization.is_some() => vec![Finding::ok(
                Check::Permissions,
                "the token does not say which it has; what was read was allowed",
            )],
            None => Vec::new(),
        };
    };
    let missing = missing(held, &in_use(settings));
    let (needed, optional): (Vec<&Permission>, Vec<&Permission>) = missing
        .into_iter()
        .partition(|permission| permission.feature.is_none_or(|feature| is_sure(feature, settings)));
    let mut findings: Vec<Finding> = Vec::new();
    if !needed.is_empty() {
        findings.push(Finding::fail(
            Check::Permissions,
            "missing",
            format!("the application lacks {}", names(&needed)),
            format!("{GRANT} {}", purposes(&needed)),
        ));
    }
    if !optional.is_empty() {
        findings.push(Finding::warn(
            Check::Permissions,
            "missing_optional",
            format!("the application lacks {}, without which parts of a push are refused", names(&optional)),
            format!("{GRANT} {} What is never pushed needs none.", purposes(&optional)),
        ));
    }
    match (findings.is_empty(), refused) {
        (true, Some(finding)) => vec![finding],
        (true, None) => vec![Finding::ok(Check::Permissions, format!("{} are granted", held.len()))],
        (false, _) => findings,
    }
}

const GRANT: &str =
    "Add them to the app registration (API permissions, Microsoft Graph) and grant admin consent.";

/// A read that was refused for want of a permission.
fn refused(seen: &Seen) -> Option<Finding> {
    let errors = [
        seen.organization.as_ref().and_then(|answer| answer.as_ref().err()),
        seen.domains.as_ref().and_then(|answer| answer.as_ref().err()),
        seen.skus.as_ref().and_then(|answer| answer.as_ref().err()),
    ];
    let refused: Vec<&Error> =
        errors.into_iter().flatten().filter(|error| matches!(error, Error::Forbidden(_))).collect();
    let advice: Vec<String> = refused.iter().map(|error| error.advice()).collect();
    let finding = || {
        let found = format!("Microsoft Graph refused {} of the reads", refused.len());
        Finding::fail(Check::Permissions, "refused", found, advice.join(" "))
    };
    (!refused.is_empty()).then(finding)
}

fn names(permissions: &[&Permission]) -> String {
    permissions.iter().map(|permission| permission.name).collect::<Vec<_>>().join(", ")
}

fn purposes(permissions: &[&Permission]) -> String {
    let purposes =
        permissions.iter().map(|permission| format!("{}: {}", permission.name, permission.needed_for));
    purposes.collect::<Vec<_>>().join(" ")
}

/// What the settings do not switch off.
fn in_use(settings: &Settings) -> Vec<Feature> {
    let off = |rule: &str| settings.rules_off.iter().any(|name| name == rule);
    let is_used = |feature: &Feature| match feature {
        Feature::Phones => !(off("businessPhones") && off("mobilePhone")),
        Feature::OtherMails => !off("otherMails"),
        Feature::Licenses => !off("assignedLicenses"),
        Feature::Photos => settings.photo,
        Feature::Administrators => !settings.adopt_administrators,
        Feature::Passwords | Feature::Deletion | Feature::Groups => true,
    };
    Feature::ALL.into_iter().filter(is_used).collect()
}

/// Whether the feature is used for sure; of the others only upstream's pushes tell.
fn is_sure(feature: Feature, settings: &Settings) -> bool {
    match feature {
        Feature::Passwords | Feature::Photos => true,
        Feature::Deletion => settings.on_delete == OnDelete::SoftDelete,
        Feature::Phones
        | Feature::OtherMails
        | Feature::Licenses
        | Feature::Groups
        | Feature::Administrators => false,
    }
}

/// What is to be said of the role beside the permissions.
pub(super) fn role(seen: &Seen) -> Option<Finding> {
    let roles = seen.roles.as_ref()?;
    let of = |(name, template): &(&str, &str)| {
        roles.iter().any(|role| role.eq_ignore_ascii_case(name) || role.eq_ignore_ascii_case(template))
    };
    Some(match PASSWORD_ROLES.iter().find(|role| of(role)) {
        Some((name, _)) => Finding::ok(Check::Role, *name),
        None => Finding::fail(
            Check::Role,
            "missing",
            "the one who signs in holds no role that may set passwords",
            "In Microsoft Entra ID, Roles & admins, assign User Administrator to the application (or to the person who \
             signed in): passwords are refused without it, whatever the permissions.",
        ),
    })
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::super::super::Level;
    use super::*;
    use crate::graph::PERMISSIONS;

    fn without(lacking: &[&str]) -> Seen {
        let held =
            PERMISSIONS.iter().map(|permission| permission.name).filter(|name| !lacking.contains(name));
        Seen { token: Some(Ok(())), permissions: Some(held.map(str::to_owned).collect()), ..Seen::default() }
    }

    fn judged(lacking: &[&str], settings: &Settings) -> Vec<(Level, &'static str)> {
        let findings = permissions(&without(lacking), settings);
        for finding in findings.iter().filter(|finding| finding.level > Level::Ok) {
            let names = lacking.iter().filter(|name| finding.found.contains(*name));
            assert!(names.count() > 0, "{finding:?}");
        }
        findings.iter().map(|finding| (finding.level, finding.code)).collect()
    }

    #[rstest]
    #[case::all(&[], vec![(Level::Ok, "")])]
    #[case::base(&["User.EnableDisableAccount.All"], vec![(Level::Fail, "missing")])]
    #[case::passwords(&["User-PasswordProfile.ReadWrite.All"], vec![(Level::Fail, "missing")])]
    #[case::groups(&["Group.ReadWrite.All"], vec![(Level::Warn, "missing_optional")])]
    #[case::both(
        &["User.EnableDisableAccount.All", "LicenseAssignment.ReadWrite.All"],
        vec![(Level::Fail, "missing"), (Level::Warn, "missing_optional")]
    )]
    #[case::photos(&["ProfilePhoto.ReadWrite.All"], vec![(Level::Ok, "")])]
    fn what_is_lacking_is_named(#[case] lacking: &[&str], #[case] expected: Vec<(Level, &'static str)>) {
        assert_eq!(judged(lacking, &Settings::default()), expected);
    }

    #[test]
    fn what_is_switched_off_needs_nothing() {
        let off = ["businessPhones", "mobilePhone", "otherMails", "assignedLicenses"].map(str::to_owned);
        let settings =
            Settings { rules_off: off.to_vec(), adopt_administrators: true, ..Settings::default() };
        let lacking = [
            "User-Phone.ReadWrite.All",
            "User-Mail.ReadWrite.All",
            "LicenseAssignment.ReadWrite.All",
            "Directory.Read.All",
        ];
        assert_eq!(judged(&lacking, &settings), [(Level::Ok, "")]);
    }

    #[rstest]
    #[case("User Administrator", true)]
    #[case("FE930BE7-5e62-47db-91af-98c3a49a38b1", true)]
    #[case("Global Administrator", true)]
    #[case("Directory Readers", false)]
    fn a_role_is_known_by_its_name_or_its_template(#[case] role_held: &str, #[case] enough: bool) {
        let seen = Seen { roles: Some(vec![role_held.to_owned()]), ..Seen::default() };
        assert_eq!(role(&seen).unwrap().level == Level::Ok, enough);
        assert_eq!(role(&Seen::default()), None);
    }

    #[test]
    fn an_opaque_token_is_judged_by_what_is_refused() {
        let opaque = || Seen { permissions: None, ..without(&[]) };
        assert_eq!(permissions(&opaque(), &Settings::default()), []);
        let failure = crate::graph::Failure {
            operation: crate::graph::Operation::ListDomains,
            status: 403,
            code: "Authorization_RequestDenied".to_owned(),
            message: String::new(),
            request_id: None,
            client_request_id: uuid::Uuid::nil(),
        };
        let seen = Seen { domains: Some(Err(Error::Forbidden(Box::new(failure)))), ..opaque() };
        let found = permissions(&seen, &Settings::default());
        assert_eq!(found[0].code, "refused");
        assert!(found[0].advice.contains("Domain.Read.All"), "{found:?}");
    }
}
