//! Scopes: what a person lets an application do.

use super::super::application::AppSeed;
use super::fault::Fault;

/// The scopes of `OpenID` Connect, which are about signing in and not about Graph.
const SIGN_IN: [&str; 4] = ["openid", "profile", "email", "offline_access"];

/// What everybody may consent to; the rest takes an administrator.
const HARMLESS: [&str; 1] = ["User.Read"];

/// Everything that was consented to, or, where consent is asked for, that the registration lists.
pub(super) const DEFAULT: &str = ".default";

/// The scopes in `text`, without this Graph's address in front; an error where one is another resource's.
pub(super) fn read(text: &str, base: &str) -> Result<Vec<String>, Fault> {
    let scopes = text.split_whitespace().map(|word| match word.strip_prefix(base) {
        Some(rest) => Ok(rest.trim_start_matches('/').to_owned()),
        None if word.contains("://") => Err(Fault::scope(word)),
        None => Ok(word.to_owned()),
    });
    let scopes: Vec<String> = scopes.collect::<Result<_, _>>()?;
    if scopes.is_empty() { Err(Fault::missing("scope")) } else { Ok(scopes) }
}

fn is(names: &[&str], scope: &str) -> bool {
    names.iter().any(|name| name.eq_ignore_ascii_case(scope))
}

/// Whether the scope `name` is among `scopes`.
pub(super) fn has(scopes: &[String], name: &str) -> bool {
    scopes.iter().any(|scope| scope.eq_ignore_ascii_case(name))
}

/// What of `scopes` nobody has consented to yet.
pub(super) fn missing(scopes: &[String], app: &AppSeed) -> Vec<String> {
    let wanted = scopes.iter().flat_map(|scope| match scope.as_str() {
        DEFAULT => app.requested.clone(),
        _ => vec![scope.clone()],
    });
    wanted.filter(|scope| !is(&SIGN_IN, scope) && !has(&app.delegated, scope)).collect()
}

/// Whether an administrator must consent to one of `scopes`.
pub(super) fn need_administrator(scopes: &[String]) -> bool {
    scopes.iter().any(|scope| !is(&SIGN_IN, scope) && !is(&HARMLESS, scope))
}

/// What a token for `scopes` permits in Graph: as in Entra, all that was consented to.
pub(super) fn granted(app: &AppSeed) -> Vec<String> {
    app.delegated.iter().filter(|scope| !is(&SIGN_IN, scope)).cloned().collect()
}

/// The scopes as a consent page shows them.
pub(super) fn shown(scopes: &[String]) -> Vec<String> {
    let text = |scope: &String| match scope.as_str() {
        "openid" => "Sign you in (openid)".to_owned(),
        "profile" => "View your basic profile (profile)".to_owned(),
        "email" => "View your email address (email)".to_owned(),
        "offline_access" => "Maintain access to data you have given it access to (offline_access)".to_owned(),
        _ => scope.clone(),
    };
    scopes.iter().filter(|scope| *scope != DEFAULT).map(text).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const BASE: &str = "http://127.0.0.1:1";

    #[test]
    fn scopes_lose_the_address_of_this_graph_and_those_of_another_are_refused() {
        let scopes =
            read("openid  http://127.0.0.1:1/User.Read User.Read.All http://127.0.0.1:1//.default", BASE);
        assert_eq!(scopes.unwrap(), ["openid", "User.Read", "User.Read.All", ".default"]);
        assert_eq!(read("https://graph.microsoft.us/User.Read", BASE).unwrap_err().number, 70_011);
        assert_eq!(read(" ", BASE).unwrap_err().number, 900_144);
    }

    #[test]
    fn what_needs_consent_and_whose() {
        let app = AppSeed {
            delegated: vec!["User.Read".to_owned()],
            requested: vec!["Group.ReadWrite.All".to_owned(), "User.Read".to_owned()],
            ..AppSeed::default()
        };
        let list = |text: &str| read(text, BASE).unwrap();
        assert_eq!(missing(&list("openid user.read Mail.Send"), &app), ["Mail.Send"]);
        assert_eq!(missing(&list("openid .default"), &app), ["Group.ReadWrite.All"]);
        assert!(need_administrator(&list("openid Mail.Send")));
        assert!(!need_administrator(&list("openid profile User.Read")));
    }

    proptest! {
        #[test]
        fn any_text_is_read_or_refused(text in ".{0,100}") {
            let _ = read(&text, BASE);
        }
    }
}
